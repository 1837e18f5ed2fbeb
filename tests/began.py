"""A system that began before: a test that only needs one that runs starts from a copy of its data, until the sources change or the day.

Beginning from nothing takes as long as several starts, and `tests/servers/test_up.py` does it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from conftest import SERVERS
from wms.servers.environment import write_environment
from wms.servers.folders import Account, open_data_folder, remove_data_folder
from wms.servers.postgres import EmbeddedPostgres
from wms.servers.valkey import EmbeddedValkey

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("wms", "inventory", "inbound", "outbound", "labels", "marketplaces", "webhooks")
_SECRETS = ("env", "postgres-passwords")


def copy_to(data: Path, account: Account | None = None) -> None:
    """Lay out the data folder as it was after the first start, with the demo warehouse; nothing runs there.

    All of it is for `account`, a plain user's, where one is named.
    """
    parent = SERVERS.folder.parent
    kept, fits = parent / "began", _sources()
    with (parent / "began.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "made-from").exists() or (kept / "made-from").read_text() != fits:
            remove_data_folder(kept)
            _begin(kept)
            (kept / "made-from").write_text(fits)
        if account is None:
            folder, cluster = open_data_folder(data).data, open_data_folder(data).postgres
        else:
            data.mkdir(parents=True, mode=0o700)
            folder, cluster = data, data / "postgres"
        for name in _SECRETS:
            shutil.copy2(kept / name, folder)
        # The files belong to the servers' account.
        subprocess.run(["cp", "-a", open_data_folder(kept).postgres, cluster], check=True)
        if account is not None:
            subprocess.run(["chown", "-R", f"{account.uid}:{account.gid}", data], check=True)


def _sources() -> str:
    """Of all that a first start runs, and of the day: the demo's dates count from it."""
    found = hashlib.sha256(f"{timezone.localdate()}".encode())
    for path in (REPOSITORY / "requirements.lock", *sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))):
        found.update(f"{path.relative_to(REPOSITORY)} {path.stat().st_size} ".encode() + path.read_bytes())
    return found.hexdigest()


def _begin(data: Path) -> None:
    """What the first `wms up` does until it starts its own programs."""
    folders = open_data_folder(data)
    postgres, valkey = EmbeddedPostgres(folders, durable=False), EmbeddedValkey(folders)
    postgres.prepare()
    with pytest.MonkeyPatch.context() as patch:
        # No setting of this test run reaches it.
        for name in SERVERS.environment:
            patch.delenv(name)
        variables = write_environment(folders, database_url=postgres.url, broker_url=valkey.url, address="http://127.0.0.1")
        postgres.start()
        try:
            command = [sys.executable, "-m", "wms.cli", "prepare"]
            subprocess.run(command, env={**os.environ, **variables}, cwd="/", check=True, capture_output=True)
        finally:
            postgres.stop()
