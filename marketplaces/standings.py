"""How each channel stands with its platform, by our own books: how many orders were late, and how many more may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from marketplaces import adapters
from marketplaces.models import Channel, SellerRule
from marketplaces.rules import Measure
from outbound.clock import Headroom

# An order is late that was handed over, or of which the shop was told, after its ship-by, or not yet: a number that it refused it does not have, but
# where it has the order as shipped. One that the warehouse could not even
# take in is late too, and of several parts the last one counts. What the shop has closed without us is none of our lateness. A cancelled
# order counts only as cancelled.
_COUNT = """
UPDATE marketplaces_sellerrule r SET counted = n.counted, bad = n.bad, counted_at = %(now)s,
    room = greatest(ceil(n.counted * r.limit_percent / 100) - 1, r.at_least - 1) - n.bad
FROM marketplaces_sellerrule k CROSS JOIN LATERAL (
    SELECT count(*) AS counted, count(*) FILTER (WHERE x.bad) AS bad FROM (
        SELECT CASE WHEN NOT coalesce(o.left, FALSE) THEN c.shop_state = 'open' AND c.ship_by < %(now)s
                    ELSE o.shipped_at > c.ship_by OR EXISTS (
                        SELECT FROM marketplaces_channelorderpart i JOIN outbound_parcel p ON p.order_id = i.order_id AND p.status = 'shipped'
                        LEFT JOIN marketplaces_toldparcel t ON t.parcel_id = p.id
                        WHERE i.channel_order_id = c.id
                          AND coalesce(CASE WHEN t.error = '' OR c.shop_state = 'shipped' THEN t.told_at END, %(now)s) > c.ship_by
                    ) END AS bad
        FROM marketplaces_channelorder c CROSS JOIN LATERAL (
            SELECT bool_and(o.shipped_at IS NOT NULL) AS left, max(o.shipped_at) AS shipped_at
            FROM marketplaces_channelorderpart i LEFT JOIN outbound_order o ON o.id = i.order_id AND NOT i.merchants_own
            WHERE i.channel_order_id = c.id
        ) o
        WHERE k.measure = 'late' AND c.channel_id = k.channel_id AND c.shop_state IN ('open', 'shipped') AND c.status NOT IN ('left', 'nothing')
          AND c.ship_by > %(now)s - make_interval(days => k.days) AND c.ship_by <= %(now)s
        UNION ALL
        SELECT EXISTS (
            SELECT FROM marketplaces_channelorderpart i JOIN outbound_order o ON o.id = i.order_id
            WHERE i.channel_order_id = c.id AND NOT i.merchants_own AND o.status = 'cancelled' AND (c.shop_state = 'open' OR o.updated_at < c.shop_updated_at)
        )
        FROM marketplaces_channelorder c
        WHERE k.measure = 'cancelled' AND c.channel_id = k.channel_id AND c.shop_state <> 'pending'
          AND c.placed_at > %(now)s - make_interval(days => k.days) AND c.placed_at <= %(now)s
        UNION ALL
        SELECT t.id IS NULL OR t.error <> ''
        FROM marketplaces_channelorder c JOIN marketplaces_channelorderpart i ON i.channel_order_id = c.id AND NOT i.merchants_own
        JOIN outbound_parcel p ON p.order_id = i.order_id AND p.status = 'shipped'
        LEFT JOIN marketplaces_toldparcel t ON t.parcel_id = p.id
        WHERE k.measure = 'untracked' AND c.channel_id = k.channel_id
          AND c.ship_by > %(now)s - make_interval(days => k.days) AND c.ship_by <= %(now)s
    ) x
) n
WHERE r.id = k.id AND (%(channel)s::bigint IS NULL OR r.channel_id = %(channel)s)
  AND EXISTS (SELECT FROM marketplaces_channel c WHERE c.id = r.channel_id AND c.disconnected_at IS NULL)
"""
# The orders' channels first, however few rules there are: begun at the few rules, a page of 200 of 12,000 orders may read all of its channel's.
_OF_ORDERS = """
WITH asked AS MATERIALIZED (
    SELECT p.order_id, o.channel_id FROM marketplaces_channelorderpart p JOIN marketplaces_channelorder o ON o.id = p.channel_order_id
    WHERE p.order_id = ANY(%s) AND NOT p.merchants_own
)
SELECT a.order_id, c.name, min(r.room) FROM asked a JOIN marketplaces_channel c ON c.id = a.channel_id
JOIN marketplaces_sellerrule r ON r.channel_id = a.channel_id AND r.measure = 'late' AND r.room IS NOT NULL
GROUP BY a.order_id, c.id
"""


def set_rules(channel: Channel) -> None:
    """A step: the channel begins with what its platform demands of all sellers."""
    SellerRule.objects.bulk_create(
        SellerRule(channel=channel, measure=rule.measure, days=rule.days, limit_percent=rule.limit_percent, at_least=rule.at_least)
        for rule in adapters.rules(channel.adapter)
    )


def count(*, now: datetime | None = None, channel_id: int | None = None) -> int:
    """Hold the books of all connected channels, or of one, against their rules as of `now`: one statement; answers how many rules.

    The platform goes on counting while a channel is paused. A rule's window is (now - days, now]: what is due later can still be in time. `room`
    assumes that no more orders come in.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"now": now or timezone.now(), "channel": channel_id})
        return int(cursor.rowcount)


def of_orders(order_ids: Sequence[int]) -> dict[int, Headroom]:
    """settings.ORDER_HEADROOM: by order id, for orders of channels whose platform counts late ones; the narrowest rule, as last counted."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ORDERS, [list(order_ids)])
        return {order_id: Headroom(shop, room) for order_id, shop, room in cursor.fetchall()}


def narrowest_first() -> QuerySet[SellerRule]:
    """All rules of connected channels, with their channels: the least room first."""
    return (
        SellerRule.objects.filter(channel__disconnected_at=None)
        .select_related("channel__merchant")
        .order_by("room", "channel_id", "days", "pk")
    )


def late_rules() -> QuerySet[SellerRule]:
    return narrowest_first().filter(measure=Measure.LATE)
