"""What takes a guard away in a process of its own. Imports nothing of the project before Django is set up there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wms.core.prepared import Prepared

# What is free is asked of the row as it is when its lock is held, and not as it was when the statement began.
FREE_NOW = "a.on_hand - a.committed - a.backordered"
_FREE_BEFORE = "(SELECT b.on_hand - b.committed - b.backordered FROM inventory_availability b WHERE b.id = a.id)"


def unguarded(statement: Prepared, guard: str, instead: str = "") -> Prepared:
    """The statement without its guard."""
    from wms.core.prepared import Prepared

    assert guard in statement.sql
    return Prepared(f"unguarded_{uuid.uuid4().hex}", statement.sql.replace(guard, instead))


def unlocked(statement: Prepared) -> Prepared:
    """The statement that takes what is free, without its lock."""
    return unguarded(statement, FREE_NOW, _FREE_BEFORE)


# Processes share nothing but the database: there each says that it has looked, outside of its transaction, and waits until the other one has.
BOTH_HAVE_LOOKED = """
CREATE SEQUENCE tests_looked;
CREATE FUNCTION tests_both_have_looked() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('tests_looked');
    FOR look IN 1..6000 LOOP
        IF (SELECT last_value FROM tests_looked) >= 2 THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE 'the other one never looked';
END $$
"""
FORGOTTEN = "DROP FUNCTION tests_both_have_looked; DROP SEQUENCE tests_looked"


def without_the_lock() -> None:
    """Orders read what is free without locking the row, and take it when another process has read it too: see BOTH_HAVE_LOOKED."""
    from inventory import availability
    from outbound import order_rows

    looks = "FROM house, inventory_catalogueversion v WHERE"
    order_rows._TAKE = unguarded(unlocked(order_rows._TAKE), looks, looks.replace(" WHERE", ", tests_both_have_looked() WHERE"))
    availability._LOCK = availability._LOCK.replace("FOR UPDATE", "")
