"""A buyer is forgotten: name and address go, with every paper that shows them. What the books need stays.

An order that is not over keeps them: it still has to be sent, or has just been asked back.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from labels import erasing
from outbound.models import Erasure
from wms.core.locking import assert_in_transaction

_ERASE = """
WITH over AS (
    SELECT id FROM outbound_order WHERE id = ANY(%(orders)s) AND erased_at IS NULL AND status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled')
    ORDER BY id FOR NO KEY UPDATE
), gone AS (
    UPDATE outbound_order o SET erased_at = now() FROM over WHERE o.id = over.id RETURNING o.id, o.merchant_id, o.ship_to_id, o.reference
), record AS (
    UPDATE core_personalrecord p SET sealed = NULL, erased_at = now() FROM gone WHERE p.id = gone.ship_to_id
), noted AS (
    INSERT INTO outbound_erasure (merchant_id, reason, orders, by_id) SELECT merchant_id, %(reason)s, count(*), %(by)s FROM gone GROUP BY merchant_id
)
SELECT g.id, g.merchant_id, g.reference, m.code, coalesce(array_agg(p.tracking_number) FILTER (WHERE p.id IS NOT NULL), ARRAY[]::text[])
FROM gone g JOIN core_merchant m ON m.id = g.merchant_id LEFT JOIN outbound_parcel p ON p.order_id = g.id GROUP BY g.id, g.merchant_id, g.reference, m.code
"""
_LATER = """
UPDATE outbound_order SET erase_asked_at = now()
WHERE id = ANY(%s) AND erased_at IS NULL AND erase_asked_at IS NULL AND NOT (status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled'))
"""


def erase(order_ids: Sequence[int], reason: Erasure.Reason, by_id: int | None = None) -> list[int]:
    """A step: erase the buyers of those that are over; answers which they were. The statements do not grow with the orders."""
    assert_in_transaction("erase()")
    with connection.cursor() as cursor:
        cursor.execute(_ERASE, {"orders": sorted(order_ids), "reason": reason.value, "by": by_id})
        rows = cursor.fetchall()
    # A paper's job bears the order's reference, as its merchant or with him before it, or the parcel's number.
    documents = [
        (merchant, name) for _id, merchant, reference, code, numbers in rows for name in (reference, f"{code}/{reference}", *numbers)
    ]
    if documents:
        erasing.erase_documents(documents)
    return sorted(row[0] for row in rows)


def erase_when_over(order_ids: Sequence[int]) -> int:
    """A step: have the buyers of those that are still to be sent erased as soon as they are over; answers how many were not marked before."""
    assert_in_transaction("erase_when_over()")
    with connection.cursor() as cursor:
        cursor.execute(_LATER, [sorted(order_ids)])
        return int(cursor.rowcount)
