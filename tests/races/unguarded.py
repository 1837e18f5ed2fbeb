"""What takes a guard away in a process of its own. Imports nothing of the project before Django is set up there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wms.core.prepared import Prepared

LOCK_OF_PROMISES = "ORDER BY a.id FOR UPDATE OF a"


def unguarded(statement: Prepared, guard: str, instead: str = "", behind: str = "") -> Prepared:
    """The statement without its guard, and with something `behind` it."""
    from wms.core.prepared import Prepared

    assert guard in statement.sql
    return Prepared(f"unguarded_{uuid.uuid4().hex}", statement.sql.replace(guard, instead) + behind)


def without_the_lock() -> None:
    """Orders read what is free without locking the row, and dawdle before they take it."""
    from inventory import availability

    availability._TAKE_BY_CODE = unguarded(availability._TAKE_BY_CODE, LOCK_OF_PROMISES, behind=", pg_sleep(0.05)")
    availability._LOCK = availability._LOCK.replace("FOR UPDATE", "")
