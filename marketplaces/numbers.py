"""What a channel may sell now: what its warehouses can promise of each listing, less what the shop sold and we have not, by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import OuterRef

from marketplaces.models import Channel, ChannelWarehouse
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
    as_of: int  # when this was read, in microseconds of the database's clock
    location: str = ""  # at which of the shop's places, where it has several
    failed: bool = False  # the place did not take the last number

    @property
    def moved(self) -> bool:
        """The place was told another number, and nobody sees to it yet."""
        return self.quantity != self.pushed_quantity and not self.failed

    def level(self, expected: int | None) -> StockLevel:
        revision = self.pushed_at.isoformat() if self.pushed_at else "first"
        # Of several numbers whose answers were lost the last one is no repetition of the first, even where it is the same.
        revision = f"{revision} {self.as_of}" if self.unsure else revision
        return StockLevel(self.external_id, self.quantity, self.location, expected, revision, self.as_of)


# Fills Channel.house_ids along with the channel.
_OPEN_ONES = ChannelWarehouse.objects.filter(channel=OuterRef("pk"), warehouse__active=True).order_by("rank", "pk")
HOUSE_IDS = {"house_ids": ArraySubquery(_OPEN_ONES.values("warehouse"))}

# Sold in a shop and not yet promised here: those units must not be offered a second time. So are those of orders that wait for their payment,
# but in the shop that keeps them back by itself: there they are not taken off twice.
_SOLD = """
FROM marketplaces_channelorder o JOIN marketplaces_channel c ON c.id = o.channel_id
CROSS JOIN jsonb_array_elements(o.lines) AS line CROSS JOIN jsonb_array_elements(line -> 'components') AS part
{of}
WHERE o.merchant_id = %(merchant)s AND o.status IN ('seen', 'unmapped', 'refused')
  AND (o.shop_state = 'open' OR (o.held_until IS NOT NULL AND NOT (c.holds_pending AND c.id = %(channel)s)))
"""
_UNITS = "(part ->> 'sku_id')::bigint AS sku_id, sum((line ->> 'quantity')::bigint * (part ->> 'units')::bigint) AS quantity"
WAITING = f"""
SELECT {_UNITS} {_SOLD.format(of="")} AND o.channel_id IN (SELECT p.channel_id FROM marketplaces_channelwarehouse p WHERE p.warehouse_id = ANY(%(warehouses)s))
GROUP BY 1
"""
# In each warehouse: where the shop names one of its channel's places, that one owes them; else all that the channel sells out of, as nobody
# knows yet which it will be.
WAITING_THERE = f"""
SELECT p.warehouse_id, {_UNITS} {_SOLD.format(of="JOIN marketplaces_channelwarehouse p ON p.channel_id = o.channel_id")}
  AND p.warehouse_id = ANY(%(warehouses)s) AND (p.location = line ->> 'location' OR NOT EXISTS (
    SELECT FROM marketplaces_channelwarehouse q WHERE q.channel_id = o.channel_id AND q.location <> '' AND q.location = line ->> 'location'
)) GROUP BY 1, 2
"""
# Of one sku, in its units.
_OFFERED = """
greatest(0, coalesce(a.free, 0) - coalesce(w.quantity, 0) - coalesce(l.buffer, c.buffer, m.buffer, 0))
    * coalesce(l.share_percent, c.share_percent, m.share_percent, 100) / 100
