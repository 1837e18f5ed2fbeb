"""Stopping an order on the floor: open picks are let go, and what was picked or packed goes back to a bin by tasks, never by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from inventory import availability, ledger
from inventory.availability import Change
from inventory.models import PutBackTask, StockBalance
from outbound.allocation import Demand
from outbound.models import Order, Parcel, ParcelLine, PickTask
from wms.core.locking import assert_in_transaction


@dataclass(slots=True)
class Loose:
    """What an order that was stopped leaves behind: `held` are base units by sku id that stay committed until they are put back."""

    held: Demand = field(default_factory=dict)


def drop_open_picks(tasks: list[PickTask]) -> None:
    """A step: give up open tasks of locked orders and what they reserve."""
    assert_in_transaction("drop_open_picks()")
    if not tasks:
        return
    balances = _balances_of(tasks)
    unreserved: dict[int, int] = {}
    for task in tasks:
        balance_id = balances[(task.bin_id, task.sku_id, task.lot_id, task.carton_id)]
        unreserved[balance_id] = unreserved.get(balance_id, 0) - task.quantity
    ledger.reserve(unreserved)
    dropped = PickTask.objects.filter(pk__in=[task.pk for task in tasks], status=PickTask.Status.OPEN).update(
        status=PickTask.Status.DROPPED
    )
    assert dropped == len(tasks), "the orders' locks guard their tasks"


def _balances_of(tasks: list[PickTask]) -> dict[tuple[int, int, int | None, int | None], int]:
    rows = StockBalance.objects.filter(
        bin__in={task.bin_id for task in tasks}, sku__in={task.sku_id for task in tasks}, condition="good"
    ).values_list("bin", "sku", "lot", "carton", "pk")
    return {(bin_id, sku_id, lot_id, carton_id): key for bin_id, sku_id, lot_id, carton_id, key in rows}


def break_off(order: Order) -> Loose:
    """A step: take a locked order off the floor. Its goods in a tote or on the stage become put-back tasks and stay committed."""
    assert_in_transaction("break_off()")
    tasks = list(PickTask.objects.filter(order=order, status__in=[PickTask.Status.OPEN, PickTask.Status.PICKED]).order_by("pk"))
    drop_open_picks([task for task in tasks if task.status == PickTask.Status.OPEN])
    picked = [task for task in tasks if task.status == PickTask.Status.PICKED]
    PickTask.objects.filter(pk__in=[task.pk for task in picked]).update(status=PickTask.Status.DROPPED)
    waiting = [(_tote_of(task), task.sku_id, task.lot_id, task.quantity) for task in picked]
    parcels = list(Parcel.objects.filter(order=order, status=Parcel.Status.PACKED))
    stage_of = {parcel.pk: parcel.stage_id for parcel in parcels}
    for parcel_id, sku_id, lot_id, quantity in ParcelLine.objects.filter(parcel__in=parcels).values_list(
        "parcel", "sku", "lot", "quantity"
    ):
        waiting.append((stage_of[parcel_id], sku_id, lot_id, quantity))
    Parcel.objects.filter(pk__in=stage_of).update(status=Parcel.Status.VOID)
    PutBackTask.objects.bulk_create(
        PutBackTask(
            warehouse_id=order.warehouse_id,
            merchant_id=order.merchant_id,
            bin_id=bin_id,
            sku_id=sku_id,
            lot_id=lot_id,
            quantity=quantity,
            document=f"order {order.reference}",
        )
        for bin_id, sku_id, lot_id, quantity in waiting
    )
    loose = Loose()
    for _bin_id, sku_id, _lot_id, quantity in waiting:
        loose.held[sku_id] = loose.held.get(sku_id, 0) + quantity
    return loose


def _tote_of(task: PickTask) -> int:
    assert task.tote_id is not None, "what was picked lies in a tote"
    return task.tote_id


def release_promise(order: Order, demand: Demand, loose: Loose, *, backorder: bool) -> None:
    """A step: end what a stopped order had committed, except for goods that wait to be put back; `backorder` lets its demand wait in line."""
    availability.change(
        order.warehouse_id,
        {
            sku_id: Change(committed=loose.held.get(sku_id, 0) - quantity, backordered=quantity if backorder else 0)
            for sku_id, quantity in demand.items()
        },
        f"{'short' if backorder else 'cancelled'} {order.reference}",
    )


def lock_orders(order_ids: list[int]) -> list[Order]:
    """A step: lock orders in key order (wms.core.locking)."""
    assert_in_transaction("lock_orders()")
    rows = Order.objects.filter(pk__in=order_ids).select_related("merchant")
    return list(rows.order_by("pk").select_for_update(of=("self",), no_key=True))
