"""What shops say by themselves is kept as it came, sealed, once: for whoever asks later what was said."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from django.db import connection

from marketplaces.calling import open_shop
from marketplaces.models import Channel, WebhookDelivery
from marketplaces.port import ChannelEvent, MessageUnreadable
from wms.core import sealing

log = logging.getLogger(__name__)

_ONCE = """
INSERT INTO marketplaces_webhookdelivery (channel_id, delivery_id, topic) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
_KEEP = """
WITH kept AS (INSERT INTO core_personalrecord (merchant_id, kind, sealed) VALUES (%s, 'webhook', %s) RETURNING id)
UPDATE marketplaces_webhookdelivery SET raw_id = kept.id FROM kept WHERE marketplaces_webhookdelivery.id = %s
"""


def keep(channel: Channel, *, delivery_id: str, topic: str, headers: Mapping[str, str], body: str) -> int | None:
    """A step: the key of the delivery, or None where it came before."""
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, [channel.pk, delivery_id[:100], topic[:60]])
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.execute(_KEEP, [channel.merchant_id, sealing.seal({"headers": dict(headers), "body": body}), row[0]])
        return int(row[0])


def events(channel: Channel, keys: Collection[int]) -> list[tuple[WebhookDelivery, ChannelEvent | None]]:
    """What these deliveries said, in the order in which they came: None of one whose content is erased by now, or cannot be read any more."""
    shop = open_shop(channel)
    found: list[tuple[WebhookDelivery, ChannelEvent | None]] = []
    for delivery in WebhookDelivery.objects.filter(pk__in=keys).select_related("raw").order_by("pk"):
        raw = delivery.raw.opened() if delivery.raw else {}
        try:
            event = shop.reread(headers=raw["headers"], body=raw["body"].encode()) if raw else None
        except MessageUnreadable as error:  # it was read when it came
            log.warning("channel %s: a message that was kept cannot be read any more: %s", channel.pk, error)
            event = None
        found.append((delivery, event))
    return found
