"""Waves: orders that are ready, soonest ship-by first, get their bins and go to the floor together."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.db import connection
from django.utils.translation import gettext_lazy as _

from outbound import binding
from outbound.binding import Stop, Want
from outbound.models import Wave
from wms.core.commands import command
from wms.core.errors import WmsError
from wms.core.locking import StartOver
from wms.core.models import User

WAVE_MAX = 500


class NothingToRelease(WmsError):
    code, status, message = "nothing_to_release", 409, _("No order is ready for this wave.")


class Released(TypedDict):
    """`unbound` are orders whose goods lie in no storage bin just now (put-backs, a loss): they stay ready."""

    wave_id: int
    orders: int
    tasks: int
    unbound: list[int]


# The inner list stands in an array so that it is made once: as a join the planner may make it anew for every ready order.
_READY = """
SELECT id, merchant_id, reference FROM outbound_order
WHERE id = ANY(ARRAY(
    SELECT id FROM outbound_order
    WHERE warehouse_id = %(warehouse)s AND status = 'ready' AND (%(until)s::timestamptz IS NULL OR ship_by <= %(until)s)
      AND (%(orders)s::bigint[] IS NULL OR id = ANY(%(orders)s)) AND id <> ALL(%(unbound)s::bigint[])
    ORDER BY ship_by, id LIMIT %(most)s
)) AND status = 'ready'
ORDER BY id FOR NO KEY UPDATE
"""
_LINES = """
SELECT l.order_id, l.id, l.merchant_id, l.sku_id, l.quantity FROM outbound_orderline l
JOIN outbound_order o ON o.id = l.order_id
WHERE l.order_id = ANY(%s) ORDER BY o.ship_by, o.id, l.number
"""
_RELEASE = "UPDATE outbound_order SET status = 'released', wave_id = %s, updated_at = now() WHERE id = ANY(%s) AND status = 'ready'"


@command
def release(
    *,
    warehouse_id: int,
    by: User,
    until: datetime | None = None,
    most: int = WAVE_MAX,
    order_ids: list[int] | None = None,
    request_id: object = None,
) -> Released:
    """Release up to `most` ready orders whose ship-by is not after `until`, soonest first; bins are chosen now.

    Raises NothingToRelease. The number of statements does not depend on the number of orders.
    """
    unbound: set[int] = set()
    released: list[int] = []
    while not released:
        wants = _wanted(warehouse_id, until, min(most, WAVE_MAX), order_ids, unbound)
        if not wants:
            raise NothingToRelease()
        stops, without_goods = _choose(warehouse_id, wants)
        # Orders whose goods lie nowhere just now must not keep back those behind them.
        unbound |= without_goods
        released = [order_id for order_id in wants if order_id not in unbound]
    wave = Wave.objects.create(warehouse_id=warehouse_id, by=by, cut_off=until, order_count=len(released))
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [wave.pk, released])
        if cursor.rowcount != len(released):
            raise StartOver
    binding.bind(warehouse_id, stops, dict.fromkeys(released, wave.pk))
    return {"wave_id": wave.pk, "orders": len(released), "tasks": len(stops), "unbound": sorted(unbound)}


def _wanted(warehouse_id: int, until: datetime | None, most: int, order_ids: list[int] | None, unbound: set[int]) -> dict[int, list[Want]]:
    """Lock the next ready orders and say what each needs, soonest ship-by first."""
    with connection.cursor() as cursor:
        cursor.execute(_READY, {"warehouse": warehouse_id, "until": until, "orders": order_ids, "most": most, "unbound": sorted(unbound)})
        cursor.execute(_LINES, [[order_id for order_id, _merchant, _reference in cursor.fetchall()]])
        wants: dict[int, list[Want]] = {}
        for row in cursor.fetchall():
            wants.setdefault(row[0], []).append(Want(*row))
    return wants


def _choose(warehouse_id: int, wants: dict[int, list[Want]]) -> tuple[list[Stop], set[int]]:
    """Stops for all lines of each order, or none for an order whose goods are not all in bins."""
    places = binding.sources(warehouse_id, {want.sku_id for lines in wants.values() for want in lines})
    stops: list[Stop] = []
    unbound: set[int] = set()
    for order_id, lines in wants.items():
        chosen: list[Stop] = []
        for want in lines:
            found = binding.choose(want, places.get(want.sku_id, []))
            if not found:
                unbound.add(order_id)
                binding.give_back(chosen)
                break
            chosen += found
        else:
            stops += chosen
    return stops, unbound
