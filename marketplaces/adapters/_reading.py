"""A page of a shop's orders: those that can be read, and why the others cannot."""

from collections.abc import Callable, Iterable
from typing import Any

from marketplaces.port import ChannelOrder, MessageUnreadable, UnreadableOrder


def read_rows(
    rows: Iterable[Any], read: Callable[[Any], ChannelOrder], *, order_id: Callable[[Any], str]
) -> tuple[tuple[ChannelOrder, ...], tuple[UnreadableOrder, ...]]:
    """Each order once, as its youngest row says it. What `read` raises MessageUnreadable for holds up no other: people find it by its `order_id`."""
    orders: dict[str, ChannelOrder] = {}
    unreadable: dict[str, UnreadableOrder] = {}
    for row in rows:
        try:
            order = read(row)
        except MessageUnreadable as error:
            unreadable[order_id(row)] = UnreadableOrder(order_id(row), error.details["reason"])
            continue
        if order.order_id not in orders or orders[order.order_id].updated_at <= order.updated_at:
            orders[order.order_id] = order
    return tuple(orders.values()), tuple(unreadable.values())
