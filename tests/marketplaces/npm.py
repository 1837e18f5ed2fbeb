"""Packages that platforms publish for developers, as second opinions: of a pinned one a few files are unpacked, and nothing is installed."""

import base64
import fcntl
import hashlib
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import SERVERS
from tests.conftest import installed


def unpacked(package: str, integrity: str, members: Sequence[str]) -> Path:
    """The folder of the package ("name@version"), fetched once and kept beside the tests' servers.

    `integrity` is the registry's own word for its content. Skips where the registry cannot be reached.
    """
    folder, name = SERVERS.folder.parent / "contracts", re.sub(r"[^\w.]+", "-", package).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    kept, home = folder / f"{name}.tgz", folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(_fetch(package))
        found = "sha512-" + base64.b64encode(hashlib.sha512(kept.read_bytes()).digest()).decode()
        assert found == integrity, f"{kept} is not the pinned package"
        with tarfile.open(kept) as archive:
            for path in members:
                member = archive.extractfile(f"package/{path}")
                assert member is not None
                (home / path).parent.mkdir(parents=True, exist_ok=True)
                (home / path).write_bytes(member.read())
    return home


def _fetch(package: str) -> bytes:
    npm = installed("npm", package="npm")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", package, "--loglevel", "error", "--fetch-retries", "1", "--pack-destination", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        packages = list(Path(folder).glob("*.tgz"))
        if done.returncode or not packages:
            pytest.skip(f"the package registry gave no {package}: {done.stderr.strip()[-200:]}")
        return packages[0].read_bytes()
