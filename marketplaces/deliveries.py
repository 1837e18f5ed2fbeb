"""What shops say by themselves is kept as it came, sealed, once: for whoever asks later what was said."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection

from marketplaces.models import Channel
from wms.core import sealing

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
