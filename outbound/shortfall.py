"""After a loss: orders whose bins are gone are bound anew, and where goods are missing the youngest ship-by falls back to short, loudly."""

from __future__ import annotations

import logging
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from inventory.models import Availability
from outbound import binding, telling
from outbound.allocation import demand_of
from outbound.binding import Want
from outbound.interception import break_off, lock_orders, release_promise
from outbound.models import Order
from wms.core.commands import ATTEMPTS
from wms.core.locking import StartOver
from wms.core.transitions import advance

log = logging.getLogger(__name__)

_FLOOR = (Order.Status.RELEASED, Order.Status.PICKING)
# Both walk the orders that are open, and look into each by its own index: lines and tasks are as many as the years.
# The youngest promise of a sku that can still be taken back without touching picked goods comes first.
_YOUNGEST = """
SELECT o.id FROM (
    SELECT id, ship_by FROM outbound_order
    WHERE warehouse_id = %(warehouse)s AND status IN ('ready', 'released', 'picking') AND id <> ALL(%(tried)s)
    ORDER BY ship_by DESC, id DESC OFFSET 0
) o CROSS JOIN LATERAL (
    SELECT FROM outbound_orderline l WHERE l.order_id = o.id AND l.sku_id = %(sku)s
      AND NOT EXISTS (SELECT FROM outbound_picktask t WHERE t.order_id = l.order_id AND t.sku_id = l.sku_id AND t.status = 'picked') LIMIT 1
) l
ORDER BY o.ship_by DESC, o.id DESC LIMIT 1
"""
_UNBOUND = """
SELECT DISTINCT o.id FROM outbound_order o CROSS JOIN LATERAL (
    SELECT l.id, l.quantity FROM outbound_orderline l WHERE l.order_id = o.id AND l.sku_id = ANY(%s) OFFSET 0
) l
WHERE o.warehouse_id = %s AND o.status IN ('released', 'picking')
  AND l.quantity > (SELECT coalesce(sum(t.quantity), 0) FROM outbound_picktask t WHERE t.line_id = l.id AND t.status <> 'dropped')
ORDER BY o.id
"""
_WANTS = """
SELECT l.order_id, l.id, l.merchant_id, l.sku_id,
       l.quantity - (SELECT coalesce(sum(t.quantity), 0) FROM outbound_picktask t WHERE t.line_id = l.id AND t.status <> 'dropped') AS missing
FROM outbound_orderline l WHERE l.order_id = %s ORDER BY l.number
"""


def settle(payloads: list[dict[str, Any]]) -> None:
    """Outbox handler of `stock.lost`: set promises and bins right again for the skus that were hit."""
    hit: dict[int, set[int]] = {}
    for payload in payloads:
        hit.setdefault(payload["warehouse_id"], set()).update(payload["sku_ids"])
    for warehouse_id, sku_ids in sorted(hit.items()):
        for sku_id in sorted(sku_ids):
            _take_back_promises(warehouse_id, sku_id)
        with connection.cursor() as cursor:
            cursor.execute(_UNBOUND, [sorted(sku_ids), warehouse_id])
            unbound = [order_id for (order_id,) in cursor.fetchall()]
        for order_id in unbound:
            _bind_anew(order_id)


def _take_back_promises(warehouse_id: int, sku_id: int) -> None:
    tried: list[int] = []
    while _promised_too_much(warehouse_id, sku_id):
        with connection.cursor() as cursor:
            cursor.execute(_YOUNGEST, {"warehouse": warehouse_id, "tried": tried, "sku": sku_id})
            row = cursor.fetchone()
        if row is None:
            return
        tried.append(row[0])
        with transaction.atomic(durable=True):
            fall_short(row[0])


def _promised_too_much(warehouse_id: int, sku_id: int) -> bool:
    row = Availability.objects.filter(warehouse=warehouse_id, sku=sku_id).first()
    return row is not None and row.available < 0


def fall_short(order_id: int) -> None:
    """A step: an accepted order that nobody has packed loses its promise and waits in line again, by its ship-by."""
    for order in lock_orders([order_id]):
        if order.status not in (Order.Status.READY, *_FLOOR):
            return
        demand = demand_of([order.pk])[order.pk]
        advance([order], Order.Status.SHORT, tote=None, wave=None, updated_at=Now())
        release_promise(order, demand, break_off(order), backorder=True)
        telling.tell("order.short", [order])
        log.warning("order %s fell short: its goods are missing", order.reference)


def _bind_anew(order_id: int) -> None:
    """Find other bins for what an order on the floor lost; where there are none it falls short.

    Raises StartOver where the places changed at every attempt: the event comes again.
    """
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                for order in lock_orders([order_id]):
                    _bind_locked(order)
            return
        except StartOver:
            continue
    raise StartOver


def _bind_locked(order: Order) -> None:
    if order.status not in _FLOOR or order.wave_id is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_WANTS, [order.pk])
        wants = [Want(*row) for row in cursor.fetchall() if row[4] > 0]
    places = binding.sources(order.warehouse_id, {want.sku_id for want in wants})
    stops = []
    for want in wants:
        found = binding.choose(want, places.get(want.sku_id, []))
        if not found:
            fall_short(order.pk)
            return
        stops += found
    binding.bind(order.warehouse_id, stops, {order.pk: order.wave_id})
