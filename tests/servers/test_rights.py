"""No folder's rights are loosened, whoever starts the servers and wherever."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wms.servers.folders import SYSTEM_USER, open_data_folder, remove_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.valkey import EmbeddedValkey

START_AND_STOP = """
import pathlib
from wms.servers.folders import default_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.valkey import EmbeddedValkey
for server in (EmbeddedPostgres(default_data_folder()), EmbeddedValkey(default_data_folder())):
    server.start()
    server.stop()
print(default_data_folder())
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def home() -> Iterator[Path]:
    """A closed home, as /root is."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    remove_data_folder(folder / "wms")
    shutil.rmtree(folder)


def modes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in (folder, *folder.parents)}


def test_a_closed_home_stays_closed(home: Path) -> None:
    before = modes(home)
    folders = open_data_folder(home / "wms")
    for server in (EmbeddedPostgres(folders), EmbeddedValkey(folders)):
        server.start()
        server.stop()
    assert modes(home) == before
    assert home.stat().st_mode & 0o777 == 0o700
    for secret in (folders.postgres, folders.valkey, folders.sockets, folders.logs, folders.data / "postgres-passwords"):
        assert secret.stat().st_mode & 0o077 == 0, secret


@as_root
def test_root_runs_the_servers_as_a_system_user(home: Path) -> None:
    postgres = EmbeddedPostgres(home / "wms")
    postgres.start()
    running = postgres.running()
    assert running is not None
    assert running.uids().effective == pwd.getpwnam(SYSTEM_USER).pw_uid
    postgres.stop()
    # It finds what it has put elsewhere again.
    assert open_data_folder(home / "wms").postgres == postgres.cluster


@as_root
def test_root_keeps_the_servers_in_an_open_data_folder() -> None:
    parent = Path(tempfile.mkdtemp())
    parent.chmod(0o755)
    folders = open_data_folder(parent / "wms")
    assert folders.servers == parent / "wms"
    shutil.rmtree(parent)


@as_root
def test_a_plain_user_starts_them_in_the_xdg_data_folder(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    before = modes(home)
    done = subprocess.run(
        ["setpriv", "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups", sys.executable, "-c", START_AND_STOP],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(home / ".local" / "share" / "wms")
    assert modes(home) == before
    assert (home / ".local" / "share" / "wms" / "postgres").stat().st_uid == nobody.pw_uid