"""
_RULES = """
FROM marketplaces_listing l
JOIN marketplaces_channel c ON c.id = l.channel_id
LEFT JOIN marketplaces_merchantoffers m ON m.merchant_id = l.merchant_id
"""
_OF_CHANNEL = "l.channel_id = %(channel)s AND (%(listings)s::bigint[] IS NULL OR l.id = ANY(%(listings)s::bigint[]))"
# Not the worker's clock: there may be many workers, on several machines.
_AS_OF = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"
_TOLD = f"l.pushed_quantity, l.pushed_at, starts_with(l.last_error, 'unavailable'), {_AS_OF}"
# A listing that is tied to nothing any more has nothing to sell: it is told 0 once, and from then on left to whoever sells it now.
_UNTIED = "l.sku_id IS NULL AND l.bundle_id IS NULL"
_SHOWS_MORE = (
    "({of}.pushed_quantity > 0 AND NOT starts_with({of}.last_error, 'unknown_listing') OR starts_with({of}.last_error, 'unavailable'))"
)
# What is closed is sold by nobody, as no order of it is taken in, however much there still is.
# Out of one warehouse: what it has, below zero where it owes more.
_OF_ONE = """
LEFT JOIN inventory_sku g ON g.id = {of}.sku_id AND g.active
LEFT JOIN inventory_availability b ON b.sku_id = g.id AND b.warehouse_id = (%(warehouses)s::bigint[])[1]
CROSS JOIN LATERAL (SELECT b.on_hand - b.committed - b.backordered AS free) a
"""
# Out of several: what all have together, or where no order is split what one has most of.
_OF_SEVERAL = """
CROSS JOIN LATERAL (
    SELECT {how}(greatest(0, b.on_hand - b.committed - b.backordered)) AS free FROM inventory_sku g
    JOIN inventory_availability b ON b.sku_id = g.id WHERE g.id = {of}.sku_id AND g.active AND b.warehouse_id = ANY(%(warehouses)s)
) a
"""
# A bundle leaves one warehouse as a whole: of several, no more than can be put together in each.
_WHOLE = """
least(offered.quantity, (
    SELECT {how}(there.quantity) FROM (
        SELECT min(greatest(0, coalesce(b.on_hand - b.committed - b.backordered, 0)) / k.quantity) AS quantity
        FROM unnest(%(warehouses)s::bigint[]) AS h (id) CROSS JOIN marketplaces_bundlecomponent k
        LEFT JOIN inventory_availability b ON b.warehouse_id = h.id AND b.sku_id = k.sku_id
        WHERE k.bundle_id = l.bundle_id GROUP BY h.id
    ) there
))
"""


def _statement(stock: str, bundles: str, how: str = "") -> str:
    """Bundles are few, and apart: they cost the others nothing."""
    return f"""
