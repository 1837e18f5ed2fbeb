"""Who is to be asked for which orders, and when: nothing here calls a shop. What it is asked, and what it answers, is order_import's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from marketplaces import adapters
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from outbound.clock import OUT
from wms.core import outbox
from wms.core.models import OutboxEvent

EVENT_ORDERS = 100
HANDLER = "marketplaces.order_import.hear"


@dataclass(slots=True)
class Wanted:
    """What a shop has still to be asked."""

    order_ids: list[str]
    poll: bool


def ask(channel_id: int) -> None:
    """A step: have the channel's orders polled soon."""
    outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, poll=True)


def ask_of(channel_id: int, order_id: str) -> None:
    """A step: have the shop asked what this order is now, once, however often it says that it changed; a paused one when it goes on."""
    if not waiting_for(channel_id, order_id).exists():
        outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, order_ids=[order_id])


def waiting_for(channel_id: int, order_id: str) -> QuerySet[OutboxEvent]:
    """What will have the shop asked for this order alone, and is in no worker's hands yet."""
    return OutboxEvent.objects.filter(handler=f"{HANDLER}:{channel_id}", dead_at=None, lease_until=None, payload__order_ids=[order_id])


def try_waiting(channel_id: int) -> None:
    """A step: have tried again what waits for its goods to be known, or was refused."""
    outbox.emit("channel.heard", lane=channel_id, channel_id=channel_id, retry=True)


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


def to_look_over(channel: Channel) -> dict[str, datetime | None]:
    """The shop's open orders that are still to be sent, or still count as sold, by their ids in the order in which they came: when they had changed when
    the shop spoke of them last.
    """
    ours = ChannelOrderPart.objects.filter(channel_order__channel=channel, merchants_own=False)
    to_send = Q(pk__in=ours.exclude(order__status__in=OUT).values("channel_order"))
    found = channel.orders.filter(to_send | Q(status__in=ChannelOrder.NOT_TAKEN), shop_state="open")
    return dict(found.order_by("pk").values_list("external_id", "shop_updated_at"))


def go_on_later(channel: Channel, wanted: Wanted, wait_s: float = 0.0) -> None:
    """Have it asked for at the lane's next turn, or in so many seconds; a few orders in each event."""
    ids = wanted.order_ids
    parts: list[dict[str, Any]] = [{"order_ids": ids[start : start + EVENT_ORDERS]} for start in range(0, len(ids), EVENT_ORDERS)]
    if wanted.poll:
        parts.append({"poll": True})
    events = [("channel.heard", {"lane": channel.pk, "channel_id": channel.pk, **part}) for part in parts]
    with transaction.atomic():
        if wait_s:
            outbox.emit_all_later(wait_s, events, tried=1)
        else:
            outbox.emit_all(events)
