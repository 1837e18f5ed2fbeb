"""Every night a shop is asked whether its open orders are still what it said, as its list of changed orders need not tell: not of those that it has
deleted, nor of goods that another place is to send now. A message that says so comes once, and may be lost.

Of very many orders that takes long. Nobody waits for it: others find half of what the shop grants, and no call of it is under way for long.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.utils import timezone

from marketplaces.abilities import TellsLastChanges
from marketplaces.calling import calling, keep_busy, open_shop
from marketplaces.models import Channel
from marketplaces.order_asking import MOST_LOOKED_OVER, Wanted, go_on_later, to_look_over
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, Marketplace

BUDGET_S = 10.0
# So much of what the shop grants is left to whoever has something to tell it or to ask it meanwhile.
LEFT_TO_OTHERS = 0.5


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be asked: the orders that came after this one of ours, in so many seconds."""

    after: int
    wait_s: float


def look_over(channel: Channel, after: int = 0) -> Rest | None:
    """Have those asked for, one by one, that are gone or have changed, of the orders that came after this key of ours; answers what is left for another
    turn. Nothing happens where the shop lists all. Raises ChannelQuiet, UnknownMarketplace.
    """
    if not isinstance(open_shop(channel), TellsLastChanges):
        return None
    orders = to_look_over(channel, after)
    if not orders:
        return None
    waiting, moved, until = iter(orders), list[str](), time.monotonic() + BUDGET_S
    try:
        with calling(channel) as shop:
            assert isinstance(shop, TellsLastChanges)
            while part := list(islice(waiting, shop.most_looked_at)):
                moved += _moved(shop, {order.external_id: order.shop_updated_at for order in part})
                keep_busy(channel)
                wait_s = _wait_s(shop)
                if wait_s or time.monotonic() > until:
                    return Rest(part[-1].pk, wait_s)
    finally:  # also of a shop that has failed in between
        go_on_later(channel, Wanted(moved, poll=False))
    return Rest(orders[-1].pk, 0.0) if len(orders) == MOST_LOOKED_OVER else None


def _wait_s(shop: Marketplace) -> float:
    """Seconds until the shop grants all that it ever does, where no more than the others' share is left of it."""
    granted = shop.allowance
    if granted is None or granted.available > granted.maximum * LEFT_TO_OTHERS:
        return 0.0
    return granted.wait_s(granted.maximum, timezone.now())


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
