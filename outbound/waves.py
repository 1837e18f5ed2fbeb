"""Waves: orders that are ready, soonest ship-by first, get their bins and go to the floor together.

By the clock: of the orders that are due within the same hour those first whose shop can bear the fewest late ones.
Orders that wait for somebody's decision (outbound.holds) stay ready, also where they are asked for by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db import connection
from django.utils.translation import gettext_lazy as _

from outbound import binding, clock, holds
from outbound.binding import Stop, Want
from outbound.models import Order, Wave
from wms.core.commands import command
from wms.core.errors import WmsError
from wms.core.locking import StartOver
from wms.core.models import User

WAVE_MAX = 500
LOOK_AHEAD = 10


class NothingToRelease(WmsError):
    code, status, message = "nothing_to_release", 409, _("No order is ready for this wave.")


class Released(TypedDict):
    """`unbound` are orders whose goods lie in no storage bin just now (put-backs, a loss): they stay ready."""

    wave_id: int
    orders: int
    tasks: int
    unbound: list[int]


_READY = """
    FROM outbound_order o {rooms}
    WHERE o.warehouse_id = %(warehouse)s AND o.status = 'ready' AND (%(until)s::timestamptz IS NULL OR o.ship_by <= %(until)s)
      AND (%(orders)s::bigint[] IS NULL OR o.id = ANY(%(orders)s)) AND o.id <> ALL(%(left)s::bigint[])
"""
_ROOMS = "LEFT JOIN unnest(%(ids)s::bigint[], %(rooms)s::int[]) AS r (id, room) ON r.id = o.id"
_SOONEST = f"SELECT o.id {_READY.format(rooms='')} ORDER BY o.ship_by, o.id LIMIT %(most)s"
# Orders without a room come after those that have one.
_CLOCK = "date_trunc('hour', o.ship_by), r.room, o.ship_by, o.id"
_BY_CLOCK = f"SELECT o.id {_READY.format(rooms=_ROOMS)} ORDER BY {_CLOCK} LIMIT %(most)s"
# The inner list stands in an array so that it is made once: as a join the planner may make it anew for every ready order.
_LOCK = """
SELECT id, merchant_id, reference FROM outbound_order WHERE id = ANY(ARRAY({wanted})) AND status = 'ready' ORDER BY id FOR NO KEY UPDATE
"""
_LINES = f"""
SELECT o.id, l.id, l.merchant_id, l.sku_id, l.quantity FROM outbound_orderline l JOIN outbound_order o ON o.id = l.order_id {_ROOMS}
WHERE o.id = ANY(%(locked)s) ORDER BY {_CLOCK}, l.number
"""
_RELEASE = """
UPDATE outbound_order o SET status = 'released', wave_id = %s, updated_at = now(), headroom = r.room
FROM unnest(%s::bigint[], %s::int[]) AS r (id, room) WHERE o.id = r.id AND o.status = 'ready'
"""


@command
def release(
    *,
    warehouse_id: int,
    by: User,
    until: datetime | None = None,
    most: int = WAVE_MAX,
    order_ids: list[int] | None = None,
    by_clock: bool = False,
    request_id: object = None,
) -> Released:
    """Release up to `most` ready orders whose ship-by is not after `until`, soonest first, or by the clock; bins are chosen now.

    Raises NothingToRelease. The number of statements does not depend on the number of orders.
    """
    held = set(holds.in_warehouse(warehouse_id, Order.Status.READY))
    choice = _Choice(warehouse_id, until, min(most, WAVE_MAX), order_ids, held)
    if by_clock:
        choice.rooms = _rooms(choice)
    unbound: set[int] = set()
    released: list[int] = []
    while not released:
        wants = _wanted(choice)
        if not wants:
            raise NothingToRelease()
        # A shop may have spoken while other waves' orders were waited for.
        for order_id in holds.of_orders(list(wants)):
            choice.left.add(order_id)
            del wants[order_id]
        stops, without_goods = _choose(warehouse_id, wants)
        # Orders whose goods lie nowhere just now must not keep back those behind them.
        unbound |= without_goods
        choice.left |= without_goods
        released = [order_id for order_id in wants if order_id not in unbound]
    wave = Wave.objects.create(warehouse_id=warehouse_id, by=by, cut_off=until, order_count=len(released))
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [wave.pk, released, [(choice.rooms or {}).get(order_id) for order_id in released]])
        if cursor.rowcount != len(released):
            raise StartOver
    binding.bind(warehouse_id, stops, dict.fromkeys(released, wave.pk))
    return {"wave_id": wave.pk, "orders": len(released), "tasks": len(stops), "unbound": sorted(unbound)}


@dataclass(slots=True)
class _Choice:
    """Which ready orders may go into the wave, all but those that are `left` ready. `rooms`: the headroom of their shops by order id; None = the
    clock is not asked.
    """

    warehouse_id: int
    until: datetime | None
    most: int
    order_ids: list[int] | None
    left: set[int]
    rooms: dict[int, int] | None = None

    def values(self) -> dict[str, Any]:
        rooms = self.rooms or {}
        return {
            "warehouse": self.warehouse_id, "until": self.until, "most": self.most, "orders": self.order_ids, "left": sorted(self.left),
            "ids": list(rooms), "rooms": list(rooms.values()),
        }  # fmt: skip


def _rooms(choice: _Choice) -> dict[int, int]:
    """Of more orders than fit into the wave, so that a narrow shop is found behind many orders of the same hour."""
    with connection.cursor() as cursor:
        cursor.execute(_SOONEST, choice.values() | {"most": LOOK_AHEAD * WAVE_MAX})
        return {key: each.room for key, each in clock.headroom_of([row[0] for row in cursor.fetchall()]).items()}


def _wanted(choice: _Choice) -> dict[int, list[Want]]:
    """Lock the next ready orders and say what each needs, in the order in which they get it."""
    values = choice.values()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(wanted=_SOONEST if choice.rooms is None else _BY_CLOCK), values)
        cursor.execute(_LINES, values | {"locked": [order_id for order_id, _merchant, _reference in cursor.fetchall()]})
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
