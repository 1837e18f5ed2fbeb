"""Between two tests that commit, the rows of the first go away.

Django truncates every table and makes all permissions anew, which takes longer than most tests. Here only tables with rows are emptied;
content types and permissions stay as the migrations left them. Nor is the connection closed: a new session reads the whole catalogue
again and plans every statement anew, which was a tenth of all the work of a run. What a test set in its session goes with its rows.
"""

from __future__ import annotations

from weakref import WeakSet

import psycopg2
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg2.extensions import connection as Session

from wms.servers.postgres import ROLE, SUPERUSER, EmbeddedPostgres

# What migrating made and no test changes.
_STAYS = {"django_content_type", "auth_permission"}
# So many dead rows would slow down whoever reads the table next.
_MANY_BYTES = 2 << 20
# Sessions that have the look at all tables prepared: planning it takes ten times as long as running it.
_prepared: WeakSet[Session] = WeakSet()


def _looks() -> str:
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - _STAYS
    return " UNION ALL ".join(
        f"SELECT '{name}', pg_relation_size('{name}') > {_MANY_BYTES} WHERE EXISTS (SELECT FROM {name})" for name in sorted(names)
    )


def empty() -> None:
    """All rows of all tables, and what the session was set to; sequences go on."""
    # Else the next test would begin in the middle of a transaction of this one, and Django would not see it: the connection is not made anew.
    assert connection.get_autocommit(), "a test left its connection without autocommit"
    with connection.cursor() as cursor:
        cursor.execute("RESET ALL; DISCARD TEMP")
        if connection.connection not in _prepared:
            cursor.execute(f"PREPARE filled AS {_looks()}")
            _prepared.add(connection.connection)
        cursor.execute("EXECUTE filled")
        filled = dict(cursor.fetchall())
        if not filled:
            return
        with transaction.atomic():
            # Neither what refers to a row nor the ledger's guard has a say.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(";".join(f"DELETE FROM {name}" for name in filled))
        for name in (name for name, large in filled.items() if large):
            cursor.execute(f"VACUUM {name}")


def install(postgres: EmbeddedPostgres) -> None:
    """In place of Django's own, for every test with transaction=True."""
    superuser = psycopg2.connect(postgres.url_of(SUPERUSER, "postgres"))
    with superuser, superuser.cursor() as cursor:
        cursor.execute(f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}")
    superuser.close()
    TransactionTestCase._fixture_teardown = lambda self: empty()  # type: ignore[attr-defined]  # not in the stubs
    TransactionTestCase._should_reload_connections = lambda self: False  # type: ignore[attr-defined]  # not in the stubs
