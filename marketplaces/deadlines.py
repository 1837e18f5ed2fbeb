"""Which deadlines of the platforms are near, channel by channel: what is late, what is due, and which parcels the shop has not heard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from marketplaces.models import ChannelOrderPart
from outbound import clock

# How long after its ship-by an untold parcel is still shown here, and after it left one that the shop refuses; both are tried on.
BACK_DAYS = 3
REFUSED_DAYS = 14


@dataclass(frozen=True, slots=True)
class Due:
    """Open orders of a channel in one warehouse: how many are late, how many are due by the moment that was asked for, and the next ship-by."""

    late: int
    soon: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Untold:
    """Orders of a channel with shipped parcels that its shop has not taken the tracking number of (`refused`: it said no), and the first ship-by
    of them; None where none has one.
    """

    channel_id: int
    channel: str
    merchant: str
    orders: int
    refused: int
    ship_by: datetime | None


# The condition of the partial index order_open_by_ship_by, word for word.
_DUE = """
SELECT c.channel_id, count(*) FILTER (WHERE o.ship_by < %(now)s), count(*) FILTER (WHERE o.ship_by >= %(now)s AND o.ship_by < %(until)s),
       min(o.ship_by) FILTER (WHERE o.ship_by >= %(now)s)
FROM outbound_order o JOIN marketplaces_channelorderpart p ON p.order_id = o.id AND NOT p.merchants_own
JOIN marketplaces_channelorder c ON c.id = p.channel_order_id
WHERE o.warehouse_id = %(warehouse)s AND NOT (o.status IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled'))
GROUP BY c.channel_id
"""
# Along channel_order_by_ship_by, as much as falls due within these days, and along told_parcel_refused: however long the history.
_UNTOLD = """
WITH untold AS (
    SELECT c.channel_id, c.id, c.ship_by, FALSE AS refused
    FROM marketplaces_channel k
    JOIN marketplaces_channelorder c ON c.channel_id = k.id AND c.ship_by > %(after)s AND c.ship_by <= %(until)s AND c.shop_state = 'open'
    JOIN marketplaces_channelorderpart i ON i.channel_order_id = c.id AND NOT i.merchants_own
    JOIN outbound_parcel p ON p.order_id = i.order_id AND p.status = 'shipped' AND p.warehouse_id = %(warehouse)s
    WHERE NOT EXISTS (SELECT FROM marketplaces_toldparcel t WHERE t.parcel_id = p.id)
    UNION ALL
    SELECT c.channel_id, c.id, c.ship_by, TRUE
    FROM marketplaces_toldparcel t
    JOIN marketplaces_channelorder c ON c.id = t.channel_order_id AND c.shop_state = 'open'
    JOIN outbound_parcel p ON p.id = t.parcel_id AND p.status = 'shipped' AND p.warehouse_id = %(warehouse)s AND p.shipped_at > %(left_after)s
    WHERE t.error <> ''
)
SELECT k.id, k.name, m.code, count(DISTINCT u.id), count(DISTINCT u.id) FILTER (WHERE u.refused), min(u.ship_by)
FROM untold u JOIN marketplaces_channel k ON k.id = u.channel_id AND k.disconnected_at IS NULL JOIN core_merchant m ON m.id = k.merchant_id
GROUP BY k.id, m.code ORDER BY min(u.ship_by), k.id
"""


def due(*, warehouse_id: int, now: datetime, until: datetime) -> dict[int, Due]:
    """By channel id, for channels with open orders in the warehouse; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"warehouse": warehouse_id, "now": now, "until": until})
        return {key: Due(late, soon, next_at) for key, late, soon, next_at in cursor.fetchall()}


def follow(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `ship_by.moved` {rows: keys of ChannelOrder}: orders of ours follow the platform's word of this moment."""
    keys = {key for payload in payloads for key in payload["rows"]}
    tied = ChannelOrderPart.objects.filter(channel_order__in=keys, order__isnull=False, merchants_own=False)
    with transaction.atomic():
        # The word is read when the orders are held: whoever read it before might overwrite, late, what another worker has heard since.
        clock.hold(order_id for order_id in tied.values_list("order_id", flat=True) if order_id)
        words = tied.values_list("order_id", "channel_order__ship_by")
        clock.move({order_id: ship_by for order_id, ship_by in words if order_id and ship_by})


def untold(*, warehouse_id: int, now: datetime, until: datetime) -> list[Untold]:
    """What left the house and has to be told by `until`, or was refused by its shop, the nearest ship-by first; one statement."""
    after, left_after = now - timedelta(days=BACK_DAYS), now - timedelta(days=REFUSED_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_UNTOLD, {"warehouse": warehouse_id, "after": after, "left_after": left_after, "until": until})
        return [Untold(*row) for row in cursor.fetchall()]
