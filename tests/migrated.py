"""The empty, migrated database stays in the tests' cluster: the next run copies it, until a migration or what is installed changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.db import connection

REPOSITORY = Path(__file__).resolve().parent.parent
_PREFIX = "migrated_"


def _name() -> str:
    """Of the copy that fits the sources as they are."""
    sources = [*REPOSITORY.glob("*/migrations/*.py"), *REPOSITORY.glob("*/*/migrations/*.py")]
    found = hashlib.sha256()
    for path in (*sorted(sources), REPOSITORY / "requirements.lock", REPOSITORY / "wms" / "settings.py"):
        found.update(f"{path.relative_to(REPOSITORY)} {path.stat().st_size} ".encode() + path.read_bytes())
    return _PREFIX + found.hexdigest()[:16]


def _kept() -> list[str]:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
        return [name for (name,) in cursor.fetchall()]


def use() -> bool:
    """Let the test database be made from the copy; False where there is none that fits."""
    name = _name()
    if name not in _kept():
        return False
    connection.settings_dict["TEST"]["TEMPLATE"] = name
    return True


def keep() -> None:
    """Copy the test database, which no test has touched yet, in place of what was kept before."""
    made_from = connection.settings_dict["NAME"]
    connection.close()
    old = _kept()
    with connection._nodb_cursor() as cursor:
        for name in old:
            cursor.execute(f"DROP DATABASE {name}")
        cursor.execute(f"CREATE DATABASE {_name()} TEMPLATE {made_from}")
