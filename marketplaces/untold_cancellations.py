"""Cancellations of ours that a shop breaks down at again and again, or refuses: shown to people until the shop has them, or somebody gives them up.

The buyer waits for what nobody sends any more, and the platform counts the order as late. Who cancels it in the shop itself has done enough: what the
shop does not take for open is neither told nor shown.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from marketplaces.models import Channel, ChannelOrder, UntoldCancellation
from marketplaces.port import ChannelError
from marketplaces.troubles import kept
from wms.core import outbox
from wms.core.errors import NotFound
from wms.core.models import OutboxEvent, User

log = logging.getLogger(__name__)

HANDLER = "marketplaces.cancelled.tell"
SHOWN = 100


def note(row: ChannelOrder, error: ChannelError, *, since: datetime) -> None:
    """Show it, with what the shop said last. Of what is shown already it stays since when, and who gave it up."""
    about = {"error": kept(error), "since": since, "reopened": row.reopened}
    known, new = UntoldCancellation.objects.get_or_create(channel_order=row, defaults=about)
    if not new and known.reopened == row.reopened:
        UntoldCancellation.objects.filter(pk=known.pk).update(error=about["error"])
    elif not new:
        UntoldCancellation.objects.filter(pk=known.pk).update(**about, given_up_at=None, given_up_by=None)


def is_shown(row: ChannelOrder) -> bool:
    return UntoldCancellation.objects.current().filter(channel_order=row).exists()


def forget(keys: Collection[int]) -> None:
    """The shop has heard of these orders (their keys), or need not any more. What was given up stays so."""
    if keys:
        UntoldCancellation.objects.filter(channel_order__in=keys, given_up_at=None).delete()


def waiting(channel: Channel) -> set[int]:
    """Keys of the cancelled orders that the shop is still to be told of: what it has refused is not among them."""
    events = OutboxEvent.objects.filter(handler=f"{HANDLER}:{channel.pk}", dead_at=None)
    return {key for rows in events.values_list("payload__rows", flat=True) for key in rows}


def shown(channel: Channel) -> QuerySet[UntoldCancellation]:
    """All of the channel's that nobody has given up."""
    return UntoldCancellation.objects.current().filter(channel_order__channel=channel, given_up_at=None)


def of(channel: Channel) -> QuerySet[UntoldCancellation]:
    """The last ones, with the shop's orders and ours, for people."""
    return shown(channel).select_related("channel_order").prefetch_related("channel_order__parts__order").order_by("-pk")[:SHOWN]


def counted(channel_ids: Collection[int]) -> Counter[int]:
    """How many there are, by the channels' keys."""
    rows = UntoldCancellation.objects.current().filter(channel_order__channel__in=channel_ids, given_up_at=None)
    counts = rows.values_list("channel_order__channel").annotate(count=Count("pk"))
    return Counter(dict(counts.values_list("channel_order__channel", "count")))


@transaction.atomic(durable=True)
def tell_again(*, channel: Channel, key: int) -> None:
    """A person's word: now. `key`: of the shop's order. Raises NotFound."""
    if not shown(channel).filter(channel_order=key).exists():
        raise NotFound(what=str(UntoldCancellation._meta.verbose_name), key=key)
    outbox.hurry(["order.withdrawn"], lane=channel.pk)
    if not OutboxEvent.objects.filter(handler=f"{HANDLER}:{channel.pk}", dead_at=None, payload__rows__contains=key).exists():
        outbox.emit("order.withdrawn", lane=channel.pk, channel_id=channel.pk, rows=[key])


@transaction.atomic(durable=True)
def give_up(*, channel: Channel, key: int, by: User) -> None:
    """A person's word: the shop need not hear of it. `key`: of the shop's order. Raises NotFound."""
    found = UntoldCancellation.objects.filter(channel_order__channel=channel, channel_order=key, given_up_at=None)
    if not found.update(given_up_at=timezone.now(), given_up_by=by):
        raise NotFound(what=str(UntoldCancellation._meta.verbose_name), key=key)
    log.warning("channel %s: its shop is not told any more that its order with key %s is cancelled here: %s", channel.pk, key, by)
    # What waits for its time finds nothing to tell, and a channel that is being disconnected waits for it no longer.
    outbox.hurry(["order.withdrawn"], lane=channel.pk)
