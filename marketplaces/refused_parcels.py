"""Parcels whose tracking number the shop refused: told again for some days, less and less often, and shown to people until it has them.

A plug-in, a carrier that the shop did not know, an order on hold: much of what a shop refuses it takes later. Of an order that is cancelled or gone
there no parcel is told again, unless somebody wants it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from marketplaces.models import Channel, ChannelOrder, ToldParcel
from marketplaces.port import ChannelRefused
from marketplaces.troubles import kept
from outbound.models import Parcel
from wms.core import outbox
from wms.core.errors import NotFound

# After 1, 2, 4, 8, 16 hours and then each day: for about a week.
FIRST_WAIT, LONGEST_WAIT, TRIES = timedelta(hours=1), timedelta(days=1), 10
# What is on hold there is wanted as soon as it goes on, and nobody knows when that is.
HELD_WAIT, HELD_DAYS = timedelta(minutes=30), 60
TOLD_TOGETHER, SHOWN = 100, 100

# One event for each channel; a shop in trouble has still the last one before it.
_DUE = """
SELECT DISTINCT o.channel_id FROM marketplaces_toldparcel t
JOIN marketplaces_channelorder o ON o.id = t.channel_order_id JOIN marketplaces_channel c ON c.id = o.channel_id AND c.active
WHERE t.error <> '' AND t.again_at <= now() AND NOT EXISTS (
    SELECT FROM core_outboxevent e WHERE e.handler = 'marketplaces.tracking.tell:' || o.channel_id AND e.payload ? 'again' AND e.dead_at IS NULL
)
"""


def note(parcel: Parcel, order: ChannelOrder, refusal: ChannelRefused) -> None:
    """Keep why, and when the parcel is told again. What another worker could tell meanwhile stays told.

    What is on hold there uses up no tries: another refusal may follow when it goes on.
    """
    error = kept(refusal)
    row, _new = ToldParcel.objects.get_or_create(parcel=parcel, defaults={"channel_order": order, "error": error})
    tries = row.tries + (not refusal.held)
    again_at = _again_at(refusal, tries, parcel.shipped_at)
    ToldParcel.objects.filter(pk=row.pk).exclude(error="").update(error=error, tries=tries, again_at=again_at)


def _again_at(refusal: ChannelRefused, tries: int, shipped_at: datetime | None) -> datetime | None:
    now = timezone.now()
    if refusal.over:
        return None
    if refusal.held:
        return now + HELD_WAIT if now - (shipped_at or now) < timedelta(days=HELD_DAYS) else None
    return now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1)) if tries < TRIES else None


def due(channel: Channel) -> list[int]:
    """The keys of the parcels that are to be told again now, the longest due first, no more than one event brings."""
    rows = ToldParcel.objects.filter(channel_order__channel=channel, again_at__lte=Now()).exclude(error="")
    return list(rows.order_by("again_at", "pk").values_list("parcel_id", flat=True)[:TOLD_TOGETHER])


def tell_due() -> int:
    """Have told again what is due; answers for how many channels."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DUE)
        channel_ids = [key for (key,) in cursor.fetchall()]
        outbox.emit_all([("parcel.left", {"lane": key, "channel_id": key, "again": True}) for key in channel_ids])
    return len(channel_ids)


def hurry(channel: Channel) -> None:
    """A step: what would be told again some time is told again now."""
    if ToldParcel.objects.filter(channel_order__channel=channel, again_at__isnull=False).exclude(error="").update(again_at=Now()):
        outbox.emit("parcel.left", lane=channel.pk, channel_id=channel.pk, again=True)


def of(channel: Channel) -> QuerySet[ToldParcel]:
    """The last ones that the shop refused, with their parcels and both orders, for people."""
    rows = ToldParcel.objects.filter(channel_order__channel=channel).exclude(error="")
    return rows.select_related("parcel__order", "channel_order").order_by("-pk")[:SHOWN]


@transaction.atomic(durable=True)
def tell_again(*, channel: Channel, parcel_id: int) -> None:
    """A person's word: as if the shop had never been told of the parcel. Raises NotFound where it refused none of this key."""
    gone, _by_model = ToldParcel.objects.filter(channel_order__channel=channel, parcel=parcel_id).exclude(error="").delete()
    if not gone:
        raise NotFound(what=str(Parcel._meta.verbose_name), key=parcel_id)
    outbox.emit("parcel.left", lane=channel.pk, channel_id=channel.pk, parcel_ids=[parcel_id])
