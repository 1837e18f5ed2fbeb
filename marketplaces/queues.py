"""Shops whose messages wait in a queue: what is in it is kept here first and then taken off, so that none is lost; one that comes twice is one."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from marketplaces import by_hand, deliveries
from marketplaces.abilities import FillsQueue, QueuedMessage
from marketplaces.calling import open_shop
from marketplaces.models import Channel
from marketplaces.port import ChannelError, ChannelEvent, EventKind
from marketplaces.troubles import QUEUE, kept
from wms.core import outbox
from wms.core.errors import WmsError
from wms.core.models import OutboxEvent

log = logging.getLogger(__name__)

WAIT_S = 1.0
# Shorter than the time between two turns.
BUDGET_S = 10.0
HANDLER = "marketplaces.queues.hear"


def ask_all() -> int:
    """Have every queue emptied, each in its own lane; one that still waits for its turn gets no other. Answers how many were asked for."""
    with transaction.atomic():
        handlers = {key: f"{HANDLER}:{key}" for key in channels_with_queue()}
        waiting = set(OutboxEvent.objects.filter(handler__in=handlers.values(), dead_at=None).values_list("handler", flat=True))
        channel_ids = [key for key, handler in handlers.items() if handler not in waiting]
        outbox.emit_all([("channel.queued", {"lane": key, "channel_id": key}) for key in channel_ids])
    return len(channel_ids)


def hear(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.queued` {channel_id}, one channel's events at a time."""
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"], active=True).first()
    if channel is not None:
        empty(channel)


def channels_with_queue() -> list[int]:
    """Keys of the active channels whose shops fill a queue."""
    active = Channel.objects.filter(active=True).order_by("pk")
    return [channel.pk for channel in active if _fills_queue(channel)]


def _fills_queue(channel: Channel) -> bool:
    try:
        return isinstance(open_shop(channel), FillsQueue)
    except WmsError:  # its keys are no use: whoever calls the shop says so on the channel
        return False


def empty(channel: Channel) -> int:
    """Keep what waits in the channel's queue; answers how many messages were taken off it.

    A queue in trouble is shown on its channel and costs nothing else: the shop itself may be well, and its orders are polled.
    """
    shop, until, count = open_shop(channel), time.monotonic() + BUDGET_S, 0
    assert isinstance(shop, FillsQueue), f"{channel.adapter} has no queue"
    try:
        while time.monotonic() < until:
            messages = shop.heard(wait_s=WAIT_S)
            for message in messages:
                if _keep(channel, message):
                    shop.take_off(message)
                    count += 1
            if not messages:
                break
    except ChannelError as error:
        log.warning("the queue of channel %s: %s", channel.pk, error)
        Channel.objects.filter(pk=channel.pk).update(last_error=f"{QUEUE}{kept(error)}", last_error_at=timezone.now())
    else:
        Channel.objects.filter(pk=channel.pk, last_error__startswith=QUEUE).update(last_error="")
    return count


def _keep(channel: Channel, message: QueuedMessage) -> bool:
    """False for what cannot even be written down: it stays in the queue, and the others go on."""
    event = message.event
    delivery_id, topic = (event.delivery_id, event.topic) if event else (message.message_id, "unreadable")
    try:
        with transaction.atomic():
            kept = deliveries.keep(channel, delivery_id=delivery_id, topic=topic, headers={}, body=message.body)
            if kept is not None:
                _heed(channel, event)
    except (DatabaseError, ValueError):  # ValueError: signs that no text column takes
        log.exception("channel %s: a message of its queue cannot be kept", channel.pk)
        return False
    return True


def _heed(channel: Channel, event: ChannelEvent | None) -> None:
    """A step: what follows from a message. Only the shop itself tells what is true now."""
    if event is None:
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, poll=True)
    elif event.kind in (EventKind.ORDER, EventKind.ORDER_DELETED):
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=[event.order_id])
    elif event.kind is EventKind.SUBMISSION:
        outbox.emit("channel.submitted", lane=channel.pk, channel_id=channel.pk, ticket=event.ticket)
    elif event.kind is EventKind.LISTING:
        by_hand.notice(channel, {event.listing_id: event.shown})
