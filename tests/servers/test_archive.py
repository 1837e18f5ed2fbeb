"""`wms backup` and `wms restore`, beside a running system."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from conftest import SERVERS
from tests.live import LiveSystem, ask
from wms.servers import archive

MERCHANTS = "SELECT string_agg(code, ' ' ORDER BY code) FROM core_merchant WHERE code LIKE 'T-%'"
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1"
# A row like another one, whatever columns it has: a command for each of them would cost a second.
ADD = """
INSERT INTO core_merchant
SELECT (jsonb_populate_record(m, jsonb_build_object('code', '{}', 'id', nextval(pg_get_serial_sequence('core_merchant', 'id'))))).*
FROM core_merchant m ORDER BY m.id LIMIT 1
"""
UNITS_FROM_NOWHERE = (
    "from tests import make; from inventory.models import Availability; merchant = make.merchant(); "
    "Availability.objects.create(warehouse=make.warehouse(), merchant=merchant, sku=make.sku(merchant), on_hand=7)"
)
A_SHOP_THAT_IS_DOWN = (
    "from tests import make; from marketplaces import channels; from marketplaces.models import Listing; merchant = make.merchant('DOWN'); "
    "channel = channels.connect(merchant=merchant, warehouse=make.warehouse('DOWN'), adapter='woocommerce', base_url='http://127.0.0.1:9', "
    "credentials={'consumer_key': 'ck_x', 'consumer_secret': 'cs_x'}, name='Down'); "
    "Listing.objects.create(channel=channel, merchant=merchant, sku=make.sku(merchant, 'DOWN'), external_id='1'); print(channel.pk)"
)
STALE = "from wms.core.models import OutboxEvent; print(OutboxEvent.objects.filter(topic='channel.stale', handler__endswith=':{}').count())"


@pytest.fixture(scope="module")
def system() -> Iterator[LiveSystem]:
    system = LiveSystem(SERVERS.folder.parent / f"archive-{os.getpid()}")
    system.begin_as_copy()
    yield system
    system.remove()


def shell(system: LiveSystem, program: str) -> str:
    return system.wms("shell", "-v", "0", "-c", program).stdout.strip()


def add(system: LiveSystem, code: str) -> None:
    ask(system, "wms", ADD.format(code))


def merchants(system: LiveSystem) -> str:
    [(codes,)] = ask(system, "wms", MERCHANTS)
    return str(codes)


def only(system: LiveSystem, code: str) -> None:
    ask(system, "wms", "DELETE FROM core_merchant WHERE code LIKE 'T-%'")
    add(system, code)


@pytest.fixture(scope="module")
def taken(system: LiveSystem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that is made once."""
    only(system, "T-BEFORE")
    file = tmp_path_factory.mktemp("taken") / "backup.wms"
    done = system.wms("backup", file)
    assert done.stdout == f"Backed up to {file} ({file.stat().st_size:,} bytes).\n"
    return file


@pytest.fixture
def backup(system: LiveSystem, taken: Path, tmp_path: Path) -> Path:
    """The backup, and what has come since."""
    only(system, "T-BEFORE")
    add(system, "T-AFTER")
    return Path(shutil.copy2(taken, tmp_path))


def replaced(system: LiveSystem) -> list[str]:
    others = [str(name) for (name,) in ask(system, "postgres", DATABASES)]
    assert others[:2] == ["postgres", "wms"]
    return others[2:]


def test_a_restore_brings_back_what_was_there_and_keeps_what_came_since(system: LiveSystem, backup: Path) -> None:
    done = system.wms("restore", backup)
    [old] = replaced(system)
    kept = f"The database before it is kept as {old}; `wms restore --drop-old` drops it."
    assert done.stdout.startswith(f"drift: 0\nRestored {backup}.\n{kept}\n")
    assert merchants(system) == "T-BEFORE"
    assert system.wms("verify").returncode == 0
    assert ask(system, old, MERCHANTS) == [("T-AFTER T-BEFORE",)]

    again = system.wms("restore", backup)
    [newer] = replaced(system)
    assert newer != old
    assert f"Dropped {old}.\n" in again.stdout
    assert system.wms("restore", "--drop-old").stdout == f"Dropped {newer}.\n"
    assert "Dropped " in system.wms("restore", "--drop-old", backup).stdout
    assert replaced(system) == []
    assert system.wms("restore", check=False).returncode == 1


def test_an_old_database_that_cannot_be_dropped_is_said_after_a_restore_that_worked(system: LiveSystem, backup: Path) -> None:
    system.wms("restore", backup)
    [old] = replaced(system)
    ask(system, "postgres", f"ALTER DATABASE {old} IS_TEMPLATE true")
    add(system, "T-AGAIN")
    done = system.wms("restore", backup)
    assert f"Restored {backup}.\n" in done.stdout
    assert f"{old} cannot be dropped: " in done.stderr
    assert "Traceback" not in done.stderr
    assert merchants(system) == "T-BEFORE"
    ask(system, "postgres", f"ALTER DATABASE {old} IS_TEMPLATE false")
    assert system.wms("restore", "--drop-old").stdout.count("Dropped ") == 2


def test_after_a_restore_every_channel_is_told_its_numbers_and_asked_for_orders(system: LiveSystem, tmp_path: Path) -> None:
    channel = int(shell(system, A_SHOP_THAT_IS_DOWN))
    system.wms("backup", tmp_path / "backup.wms")
    assert shell(system, STALE.format(channel)) == "0"
    system.wms("restore", "--drop-old", tmp_path / "backup.wms")
    # The shop is down, so what was to be told waits.
    assert shell(system, STALE.format(channel)) == "1"


def test_a_backup_is_its_owners_alone_and_holds_no_key(system: LiveSystem, taken: Path) -> None:
    assert taken.stat().st_mode & 0o777 == 0o600
    assert list(taken.parent.iterdir()) == [taken]
    content = taken.read_bytes()
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
    assert merchants(system) == "T-AFTER T-BEFORE"
    assert replaced(system) == []


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
    system.wms("restore", "--drop-old", backup)
    assert replaced(system) == []


@pytest.mark.django_db(transaction=True)
def test_a_database_is_dropped_though_autovacuum_is_in_it() -> None:
    """A session of the superuser stands for it: the application's role may end neither."""
    name = f"left_over_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    servers_own = psycopg2.connect(SERVERS.postgres.url_of("postgres", name))
    leaves = threading.Timer(0.5, servers_own.close)
    leaves.start()
    archive.drop(name)
    leaves.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (0,)