WITH waiting AS ({WAITING})
SELECT l.id, l.external_id, least(coalesce(l.cap, c.cap, m.cap), {_OFFERED}), {_TOLD}
{_RULES}
{stock.format(of="l", how=how)}
LEFT JOIN waiting w ON w.sku_id = l.sku_id
WHERE (l.sku_id IS NOT NULL OR {_UNTIED} AND {_SHOWS_MORE.format(of="l")}) AND {_OF_CHANNEL}
UNION ALL
SELECT l.id, l.external_id, least(coalesce(l.cap, c.cap, m.cap), {bundles.format(how=how)}), {_TOLD}
{_RULES}
CROSS JOIN LATERAL (
    SELECT coalesce(min({_OFFERED} / k.quantity), 0) AS quantity
    FROM marketplaces_bundlecomponent k
    {stock.format(of="k", how=how)}
    LEFT JOIN waiting w ON w.sku_id = k.sku_id
    WHERE k.bundle_id = l.bundle_id
) offered
WHERE l.bundle_id IS NOT NULL AND {_OF_CHANNEL}
ORDER BY 1
"""


_NUMBERS_OF_ONE = _statement(_OF_ONE, "offered.quantity")
_NUMBERS_OF_SEVERAL = {
    Channel.Routing.SPLIT: _statement(_OF_SEVERAL, _WHOLE, "sum"),
    Channel.Routing.FALLBACK: _statement(_OF_SEVERAL, _WHOLE, "max"),
}


_GOODS_THERE = """
LEFT JOIN inventory_sku g ON g.id = {of}.sku_id AND g.active AND p.warehouse_id = ANY(%(warehouses)s)
LEFT JOIN inventory_availability b ON b.sku_id = g.id AND b.warehouse_id = p.warehouse_id
CROSS JOIN LATERAL (SELECT b.on_hand - b.committed - b.backordered AS free) a
LEFT JOIN waiting w ON w.sku_id = {of}.sku_id AND w.warehouse_id = p.warehouse_id
"""
# At each of the shop's places what its own warehouse has. The buffer is kept back and the share taken in each, the cap is of all together: the
# first places offer first, the others what it leaves. A place that is no warehouse's any more is told 0 where it was ever told something; so are
# all places of an untied listing while one of them shows more.
_NUMBERS_THERE = f"""
WITH waiting AS ({WAITING_THERE}), there AS (
    SELECT l.id, p.location, p.rank, coalesce(l.cap, c.cap, m.cap) AS cap, floor({_OFFERED}) AS quantity
    {_RULES}
    JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id
    {_GOODS_THERE.format(of="l")}
    WHERE l.sku_id IS NOT NULL AND {_OF_CHANNEL}
    UNION ALL
    SELECT l.id, p.location, p.rank, coalesce(l.cap, c.cap, m.cap), floor(offered.quantity)
    {_RULES}
    JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id
    CROSS JOIN LATERAL (
        SELECT coalesce(min({_OFFERED} / k.quantity), 0) AS quantity
        FROM marketplaces_bundlecomponent k
        {_GOODS_THERE.format(of="k")}
        WHERE k.bundle_id = l.bundle_id
    ) offered
    WHERE l.bundle_id IS NOT NULL AND {_OF_CHANNEL}
), capped AS (
    SELECT id, location, rank, greatest(0, least(quantity, cap - coalesce(sum(quantity) OVER before, 0))) AS quantity
    FROM there WINDOW before AS (PARTITION BY id ORDER BY rank, location ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    UNION ALL
    SELECT l.id, s.location, NULL, 0 FROM marketplaces_listing l JOIN marketplaces_listingplace s ON s.listing_id = l.id
    WHERE {_OF_CHANNEL} AND (NOT EXISTS (
        SELECT FROM marketplaces_channelwarehouse p WHERE p.channel_id = l.channel_id AND p.location = s.location
    ) OR {_UNTIED} AND EXISTS (SELECT FROM marketplaces_listingplace o WHERE o.listing_id = l.id AND {_SHOWS_MORE.format(of="o")}))
)
SELECT l.id, l.external_id, n.quantity, s.pushed_quantity, s.pushed_at, coalesce(starts_with(s.last_error, 'unavailable'), FALSE),
       {_AS_OF}, n.location, coalesce(s.last_error, '') <> ''
FROM capped n JOIN marketplaces_listing l ON l.id = n.id
LEFT JOIN marketplaces_listingplace s ON s.listing_id = n.id AND s.location = n.location
ORDER BY l.id, n.rank NULLS LAST, n.location
"""


_LEFT = f"""
SELECT l.id, l.external_id, 0, s.pushed_quantity, s.pushed_at, FALSE, {_AS_OF}, s.location, s.last_error <> ''
FROM marketplaces_listingplace s JOIN marketplaces_listing l ON l.id = s.listing_id
WHERE l.channel_id = %s ORDER BY s.last_error <> '', s.id LIMIT %s
"""


def left(channel: Channel, most: int) -> list[Told]:
    """What a channel that is one place left at another (marketplaces.leaving): 0 there. What was told in vain comes last."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [channel.pk, most])
        return [Told(*row) for row in cursor.fetchall()]


def of_channel(channel: Channel) -> dict[str, Any]:
    """What WAITING is told."""
    return {"channel": channel.pk, "merchant": channel.merchant_id, "warehouses": channel.house_ids}


def numbers(channel: Channel, listing_ids: Sequence[int] | None = None) -> list[Told]:
    """What the channel may sell now of these listings, or of all that are tied to a sku or a bundle, by the rules of marketplaces.models.OfferRule;
    where it is located, of each at each place. An untied one is among them, with 0, until its shop has taken that.

    A bundle can be sold as often as its scarcest component suffices. What is told of its components alone is not made less by that: whichever
    is sold first takes the goods, and the others are told so within seconds, as with two shops that sell the same sku.
    """
    with connection.cursor() as cursor:
        if channel.located:
            statement = _NUMBERS_THERE
        else:
            statement = _NUMBERS_OF_ONE if len(channel.house_ids) == 1 else _NUMBERS_OF_SEVERAL[Channel.Routing(channel.routing)]
        keys = None if listing_ids is None else array_literal(list(listing_ids))
        cursor.execute(statement, {**of_channel(channel), "listings": keys})
        rows = cursor.fetchall()
    return [Told(key, external_id, 0 if channel.sells_nothing else int(quantity), *pushed) for key, external_id, quantity, *pushed in rows]
