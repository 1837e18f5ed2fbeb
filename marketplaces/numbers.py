"""What a channel may sell now: what its warehouse can promise of each listing, less what the shop sold and we have not, by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from marketplaces.models import Channel
from marketplaces.port import StockLevel
from wms.core.prepared import array_literal


class Told(NamedTuple):
    """What a channel may sell of one listing now."""

    listing_id: int
    external_id: str
    quantity: int
    pushed_quantity: int | None
    pushed_at: datetime | None
    unsure: bool  # the last push got no answer: the shop may have done it

    def level(self, expected: int | None) -> StockLevel:
        revision = self.pushed_at.isoformat() if self.pushed_at else "first"
        return StockLevel(self.external_id, self.quantity, expected=expected, revision=revision)


# Sold in a shop and not yet promised here: those units must not be offered a second time.
WAITING = """
SELECT (part ->> 'sku_id')::bigint AS sku_id, sum((line ->> 'quantity')::bigint * (part ->> 'units')::bigint) AS quantity
FROM marketplaces_channelorder o
JOIN marketplaces_channel c ON c.id = o.channel_id AND c.warehouse_id = %(warehouse)s
CROSS JOIN jsonb_array_elements(o.lines) AS line CROSS JOIN jsonb_array_elements(line -> 'components') AS part
WHERE o.merchant_id = %(merchant)s AND o.order_id IS NULL AND o.shop_state = 'open'
GROUP BY 1
"""
# Of one sku, in its units.
_OFFERED = """
greatest(0, coalesce(a.on_hand - a.committed - a.backordered, 0) - coalesce(w.quantity, 0) - coalesce(l.buffer, c.buffer, m.buffer, 0))
    * coalesce(l.share_percent, c.share_percent, m.share_percent, 100) / 100
"""
_RULES = """
FROM marketplaces_listing l
JOIN marketplaces_channel c ON c.id = l.channel_id
LEFT JOIN marketplaces_merchantoffers m ON m.merchant_id = l.merchant_id
"""
_OF_CHANNEL = "l.channel_id = %(channel)s AND (%(listings)s::bigint[] IS NULL OR l.id = ANY(%(listings)s::bigint[]))"
_TOLD = "l.pushed_quantity, l.pushed_at, starts_with(l.last_error, 'unavailable')"
# Bundles are few, and apart: they cost the others nothing.
_NUMBERS = f"""
WITH waiting AS ({WAITING})
SELECT l.id, l.external_id, least(coalesce(l.cap, c.cap, m.cap), {_OFFERED}), {_TOLD}
{_RULES}
LEFT JOIN inventory_availability a ON a.sku_id = l.sku_id AND a.warehouse_id = %(warehouse)s
LEFT JOIN waiting w ON w.sku_id = l.sku_id
WHERE l.sku_id IS NOT NULL AND {_OF_CHANNEL}
UNION ALL
SELECT l.id, l.external_id, least(coalesce(l.cap, c.cap, m.cap), offered.quantity), {_TOLD}
{_RULES}
CROSS JOIN LATERAL (
    SELECT coalesce(min({_OFFERED} / k.quantity), 0) AS quantity
    FROM marketplaces_bundlecomponent k
    LEFT JOIN inventory_availability a ON a.sku_id = k.sku_id AND a.warehouse_id = %(warehouse)s
    LEFT JOIN waiting w ON w.sku_id = k.sku_id
    WHERE k.bundle_id = l.bundle_id
) offered
WHERE l.bundle_id IS NOT NULL AND {_OF_CHANNEL}
ORDER BY 1
"""


def numbers(channel: Channel, listing_ids: Sequence[int] | None = None) -> list[Told]:
    """What the channel may sell now of these listings, or of all that are tied to a sku or a bundle, by the rules of marketplaces.models.OfferRule.

    A bundle can be sold as often as its scarcest component suffices. What is told of its components alone is not made less by that: whichever
    is sold first takes the goods, and the others are told so within seconds, as with two shops that sell the same sku.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _NUMBERS,
            {
                "channel": channel.pk,
                "merchant": channel.merchant_id,
                "warehouse": channel.warehouse_id,
                "listings": None if listing_ids is None else array_literal(list(listing_ids)),
            },
        )
        rows = cursor.fetchall()
    return [Told(key, external_id, 0 if channel.sells_nothing else int(quantity), *pushed) for key, external_id, quantity, *pushed in rows]
