"""Every night a shop is asked whether its open orders are still what it said, as its list of changed orders need not tell: not of those that it has
deleted, nor of goods that another place is to send now. A message that says so comes once, and may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from marketplaces.abilities import TellsLastChanges
from marketplaces.calling import calling, keep_busy, open_shop
from marketplaces.models import Channel
from marketplaces.order_asking import EVENT_ORDERS, Wanted, go_on_later, to_look_over
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused


def look_over(channel: Channel) -> int:
    """Have those asked for, one by one, that are gone or have changed; answers how many they are. Nothing happens where the shop lists all. Raises
    ChannelQuiet, UnknownMarketplace.
    """
    if not isinstance(open_shop(channel), TellsLastChanges):
        return 0
    known = to_look_over(channel)
    order_ids, moved = list(known), list[str]()
    if not order_ids:
        return 0
    try:
        with calling(channel) as shop:
            assert isinstance(shop, TellsLastChanges)
            for start in range(0, len(order_ids), EVENT_ORDERS):
                part = order_ids[start : start + EVENT_ORDERS]
                moved += _moved(shop, {order_id: known[order_id] for order_id in part})
                keep_busy(channel)
    finally:  # also of a shop that has failed in between
        go_on_later(channel, Wanted(moved, poll=False))
    return len(moved)


def _moved(shop: TellsLastChanges, known: Mapping[str, datetime | None]) -> list[str]:
    """What the shop refuses, or breaks down at, for many in one call it may tell of each by itself."""
    try:
        changes = shop.last_changes(list(known))
    except CredentialsRefused:
        raise
    except ChannelRefused:
        return list(known)
    except ChannelUnavailable as error:
        if isinstance(error, ChannelThrottled) or not error.answered:
            raise
        return list(known)
    return [order_id for order_id, at in known.items() if at is None or changes.get(order_id) is None or changes[order_id] > at]
