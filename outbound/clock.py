"""The clock of an order: how long until its ship-by, and how many more late orders its shop could bear.

What a shop's platform counts is known above (settings.ORDER_HEADROOM); here it is a number by order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from outbound.models import Order
from wms.core.locking import assert_in_transaction

OUT = frozenset({Order.Status.SHIPPED, Order.Status.CARRIER_SCANNED, Order.Status.DELIVERED, Order.Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Headroom:
    """`room`: how many more orders of `shop` may be late until its platform's limit; below zero so many are too late already."""

    shop: str
    room: int

    @property
    def over(self) -> int:
        return max(0, -self.room)


def headroom_of(order_ids: Sequence[int]) -> dict[int, Headroom]:
    """By order id, in one statement; orders of platforms that count nothing are left out."""
    if not order_ids:
        return {}
    say: Callable[[Sequence[int]], dict[int, Headroom]] = import_string(settings.ORDER_HEADROOM)
    return say(order_ids)


def hold(order_ids: Iterable[int]) -> None:
    """A step: lock these orders, in key order, until the transaction ends."""
    assert_in_transaction("hold()")
    list(Order.objects.select_for_update(no_key=True).filter(pk__in=list(order_ids)).order_by("pk").values_list("pk"))


def move(ship_by: Mapping[int, datetime]) -> None:
    """A step: give these orders, by id, another ship-by; those that are out, or have it already, stay as they are. Waves and pickers follow."""
    assert_in_transaction("move()")
    rows = Order.objects.select_for_update(no_key=True).filter(pk__in=ship_by).exclude(status__in=OUT).order_by("pk")
    moved = [order for order in rows if order.ship_by != ship_by[order.pk]]
    for order in moved:
        order.ship_by, order.updated_at = ship_by[order.pk], Now()
    Order.objects.bulk_update(moved, ["ship_by", "updated_at"])


def seconds_left(order: Order, now: datetime) -> int | None:
    """Whole seconds until the ship-by, negative when it is over; None for an order that is out of the house or cancelled."""
    return None if order.status in OUT else int((order.ship_by - now).total_seconds() // 1)


def is_late(order: Order, now: datetime) -> bool:
    """Shipped after its ship-by, or still here after it."""
    if order.shipped_at is not None:
        return order.shipped_at > order.ship_by
    return order.status != Order.Status.CANCELLED and now > order.ship_by
