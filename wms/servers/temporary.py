"""PostgreSQL and Valkey for one run of the tests, or of any command: `python -m wms.servers.temporary wms makemigrations --check`.

Each concurrent run takes a slot of its own below the test data folder. A slot keeps its cluster, so the next run starts at once.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from wms.servers.folders import open_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.valkey import EmbeddedValkey

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class TemporaryServers:
    """The servers of one slot of `parent`. `environment` is what Django's settings need to use them, `durable` as EmbeddedPostgres has it."""

    def __init__(self, parent: Path | None = None, *, durable: bool = True) -> None:
        chosen = parent or Path(os.environ.get("WMS_TEST_DATA_DIR") or REPOSITORY / ".test-data").absolute()
        chosen.mkdir(parents=True, exist_ok=True)
        self.folder, self._lock = _free_slot(chosen)
        folders = open_data_folder(self.folder)
        self.postgres = EmbeddedPostgres(folders, durable=durable)
        self.valkey = EmbeddedValkey(folders)
        self.postgres.prepare()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "WMS_ENV": "test",
            "WMS_SECRET_KEY": "a-key-for-tests-that-protects-nothing-and-is-long-enough-for-the-checks",
            "WMS_ALLOWED_HOSTS": "*",
            "DATABASE_URL": self.postgres.url,
            "BROKER_URL": self.valkey.url,
        }

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        os.close(self._lock)


def _free_slot(parent: Path) -> tuple[Path, int]:
    number = 0
    while True:
        slot = parent / str(number)
        lock = os.open(parent / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            number += 1
            continue
        return slot, lock


def main() -> int:
    servers = TemporaryServers()
    servers.start()
    try:
        return subprocess.run(sys.argv[1:], env={**os.environ, **servers.environment}, check=False).returncode
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main())
