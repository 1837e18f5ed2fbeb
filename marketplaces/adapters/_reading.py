"""A page of a shop's orders: those that can be read, and why the others cannot."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from marketplaces.port import ChannelOrder, ChannelThrottled, ChannelUnavailable, MessageUnreadable, UnreadableOrder, reasons


def read_rows(
    rows: Iterable[Any], read: Callable[[Any], ChannelOrder], *, order_id: Callable[[Any], str]
) -> tuple[tuple[ChannelOrder, ...], tuple[UnreadableOrder, ...]]:
    """Each order once, as its youngest row says it. What `read` raises MessageUnreadable for holds up no other: people find it by its `order_id`.
    Nor does what the shop breaks down at when it is asked for the rest of an order.
    """
    orders: dict[str, ChannelOrder] = {}
    unreadable: dict[str, UnreadableOrder] = {}
    for row in rows:
        try:
            order = read(row)
        except MessageUnreadable as error:
            unreadable[order_id(row)] = UnreadableOrder(order_id(row), error.details["reason"])
            continue
        except ChannelUnavailable as error:
            if isinstance(error, ChannelThrottled) or not error.answered:
                raise
            unreadable[order_id(row)] = UnreadableOrder(order_id(row), error.details["reason"], again=True)
            continue
        if order.order_id not in orders or orders[order.order_id].updated_at <= order.updated_at:
            orders[order.order_id] = order
    return tuple(orders.values()), tuple(unreadable.values())


def moment(value: Any) -> datetime:
    """ISO 8601, in UTC. Raises ValueError where it is none or says no zone, TypeError for what is no text."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(reasons.NO_ZONE.format(what=value))
    return found.astimezone(UTC)
