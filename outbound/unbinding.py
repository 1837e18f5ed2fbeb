"""Letting go of open picks that a bin can no longer serve: a count, damage or loss is never refused because stock was promised."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from inventory import ledger, losses
from inventory.ledger import Place
from inventory.models import StockBalance
from outbound.interception import drop_open_picks, lock_orders
from outbound.models import PickTask
from wms.core.commands import ATTEMPTS
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
    """Outbox handler of `pick.short`: a picker found the place empty, so nobody else is sent there and what the books still say is missing.

    Each place in a transaction of its own. Where goods came in since the picker looked, nobody knows any more: only a count tells.
    """
    for payload in payloads:
        _empty(Place(**payload["place"]), payload["warehouse_id"], payload["movement_id"])


def _empty(place: Place, warehouse_id: int, movement_id: int) -> None:
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                let_go(place, keep=0)
                row = StockBalance.objects.get(
                    bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
                )
                if ledger.came_in_since(place, movement_id):
                    # Undoes let_go as well.
                    transaction.set_rollback(True)
                elif row.on_hand > row.reserved:
                    missing = row.on_hand - row.reserved
                    losses.lose(warehouse_id=warehouse_id, place=place, quantity=missing, unreserve=0, document="pick short", by=None)
                return
        except StartOver:
            continue
    raise StartOver
