"""Who is to be asked for which orders, and when: nothing here calls a shop. What it is asked, and what it answers, is order_import's."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from marketplaces import adapters, order_book, port, troubles
from marketplaces.calling import SHOWN_AFTER, aside_s
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelUnavailable
from outbound.clock import OUT
from wms.core import outbox
from wms.core.models import OutboxEvent

EVENT_ORDERS = 100
# In one turn.
MOST_LOOKED_OVER = 2000
HANDLER = "marketplaces.order_import.hear"


@dataclass(slots=True)
class Wanted:
    """What a shop has still to be asked. `wished`: orders that it waits to hear of whether they can still be cancelled, and has said so by itself."""

    order_ids: list[str]
    poll: bool
    wished: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys([*self.order_ids, *self.wished]))

    @classmethod
    def of(cls, payloads: Sequence[Mapping[str, Any]]) -> Wanted:
        """What these events of `channel.heard` want."""
        wanted = cls([], poll=any(payload.get("poll") for payload in payloads))
        for payload in payloads:
            (wanted.wished if payload.get("wished") else wanted.order_ids).extend(payload.get("order_ids", ()))
        return wanted

    def add(self, other: Wanted) -> None:
        self.order_ids = list(dict.fromkeys([*self.order_ids, *other.order_ids]))
        self.wished = list(dict.fromkeys([*self.wished, *other.wished]))
        self.poll = self.poll or other.poll

    def without(self, done: Collection[str]) -> None:
        self.order_ids = [key for key in self.order_ids if key not in done]
        self.wished = [key for key in self.wished if key not in done]


def ask(channel_id: int) -> None:
    """A step: have the channel's orders polled soon."""
    outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, poll=True)


def ask_of(channel_id: int, order_id: str) -> None:
    """A step: have the shop asked what this order is now, once, however often it says that it changed; a paused one when it goes on."""
    if not waiting_for(channel_id, order_id, wished=False).exists():
        outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, order_ids=[order_id])


def waiting_for(channel_id: int, order_id: str, *, wished: bool) -> QuerySet[OutboxEvent]:
    """What will have the shop asked for this order alone, or answered as it `wished`, and is in no worker's hands yet. Neither stands for the other: a shop
    that answers no questions is told of its wish all the same, and of a wish nobody looks for what it said else.
    """
    alone = OutboxEvent.objects.filter(handler=f"{HANDLER}:{channel_id}", dead_at=None, lease_until=None, payload__order_ids=[order_id])
    return alone.filter(payload__has_key="wished") if wished else alone.exclude(payload__has_key="wished")


def ask_of_wishes(channel_id: int, order_ids: Collection[str]) -> None:
    """A step: have the shop, which waits for that, told whether these orders can still be cancelled."""
    if order_ids:
        outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, order_ids=list(order_ids), wished=True)


def try_waiting(channel_id: int) -> None:
    """A step: have tried again what waits for its goods to be known, or was refused."""
    outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, retry=True)


def goods_are_known(channel: Channel) -> None:
    """A step, where goods are known that were not: what may wait for them is tried again, if anything does."""
    if channel.orders.filter(Q(status=ChannelOrder.Status.UNMAPPED, shop_state="open") | Q(held_until__isnull=False)).exists():
        try_waiting(channel.pk)


_WITHOUT_POLL = """
SELECT id FROM marketplaces_channel c WHERE active AND (quiet_until IS NULL OR quiet_until <= now())
  AND (last_poll_at IS NULL OR last_poll_at <= now() - make_interval(secs => coalesce((%(pauses)s::jsonb ->> adapter)::float8, 0)))
  AND NOT EXISTS (
    SELECT FROM core_outboxevent e WHERE e.handler = ANY(%(handlers)s)
      AND e.handler = 'marketplaces.order_import.hear:' || c.id AND e.payload ? 'poll' AND e.dead_at IS NULL
)
"""


def ask_all() -> int:
    """Have every active channel polled, each in its own lane; one that still waits for its last poll, or was polled just now, gets no other.

    A poll that is a dead letter hides nothing: the next one reads on where it stood.
    """
    with transaction.atomic():
        handlers = [f"{HANDLER}:{key}" for key in Channel.objects.filter(active=True).values_list("pk", flat=True)]
        with connection.cursor() as cursor:
            cursor.execute(_WITHOUT_POLL, {"handlers": handlers, "pauses": json.dumps(adapters.poll_pauses())})
            channel_ids = [key for (key,) in cursor.fetchall()]
        outbox.emit_all([("channel.heard", {"lane": key, "channel_id": key, "poll": True}) for key in channel_ids])
    return len(channel_ids)


def to_look_over(channel: Channel, after: int) -> list[ChannelOrder]:
    """Of the shop's open orders that are still to be sent, or still count as sold, the first ones that came after this key, with their ids and when they
    had changed when the shop spoke of them last.
    """
    ours = ChannelOrderPart.objects.filter(channel_order__channel=channel, merchants_own=False)
    to_send = Q(pk__in=ours.exclude(order__status__in=OUT).values("channel_order"))
    found = channel.orders.filter(to_send | Q(status__in=ChannelOrder.NOT_TAKEN), shop_state="open")
    return list(found.filter(pk__gt=after).order_by("pk").only("external_id", "shop_updated_at")[:MOST_LOOKED_OVER])


def go_on_later(channel: Channel, wanted: Wanted, wait_s: float = 0.0) -> None:
    """Have it asked for at the lane's next turn, or in so many seconds; a few orders in each event."""
    parts: list[dict[str, Any]] = [
        {"order_ids": ids[start : start + EVENT_ORDERS], **more}
        for ids, more in ((wanted.order_ids, {}), (wanted.wished, {"wished": True}))
        for start in range(0, len(ids), EVENT_ORDERS)
    ]
    if wanted.poll:
        parts.append({"poll": True})
    events = [("channel.heard", {"lane": channel.pk, "channel_id": channel.pk, **part}) for part in parts]
    with transaction.atomic():
        if wait_s:
            outbox.emit_all_later(wait_s, events, tried=1)
        else:
            outbox.emit_all(events)


def put_aside(
    channel: Channel, order_id: str, error: ChannelUnavailable, *, failed: int = 0, quiet_s: float = 0.0, wished: bool = False
) -> None:
    """The shop broke down at this one order: it is asked for again, later and later. While the shop is in trouble as a whole (`quiet_s`) that says nothing;
    one at which it does so again and again, `failed` so often before, is shown to people. It waits once: polls list it every minute.
    """
    waiting = waiting_for(channel.pk, order_id, wished=wished)
    if not failed and waiting.exists():
        return
    failed += not quiet_s
    if failed == SHOWN_AFTER:
        order_book.record_unreadable(channel, [port.UnreadableOrder(order_id, troubles.kept(error))])
    about = {"lane": channel.pk, "channel_id": channel.pk, "order_ids": [order_id], "failed": failed}
    with transaction.atomic():
        waiting.delete()
        outbox.emit_all_later(aside_s(failed, quiet_s), [("channel.heard", about | ({"wished": True} if wished else {}))], tried=1)
