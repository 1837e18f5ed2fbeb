"""What takes a guard away in a process of its own. Imports nothing of the project before Django is set up there."""

import re


def without_the_lock() -> None:
    """Orders read what is free without locking the row, and dawdle before they take it."""
    from inventory import availability
    from wms.core.prepared import Prepared

    unlocked = re.sub(r"ORDER BY a\.id FOR UPDATE OF a", "", availability._LOCK_BY_CODE.sql)
    assert unlocked != availability._LOCK_BY_CODE.sql
    availability._LOCK_BY_CODE = Prepared("unlocked_by_code", unlocked + ", pg_sleep(0.05)")
    availability._LOCK = availability._LOCK.replace("FOR UPDATE", "")
