"""Every night a shop is asked whether its open orders are still what it said, as its list of changed orders need not tell: not of those that it has
deleted, nor of goods that another place is to send now. A message that says so comes once, and may be lost.

Of very many orders that takes long. Nobody waits for it: others find half of what the shop grants, and no call of it is under way for long. How far
it has come stands in the outbox, so that neither a lost broker nor a shop in trouble costs the night.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketplaces.abilities import TellsLastChanges
from marketplaces.calling import ChannelQuiet, calling, keep_busy, open_shop
from marketplaces.models import Channel
from marketplaces.order_asking import MOST_LOOKED_OVER, Wanted, go_on_later, to_look_over
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, Marketplace
from wms.core import outbox
from wms.core.errors import WmsError
from wms.core.models import OutboxEvent

HANDLER = "marketplaces.looking_over.go_on"
BUDGET_S = 10.0
# So much of what the shop grants is left to whoever has something to tell it or to ask it meanwhile.
LEFT_TO_OTHERS = 0.5


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be asked: the orders that came after this one of ours, in so many seconds."""

    after: int
    wait_s: float


def ask_all() -> int:
    """Nightly; answers of how many channels. One that has not come to its end since goes on where it is."""
    with transaction.atomic():
        keys = Channel.objects.filter(active=True).order_by("pk").values_list("pk", flat=True)
        handlers = {f"{HANDLER}:{key}": key for key in keys}
        waiting = set(OutboxEvent.objects.filter(handler__in=handlers, dead_at=None).values_list("handler", flat=True))
        wanted = [key for handler, key in handlers.items() if handler not in waiting]
        outbox.emit_all([("channel.aged", _event(key, 0)) for key in wanted])
    return len(wanted)


def _event(channel_id: int, after: int) -> dict[str, Any]:
    return {"lane": channel_id, "channel_id": channel_id, "after": after}


def go_on(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.aged` {channel_id, after: the order of ours that was asked for last}, one channel's events at a time. Raises ChannelQuiet."""
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"], active=True).first()
    if channel is None:
        return
    try:
        rest = look_over(channel, min(payload["after"] for payload in payloads))
    except ChannelQuiet:
        raise
    except WmsError:  # keys that are no use: each poll says so on the channel
        return
    if rest is not None:
        with transaction.atomic():
            outbox.emit_later(rest.wait_s, "channel.aged", **_event(channel.pk, rest.after))


def look_over(channel: Channel, after: int = 0) -> Rest | None:
    """Have those asked for, one by one, that are gone or have changed, of the orders that came after this key of ours; answers what is left for another
    turn. Nothing happens where the shop lists all. Raises ChannelQuiet where nothing was done, UnknownMarketplace.
    """
    if not isinstance(open_shop(channel), TellsLastChanges):
        return None
    orders = to_look_over(channel, after)
    if not orders:
        return None
    waiting, moved, done, until = iter(orders), list[str](), after, time.monotonic() + BUDGET_S
    try:
        with calling(channel) as shop:
            assert isinstance(shop, TellsLastChanges)
            while part := list(islice(waiting, shop.most_looked_at)):
                moved += _moved(shop, {order.external_id: order.shop_updated_at for order in part})
                done = part[-1].pk
                keep_busy(channel)
                wait_s = _wait_s(shop)
                if wait_s or time.monotonic() > until:
                    return Rest(done, wait_s)
    except ChannelQuiet as quiet:
        if done == after:
            raise
        return Rest(done, quiet.retry_after)
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
