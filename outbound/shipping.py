"""Shipping: a parcel leaves the building, its goods leave the books, and the shop hears its tracking number."""

from __future__ import annotations

from typing import TypedDict

from django.db import connection

from inventory import ledger
from inventory.availability import Change
from inventory.ledger import Leg, Place
from inventory.models import Reason
from outbound import holds, telling
from outbound.models import Parcel
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import NotFound
from wms.core.models import User
from wms.core.transitions import require_move, require_moved


class Shipped(TypedDict):
    parcel_id: int
    order_id: int
    order_status: str


# Locks the order, which guards its parcels, then the parcel (wms.core.locking): what is only joined would be read as it was before the wait.
_PARCEL = """
SELECT p.status, p.tracking_number, p.warehouse_id, p.stage_id, p.despite, o.id, o.reference, m.hears_events
FROM outbound_parcel p JOIN outbound_order o ON o.id = p.order_id JOIN core_merchant m ON m.id = o.merchant_id WHERE p.id = %s
FOR NO KEY UPDATE OF o, p
"""
_LINES = "SELECT line_id, sku_id, lot_id, quantity FROM outbound_parcelline WHERE parcel_id = %s ORDER BY id"
# The order is shipped with its last parcel and changed by each: whoever asks for what changed, and its shop, hears of each as it leaves.
_SHIP = f"""
WITH parcel AS (
    UPDATE outbound_parcel SET status = 'shipped', shipped_at = now() WHERE id = %(parcel)s AND status = 'packed' RETURNING id, order_id
), line AS (
    UPDATE outbound_orderline l SET shipped = l.shipped + c.quantity
    FROM (SELECT line_id, sum(quantity) AS quantity FROM outbound_parcelline WHERE parcel_id = %(parcel)s GROUP BY line_id) c
    WHERE l.id = c.line_id
), moved AS (
    UPDATE outbound_order o SET status = CASE WHEN l.last THEN 'shipped' ELSE o.status END,
        shipped_at = CASE WHEN l.last THEN now() ELSE o.shipped_at END, updated_at = now()
    FROM (SELECT e.id, e.status = 'packed' AND NOT EXISTS (
        SELECT FROM outbound_parcel p WHERE p.order_id = e.id AND p.status = 'packed' AND p.id <> %(parcel)s
    ) AS last FROM outbound_order e WHERE e.id = %(order)s) l
    WHERE o.id = l.id
    RETURNING o.status
), told AS (
    {outbox.INSERT_SQL.replace("%s", "%({})s").format("topics", "handlers", "payloads")}
)
SELECT (SELECT count(*) FROM parcel), (SELECT status FROM moved)
"""


@command
def ship(*, parcel_id: int, by: User, despite: str = "", request_id: object = None) -> Shipped:
    """Hand a packed parcel over to its carrier. `despite`: the word of its order's shop of which a person has said that it is sent all the same.

    Raises NotPossibleNow for one that is not on the stage, ToBeDecided where its shop has said something else since (outbound.holds).
    """
    with connection.cursor() as cursor:
        cursor.execute(_PARCEL, [parcel_id])
        row = cursor.fetchone()
        if row is None:
            raise NotFound(what=str(Parcel._meta.verbose_name), key=parcel_id)
        status, tracking_number, warehouse_id, stage_id, packed_despite, order_id, reference, hears = row
        require_move(Parcel, key=tracking_number, status=status, to=Parcel.Status.SHIPPED)
        holds.require_decided(order_id, reference, {packed_despite, despite})
        cursor.execute(_LINES, [parcel_id])
        lines = cursor.fetchall()
    promises: dict[int, Change] = {}
    for _line_id, sku_id, _lot_id, quantity in lines:
        promises[sku_id] = promises.get(sku_id, Change()).plus(committed=-quantity)
    ledger.post(
        warehouse_id=warehouse_id,
        legs=[Leg(Place(stage_id, sku_id, lot_id), -quantity, reserved=-quantity) for _line, sku_id, lot_id, quantity in lines],
        reason=Reason.SHIP,
        document=f"order {reference}",
        by=by,
        promises=promises,
    )
    events = [("order.shipped", {"order_id": order_id, "parcel_id": parcel_id})]
    if hears:
        events.append(telling.event("order.shipped", order_id=order_id, parcel_id=parcel_id))
    topics, handlers, payloads = outbox.rows(events)
    with connection.cursor() as cursor:
        cursor.execute(_SHIP, {"parcel": parcel_id, "order": order_id, "topics": topics, "handlers": handlers, "payloads": payloads})
        shipped, order_status = cursor.fetchone()
    require_moved(shipped, 1, Parcel, key=tracking_number, to=Parcel.Status.SHIPPED)
    if handlers:
        outbox.nudge_after_commit(set(handlers))
    return {"parcel_id": parcel_id, "order_id": order_id, "order_status": order_status}
