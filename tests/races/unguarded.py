"""What takes a guard away in a process of its own. Imports nothing of the project before Django is set up there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wms.core.prepared import Prepared

LOCK_OF_PROMISES = "ORDER BY id FOR UPDATE\n"


def unguarded(statement: Prepared, guard: str, instead: str = "") -> Prepared:
    """The statement without its guard."""
    from wms.core.prepared import Prepared

    assert guard in statement.sql
    return Prepared(f"unguarded_{uuid.uuid4().hex}", statement.sql.replace(guard, instead))


def unlocked(statement: Prepared) -> Prepared:
    """The statement that takes what is free, without its lock, and with time to think between looking and taking."""
    return unguarded(unguarded(statement, LOCK_OF_PROMISES), "FROM granted g, unnest(", "FROM granted g, pg_sleep(0.05), unnest(")


def without_the_lock() -> None:
    """Orders read what is free without locking the row, and dawdle before they take it."""
    from inventory import availability
    from outbound import order_rows

    order_rows._TAKE = unlocked(order_rows._TAKE)
    availability._LOCK = availability._LOCK.replace("FOR UPDATE", "")
