"""The file `env` of a data folder: what a command needs to work on the system that runs there. Its keys are made once and kept."""

import fcntl
import os
import secrets
import time
from pathlib import Path

from wms.servers.errors import CannotStart
from wms.servers.folders import Folders
from wms.servers.postgres import write_secret

KEPT = ("WMS_SECRET_KEY", "WMS_ENCRYPTION_KEYS")
NOTICE_SECONDS = 2.0
STOP_SECONDS = 90.0


def read_environment(data: Path) -> dict[str, str]:
    """The variables of the data folder; empty where nothing was ever started. Raises PermissionError for somebody else's folder."""
    try:
        lines = (data / "env").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_environment(folders: Folders, *, database_url: str, broker_url: str, address: str) -> dict[str, str]:
    before = read_environment(folders.data)
    if not before and folders.postgres.exists():
        raise CannotStart(f"{folders.data / 'env'} is gone, and with it the keys that open what {folders.postgres} keeps sealed.")
    hosts = ["localhost", "127.0.0.1", "[::1]", *os.environ.get("WMS_ALLOWED_HOSTS", "").split(",")]
    variables = {
        "WMS_ENV": "demo",
        **{name: before.get(name) or os.environ.get(name) or secrets.token_urlsafe(48) for name in KEPT},
        "WMS_ALLOWED_HOSTS": ",".join(host for host in dict.fromkeys(hosts) if host),
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
        "WMS_URL": address,
    }
    write_secret(folders.data / "env", "".join(f"{name}={value}\n" for name, value in variables.items()))
    return variables


class DataFolderLock:
    """Held for as long as a supervisor lives: the kernel lets go of it with the process, however that ends."""

    def __init__(self, data: Path) -> None:
        self.path = data / "lock"
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Waits for one that is stopping. Raises CannotStart where another one goes on running."""
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder, _space, stopping = self.path.read_text().strip().partition(" ")
                # One that was told to stop just now may not have said so yet.
                if time.monotonic() - begun > (STOP_SECONDS if stopping else NOTICE_SECONDS):
                    raise CannotStart(
                        f"`wms up` already runs on {self.path.parent} (process {holder}). Stop it, or set WMS_DATA_DIR."
                    ) from None
                time.sleep(0.1)
            else:
                self._write(f"{os.getpid()}\n")
                return

    def say_stopping(self) -> None:
        self._write(f"{os.getpid()} stopping\n")

    def _write(self, text: str) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)


def is_running(data: Path) -> bool:
    """Whether a supervisor holds this data folder."""
    try:
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
