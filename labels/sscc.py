"""SSCCs out of a warehouse's number ranges: each number once, however many stations ask at the same time."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.utils.translation import gettext_lazy as _

from labels import gs1
from wms.core.errors import WmsError
from wms.core.locking import assert_in_transaction

# The sub-select waits for whoever is taking numbers, looks again, and goes on to the next range where this one has become too short.
_TAKE: Final = """
    UPDATE labels_ssccrange SET next_serial = next_serial + %(count)s
    WHERE id = (
        SELECT id FROM labels_ssccrange
        WHERE warehouse_id = %(warehouse)s AND next_serial + %(count)s <= 10::bigint ^ (16 - length(company_prefix))
        ORDER BY id LIMIT 1 FOR UPDATE
    )
    RETURNING extension, company_prefix, next_serial - %(count)s
"""


class SsccRangeUsedUp(WmsError):
    code, status, message = (
        "sscc_range_used_up",
        409,
        _("The warehouse has no SSCC range with {count} numbers left. Add one in the master data."),
    )


def next_sscc(*, warehouse_id: int, count: int = 1) -> list[str]:
    """`count` new SSCCs of 18 digits in rising order, all of one range. A step: rolled back with its caller, it gives the numbers back.

    Raises SsccRangeUsedUp, also where the warehouse has no range at all.
    """
    assert_in_transaction("next_sscc()")
    assert count >= 1, count
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"warehouse": warehouse_id, "count": count})
        row = cursor.fetchone()
    if row is None:
        raise SsccRangeUsedUp(count=count)
    extension, company_prefix, first = row
    return [gs1.sscc(extension=extension, company_prefix=company_prefix, serial=serial) for serial in range(first, first + count)]
