"""Letting go of open picks that a bin can no longer serve: a count, damage or loss is never refused because stock was promised."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from inventory import losses
from inventory.ledger import Place
from inventory.models import StockBalance
from outbound.interception import drop_open_picks, lock_orders
from outbound.models import PickTask
from wms.core import outbox
from wms.core.locking import StartOver, assert_in_transaction


def let_go(place: Place, *, keep: int) -> None:
    """A step, settings.RESERVATION_HOLDER: unbind open picks of a place, youngest ship-by first, until at most `keep` base units are reserved.

    Locks the picks' orders, then the place. Raises StartOver when picks came in between.
    """
    assert_in_transaction("let_go()")
    tasks = _open_picks(place)
    lock_orders(sorted({task.order_id for task in tasks}))
    StockBalance.objects.select_for_update(no_key=True).filter(
        bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
    ).order_by("pk").first()
    now = _open_picks(place)
    if {task.pk for task in now} - {task.pk for task in tasks}:
        raise StartOver
    excess = sum(task.quantity for task in now) - keep
    dropped = []
    for task in sorted(now, key=lambda task: (task.order.ship_by, task.pk), reverse=True):
        if excess <= 0:
            break
        dropped.append(task)
        excess -= task.quantity
    drop_open_picks(dropped)


def _open_picks(place: Place) -> list[PickTask]:
    if place.condition != "good":
        return []
    return list(
        PickTask.objects.filter(
            bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, carton=place.carton_id, status=PickTask.Status.OPEN
        ).select_related("order")
    )


def empty_place(payloads: list[dict[str, Any]]) -> None:
    """Outbox handler of `pick.short`: a picker found the bin empty, so nobody else is sent there and what the books still say is missing.

    Each place in a transaction of its own; whoever counts the bin later finds the goods again.
    """
    for bin_id, sku_id in sorted({(payload["bin_id"], payload["sku_id"]) for payload in payloads}):
        for place, warehouse_id in _good_places(bin_id, sku_id):
            _empty(place, warehouse_id)
    with transaction.atomic(durable=True):
        for warehouse_id in sorted({payload["warehouse_id"] for payload in payloads}):
            skus = {payload["sku_id"] for payload in payloads if payload["warehouse_id"] == warehouse_id}
            outbox.emit("stock.lost", warehouse_id=warehouse_id, sku_ids=sorted(skus))


def _good_places(bin_id: int, sku_id: int) -> list[tuple[Place, int]]:
    rows = StockBalance.objects.filter(bin=bin_id, sku=sku_id, condition="good", on_hand__gt=0).order_by("pk")
    return [(Place(row.bin_id, row.sku_id, row.lot_id, row.condition, row.carton_id), row.warehouse_id) for row in rows]


def _empty(place: Place, warehouse_id: int) -> None:
    for _attempt in range(20):
        try:
            with transaction.atomic(durable=True):
                let_go(place, keep=0)
                row = StockBalance.objects.get(
                    bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
                )
                if row.on_hand > row.reserved:
                    losses.lose(
                        warehouse_id=warehouse_id,
                        place=place,
                        quantity=row.on_hand - row.reserved,
                        unreserve=0,
                        document="pick short",
                        by=None,
                    )
                return
        except StartOver:
            continue
