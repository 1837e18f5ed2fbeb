"""`wms backup` and `wms restore`, beside a running system."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import SERVERS
from tests.live import LiveSystem

MERCHANTS = "from wms.core.models import Merchant; print(*Merchant.objects.filter(code__startswith='T-').values_list('code', flat=True))"
DATABASES = (
    "from django.db import connection; cursor = connection.cursor(); "
    "cursor.execute('SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1'); print(*(row[0] for row in cursor))"
)
UNITS_FROM_NOWHERE = (
    "from tests import make; from inventory.models import Availability; merchant = make.merchant(); "
    "Availability.objects.create(warehouse=make.warehouse(), merchant=merchant, sku=make.sku(merchant), on_hand=7)"
)


@pytest.fixture(scope="module")
def system() -> Iterator[LiveSystem]:
    system = LiveSystem(SERVERS.folder.parent / f"archive-{os.getpid()}")
    system.start()
    yield system
    system.remove()


def shell(system: LiveSystem, program: str) -> str:
    return system.wms("shell", "-v", "0", "-c", program).stdout.strip()


def add(system: LiveSystem, code: str) -> None:
    shell(system, f"from wms.core.models import Merchant; Merchant.objects.create(code={code!r}, name='Trader')")


@pytest.fixture
def backup(system: LiveSystem, tmp_path: Path) -> Path:
    shell(system, "from wms.core.models import Merchant; Merchant.objects.filter(code__startswith='T-').delete()")
    add(system, "T-BEFORE")
    file = tmp_path / "backup.wms"
    done = system.wms("backup", file)
    assert done.stdout == f"Backed up to {file} ({file.stat().st_size:,} bytes).\n"
    add(system, "T-AFTER")
    return file


def test_a_restore_brings_back_what_was_there(system: LiveSystem, backup: Path) -> None:
    done = system.wms("restore", backup)
    assert done.stdout == f"drift: 0\nRestored {backup}.\n"
    assert shell(system, MERCHANTS) == "T-BEFORE"
    assert shell(system, DATABASES) == "postgres wms"
    assert system.wms("verify").returncode == 0


def test_a_backup_is_its_owners_alone_and_holds_no_key(system: LiveSystem, backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert list(backup.parent.iterdir()) == [backup]
    content = backup.read_bytes()
    assert all(system.variables[name].encode() not in content for name in ("WMS_SECRET_KEY", "WMS_ENCRYPTION_KEYS"))


def test_a_backup_that_cannot_be_written_leaves_no_half(system: LiveSystem, tmp_path: Path) -> None:
    refused = system.wms("backup", tmp_path / "missing" / "file", check=False)
    assert refused.returncode == 1
    assert "cannot be written: No such file or directory." in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut at the end", "cut at the start", "another file", "no file"])
def test_a_damaged_backup_changes_nothing(system: LiveSystem, backup: Path, damage: str) -> None:
    content = backup.read_bytes()
    broken = backup.with_name("broken")
    contents = {"cut at the end": content[:-2000], "cut at the start": content[:3000], "another file": b"PK\x03\x04" + content}
    if damage in contents:
        broken.write_bytes(contents[damage])
    refused = system.wms("restore", broken, check=False)
    assert refused.returncode == 1
    assert "Nothing was changed." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert shell(system, MERCHANTS) == "T-AFTER T-BEFORE"
    assert shell(system, DATABASES) == "postgres wms"


def test_a_backup_with_drift_is_refused_unless_asked_for(system: LiveSystem, backup: Path, tmp_path: Path) -> None:
    shell(system, UNITS_FROM_NOWHERE)
    drifted = tmp_path / "drifted.wms"
    system.wms("backup", drifted)
    assert system.wms("restore", backup).returncode == 0
    refused = system.wms("restore", drifted, check=False)
    assert refused.returncode == 1
    assert "finds drift in this backup, so nothing was changed" in refused.stderr
    assert system.wms("verify").returncode == 0
    assert system.wms("restore", "--despite-drift", drifted).returncode == 0
    assert system.wms("verify", check=False).returncode == 1
    system.wms("restore", backup)
