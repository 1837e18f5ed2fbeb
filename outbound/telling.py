"""Merchants that asked hear what becomes of their orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.utils import timezone

from outbound.models import Order
from wms.core import outbox


def event(what: str, *, order_id: int, parcel_id: int | None = None) -> tuple[str, dict[str, Any]]:
    """What an order's merchant is told: `what` is order.accepted, order.short, order.shipped or order.cancelled.

    Of the order itself the handler reads what is true when it gets there. `key` makes one message of it however often it is handled.
    """
    happened_at = timezone.now().isoformat()
    return "order.told", {"what": what, "order_id": order_id, "parcel_id": parcel_id, "key": uuid4().hex, "happened_at": happened_at}


def tell(what: str, orders: Iterable[Order]) -> None:
    """A step: for orders that are loaded with their merchants, of which only those that hear are told."""
    heard = events(what, orders)
    if heard:
        outbox.emit_all(heard)


def events(what: str, orders: Iterable[Order]) -> list[tuple[str, dict[str, Any]]]:
    return [event(what, order_id=order.pk) for order in orders if order.merchant.hears_events]
