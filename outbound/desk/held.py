"""Orders that wait for somebody's decision (outbound.holds), as a warehouse's supervisor looks them through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from inventory.models import Warehouse
from outbound import holds
from outbound.holds import Hold
from outbound.models import Order, PickTask

SHOWN = 50
ON_THE_FLOOR = (Order.Status.RELEASED, Order.Status.PICKING, Order.Status.PICKED, Order.Status.PACKED)


@dataclass(frozen=True, slots=True)
class Held:
    """Order ids, soonest ship-by first: those that would be ready for a wave, and those that are on the floor. `orders`: the first SHOWN of each."""

    holds: dict[int, Hold]
    ready: list[int]
    on_the_floor: list[int]
    orders: dict[int, Order]
    pickers: dict[int, str]

    @property
    def ready_rows(self) -> list[Order]:
        return [self.orders[key] for key in self.ready[:SHOWN]]

    @property
    def floor_rows(self) -> list[Order]:
        return [self.orders[key] for key in self.on_the_floor[:SHOWN]]


def held_in(warehouse: Warehouse, visible: QuerySet[Order]) -> Held:
    """Of the orders that are `visible`; in four statements."""
    found = holds.in_warehouse(warehouse.pk, Order.Status.READY, *ON_THE_FLOOR)
    status = dict(visible.filter(pk__in=list(found)).values_list("pk", "status"))
    ready = [key for key in found if status.get(key) == Order.Status.READY]
    on_the_floor = [key for key in found if status.get(key) in ON_THE_FLOOR]
    shown = visible.select_related("merchant", "warehouse", "tote").in_bulk([*ready[:SHOWN], *on_the_floor[:SHOWN]])
    return Held(found, ready, on_the_floor, shown, _pickers(on_the_floor[:SHOWN]))


def _pickers(order_ids: Iterable[int]) -> dict[int, str]:
    """By order id: who has open stops of it on the walk."""
    open_tasks = PickTask.objects.filter(order__in=order_ids, status=PickTask.Status.OPEN).exclude(picker=None)
    pickers: dict[int, list[str]] = {}
    for order_id, name in open_tasks.order_by("picker__username").values_list("order", "picker__username").distinct():
        pickers.setdefault(order_id, []).append(name)
    return {order_id: ", ".join(names) for order_id, names in pickers.items()}
