"""What could be sold of an order's skus around the moment at which a shop sold it, and which events changed that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from marketplaces.models import Channel
from outbound.models import Order

AROUND = timedelta(hours=6)
# Orders that are taken in together are about a hundred; numbers that others drew meanwhile lie between theirs.
MOST_APART = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """What one event, or one order of several that came in together, changed of what a warehouse has of the sku: what could be sold `before` and
    `after` it of all that are offered together, and what was `left` in that warehouse, below zero where it owes more.
    """

    at: datetime
    by: int
    because: str
    house_id: int
    before: int
    after: int
    left: int


@dataclass(frozen=True, slots=True)
class Sale:
    """The order as its shop knows it: when it was placed there, and when we heard of it. `house_id`: the warehouse that it went to."""

    reference: str
    house_id: int
    channel: Channel | None
    placed_at: datetime
    heard_at: datetime


# Kept changes, and those that nobody has heard of yet; one that was kept twice is one. The rows without a moment say what was there at first.
# Orders that came in together are one change under the name of one of them: who took what is asked of the orders, whose lines never change, when
# somebody wants to know, and costs those who take orders in nothing. They were created at one moment and numbered in turn (outbound.order_rows),
# those that were refused last. Where their units are not those of the change it stays whole.
_CHANGES = """
WITH unique_change AS MATERIALIZED (
    SELECT sku_id, warehouse_id, at, by, because FROM marketplaces_stockchange
    WHERE sku_id = ANY(%(skus)s) AND warehouse_id = ANY(%(warehouses)s) AND at >= %(from)s
    UNION
    SELECT c.sku_id::bigint, (e.payload ->> 'warehouse_id')::bigint, to_timestamp((e.payload ->> 'at')::float8), c.by::bigint, left(c.because, 120)
    FROM core_outboxevent e CROSS JOIN ROWS FROM (
        jsonb_array_elements_text(e.payload -> 'sku_ids'), jsonb_array_elements_text(e.payload -> 'by'), jsonb_array_elements_text(e.payload -> 'because')
    ) AS c (sku_id, by, because)
    WHERE e.handler = 'marketplaces.stock_sync.push_changed' AND e.payload ? 'by' AND (e.payload ->> 'warehouse_id')::bigint = ANY(%(warehouses)s)
      AND c.sku_id::bigint = ANY(%(skus)s) AND c.by <> '0'
), change AS MATERIALIZED (
    SELECT c.sku_id, c.warehouse_id, c.at, coalesce(-t.units, c.by)::bigint AS by, coalesce('order ' || t.reference, c.because) AS because,
           coalesce(t.id, n.id, 0) AS turn
    FROM unique_change c
    LEFT JOIN outbound_order n ON starts_with(c.because, 'order ') AND n.merchant_id = %(merchant)s AND n.reference = substr(c.because, 7)
    LEFT JOIN LATERAL (
        SELECT o.id, o.reference, sum(l.quantity) AS units, sum(sum(l.quantity)) OVER () AS together
        FROM outbound_order o JOIN outbound_orderline l ON l.order_id = o.id AND l.sku_id = c.sku_id
        WHERE o.id BETWEEN n.id - %(apart)s AND n.id + %(apart)s AND o.merchant_id = n.merchant_id AND o.warehouse_id = c.warehouse_id
          AND o.created_at = n.created_at
        GROUP BY o.id
    ) t ON t.together = -c.by
), walked AS (
    SELECT c.*, sum(by) OVER (PARTITION BY sku_id, warehouse_id ORDER BY at DESC, turn DESC, by, because ROWS UNBOUNDED PRECEDING) - by AS later
    FROM change c
), there AS (
    SELECT sku_id, warehouse_id, on_hand - committed - backordered AS free FROM inventory_availability
    WHERE sku_id = ANY(%(skus)s) AND warehouse_id = ANY(%(warehouses)s)
)
SELECT t.sku_id, t.warehouse_id, NULL::timestamptz AS at, 0 AS turn, 0 AS by, '' AS because, t.free - coalesce(sum(c.by), 0)
FROM there t LEFT JOIN change c USING (sku_id, warehouse_id) GROUP BY 1, 2, t.free
UNION ALL
SELECT w.sku_id, w.warehouse_id, w.at, w.turn, w.by, w.because, t.free - w.later
FROM walked w JOIN there t USING (sku_id, warehouse_id) WHERE w.at <= %(until)s
ORDER BY at NULLS FIRST, turn, by DESC, because DESC
"""


def changes_around(order: Order, sale: Sale, sku_ids: list[int]) -> dict[int, list[Change]]:
    """By sku, oldest first: what is there now, less all changes since, as they were kept (settings.KEEP_PUSH_DAYS). One statement."""
    start, end = min(sale.placed_at, sale.heard_at) - AROUND, max(sale.heard_at, order.created_at) + AROUND
    houses = _houses(order, sale)
    there: dict[int, dict[int, int]] = {}
    found: dict[int, list[Change]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGES,
            {"merchant": order.merchant_id, "skus": sku_ids, "warehouses": houses, "from": start, "until": end, "apart": MOST_APART},
        )
        for sku_id, house_id, at, _turn, by, because, left in cursor.fetchall():
            in_each = there.setdefault(sku_id, {})
            before = _offered(sale, in_each)
            in_each[house_id] = int(left)
            if at is not None:
                found.setdefault(sku_id, []).append(Change(at, by, because, house_id, before, _offered(sale, in_each), int(left)))
    return found


def _offered(sale: Sale, in_each: Mapping[int, int]) -> int:
    """Of what is free in each warehouse: of several what a channel is told (marketplaces.numbers)."""
    if len(in_each) < 2:
        return sum(in_each.values())
    together = sum if sale.channel is not None and sale.channel.routing == Channel.Routing.SPLIT else max
    return together(max(0, free) for free in in_each.values())


def _houses(order: Order, sale: Sale) -> list[int]:
    """Whose stock it was sold out of. A channel that has places was told of one warehouse at a time: the order's own counts."""
    if sale.channel is None or sale.channel.located:
        return [order.warehouse_id]
    return [order.warehouse_id, *(house.pk for house in sale.channel.houses)]
