"""Who gets what: commits demand to availability, and fills short orders, oldest ship-by first, when goods arrive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from inventory import availability
from inventory.availability import Change
from inventory.models import Availability
from outbound import telling
from outbound.models import Order, OrderLine
from wms.core.locking import assert_in_transaction
from wms.core.transitions import advance

Demand = dict[int, int]

# What one unit of demand does to its sku's row.
COMMIT = Change(committed=1)
BACKORDER = Change(backordered=1)
FILL = Change(committed=1, backordered=-1)
FALL_SHORT = Change(committed=-1, backordered=1)
RELEASE = Change(committed=-1)
GIVE_UP = Change(backordered=-1)

_BATCH = 100


def sum_changes(parts: Iterable[tuple[Demand, Change]]) -> dict[int, Change]:
    """Add up what demands do to their skus' rows: (demand, change a unit) pairs give one Change by sku id."""
    committed: Demand = {}
    backordered: Demand = {}
    for demand, unit in parts:
        for sku_id, quantity in demand.items():
            committed[sku_id] = committed.get(sku_id, 0) + unit.committed * quantity
            backordered[sku_id] = backordered.get(sku_id, 0) + unit.backordered * quantity
    return {sku_id: Change(committed=committed[sku_id], backordered=backordered[sku_id]) for sku_id in committed}


def fits(free: Demand, demand: Demand) -> bool:
    return all(free.get(sku_id, 0) >= quantity for sku_id, quantity in demand.items())


def take(free: Demand, demand: Demand) -> bool:
    """Take the whole demand out of `free`, or nothing."""
    if not fits(free, demand):
        return False
    for sku_id, quantity in demand.items():
        free[sku_id] -= quantity
    return True


def looks_free(warehouse_id: int, demand: Demand) -> bool:
    """Whether the demand would fit if nobody else waited: read without locks, so only a hint."""
    rows = Availability.objects.filter(warehouse=warehouse_id, sku__in=demand).values_list("sku", "on_hand", "committed")
    return fits({sku_id: on_hand - committed for sku_id, on_hand, committed in rows}, demand)


def demand_of(order_ids: Iterable[int]) -> dict[int, Demand]:
    """Base units by sku id for each order id."""
    demands: dict[int, Demand] = {}
    for order_id, sku_id, quantity in OrderLine.objects.filter(order__in=list(order_ids)).values_list("order", "sku", "quantity"):
        demand = demands.setdefault(order_id, {})
        demand[sku_id] = demand.get(sku_id, 0) + quantity
    return demands


Turn = tuple[datetime, int]
"""An order's place in the line of those that wait: its ship-by and its id."""

_FIRST: Turn = (datetime.min.replace(tzinfo=UTC), 0)


def _in_line(warehouse_id: int, sku_ids: set[int], after: Turn, most: int) -> list[Turn]:
    """The short orders that wait for one of the skus, oldest ship-by first: read without locks."""
    waiting = Order.objects.filter(warehouse=warehouse_id, status=Order.Status.SHORT, lines__sku__in=sku_ids)
    oldest = waiting.filter(ship_by__gt=after[0]) | waiting.filter(ship_by=after[0], pk__gt=after[1])
    return list(oldest.distinct().order_by("ship_by", "pk").values_list("ship_by", "pk")[:most])


def _lock(turns: Iterable[Turn]) -> list[tuple[Order, Demand]]:
    """Those of the orders that are short still, oldest ship-by first, and what each needs."""
    rows = list(
        Order.objects.filter(pk__in=[order_id for _ship_by, order_id in turns], status=Order.Status.SHORT)
        .select_related("merchant")
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    demands = demand_of(order.pk for order in rows)
    return sorted(((order, demands[order.pk]) for order in rows), key=lambda pair: (pair[0].ship_by, pair[0].pk))


def lock_short(warehouse_id: int, sku_ids: set[int]) -> tuple[list[tuple[Order, Demand]], bool]:
    """Lock the first short orders that wait for one of the skus, oldest ship-by first; says what each needs, and whether more may wait behind."""
    assert_in_transaction("lock_short()")
    turns = _in_line(warehouse_id, sku_ids, _FIRST, _BATCH)
    return _lock(turns), len(turns) == _BATCH


def fill(waiting: list[tuple[Order, Demand]], free: Demand) -> list[Demand]:
    """Give each short order all it needs out of `free`, in turn; those that got it become ready. Returns their demands."""
    served = [(order, demand) for order, demand in waiting if take(free, demand)]
    advance([order for order, _demand in served], Order.Status.READY, updated_at=Now())
    telling.tell("order.accepted", (order for order, _demand in served))
    return [demand for _order, demand in served]


def fill_arrived(payloads: list[dict[str, Any]]) -> None:
    """Outbox handler of `stock.arrived`: let short orders have what came in."""
    arrived: dict[int, set[int]] = {}
    for payload in payloads:
        arrived.setdefault(payload["warehouse_id"], set()).update(payload["sku_ids"])
    for warehouse_id, sku_ids in sorted(arrived.items()):
        waited_for = set(
            Availability.objects.filter(warehouse=warehouse_id, sku__in=sku_ids, backordered__gt=0, on_hand__gt=F("committed")).values_list(
                "sku", flat=True
            )
        )
        if waited_for:
            fill_short(warehouse_id=warehouse_id, sku_ids=waited_for)


def fill_short(*, warehouse_id: int, sku_ids: set[int]) -> int:
    """Fill every short order that waits for one of the skus and can be filled; returns how many. One transaction a hundred orders."""
    filled, after = 0, _FIRST
    while True:
        with transaction.atomic(durable=True):
            turns = _in_line(warehouse_id, sku_ids, after, _BATCH)
            if not turns:
                return filled
            waiting = _lock(turns)
            wanted: set[int] = set().union(*(demand for _order, demand in waiting))
            free = {sku_id: offer.free for sku_id, offer in availability.lock(warehouse_id, wanted).items()}
            served = fill(waiting, free)
            availability.change(warehouse_id, sum_changes((demand, FILL) for demand in served))
        filled += len(served)
        # Somebody else may have dealt with all of them meanwhile: then nothing is known of what is free.
        if waiting and not any(free.get(sku_id, 0) > 0 for sku_id in sku_ids):
            return filled
        after = turns[-1]
