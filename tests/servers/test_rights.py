"""No folder's rights are loosened, whoever starts the servers and wherever."""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.live import ROLES, LiveSystem, eventually
from tests.servers.test_up import answers
from wms.servers.folders import SYSTEM_USER, Account, open_data_folder, remove_data_folder
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


def python_for(account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Python of this run where the account can start it; where that lies in a closed home, a copy of it with what is installed here."""
    # By way of `env`: setpriv itself still has root's rights.
    starts = subprocess.run(account.command("env", sys.executable, "-c", "import venv"), cwd="/", capture_output=True, check=False)
    if starts.returncode == 0:
        return Path(sys.executable)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, copy, environment = Path(sys.base_prefix), folder / "base", folder / "venv"
    shutil.copytree(base / "lib" / version, copy / "lib" / version, ignore=shutil.ignore_patterns("test", "site-packages", "config-*"))
    for library in (base / "lib").glob("libpython*"):
        shutil.copy2(library, copy / "lib")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(copy / "lib"))
    (copy / "bin").mkdir()
    shutil.copy2(base / "bin" / version, copy / "bin")
    subprocess.run([copy / "bin" / version, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    python, celery = environment / "bin" / "python", environment / "bin" / "celery"
    celery.write_text(f"#!{python}\nfrom celery.__main__ import main\nmain()\n")
    celery.chmod(0o755)
    return python


@as_root
def test_a_plain_user_runs_the_whole_system(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    monkeypatch.setenv("HOME", str(home))
    account = Account(nobody.pw_uid, nobody.pw_gid)
    system = LiveSystem(home / "data" / "wms", account=account, python=python_for(account, home, monkeypatch))
    before = modes(home)

    def parts() -> list[psutil.Process]:
        """Its own programs, and the servers, which name its folder."""
        ours = [process for role in ROLES for process in system.role(role)]
        return ours + [process for process in psutil.process_iter(["cmdline"]) if str(home) in " ".join(process.info["cmdline"] or ())]

    system.begin_as_copy()
    try:
        assert eventually(lambda: answers(system) and all(system.role(role) for role in ROLES))
        running = parts()
        assert {process.uids().effective for process in running} == {nobody.pw_uid}
        assert {"postgres", "valkey-server"} <= {process.name() for process in running}
        assert system.stop() == 0
        assert [process for process in running if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        for process in parts():
            process.kill()
    assert modes(home) == before
    assert {path.stat().st_uid for path in (home / "data" / "wms").rglob("*")} == {nobody.pw_uid}
