"""Writes the rows of new orders: one statement for any number of orders and lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from outbound.models import Order
from wms.core import sealing
from wms.core.locking import assert_in_transaction
from wms.core.prepared import Prepared


@dataclass(slots=True)
class Draft:
    """An order on its way in, with codes resolved to keys. `index` is its place in the request.

    `lines` are (sku id, base units), `demand` their base units by sku id.
    """

    index: int
    merchant_id: int
    warehouse_id: int
    reference: str
    kind: str
    service: str
    ship_by: datetime
    ship_to: dict[str, str]
    content_hash: str
    lines: list[tuple[int, int]]
    demand: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.demand = {}
        for sku_id, quantity in self.lines:
            self.demand[sku_id] = self.demand.get(sku_id, 0) + quantity


# In the order of the unique key (merchant, reference), so that two batches with the same references cannot deadlock.
# All joins are of what stands in memory: the kept plan hashes them, for any number of rows.
_INSERT = Prepared(
    "insert_orders",
    """
WITH draft AS MATERIALIZED (
    SELECT nextval((SELECT pg_get_serial_sequence('outbound_order', 'id')::regclass)) AS id,
           nextval((SELECT pg_get_serial_sequence('core_personalrecord', 'id')::regclass)) AS ship_to_id, d.*
    FROM unnest(%(index)s::int[], %(merchant)s::bigint[], %(warehouse)s::bigint[], %(reference)s::text[], %(kind)s::text[], %(service)s::text[],
                %(ship_by)s::timestamptz[], %(country)s::text[], %(hash)s::text[], %(units)s::bigint[], %(sealed)s::bytea[])
         AS d (index, merchant_id, warehouse_id, reference, kind, service, ship_by, country, content_hash, unit_count, sealed)
), placed AS (
    INSERT INTO outbound_order (id, merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count)
    SELECT id, merchant_id, warehouse_id, reference, %(status)s, kind, service, ship_by, ship_to_id, country, content_hash, unit_count
    FROM draft ORDER BY merchant_id, reference
    ON CONFLICT (merchant_id, reference) DO NOTHING
    RETURNING id
), address AS (
    INSERT INTO core_personalrecord (id, merchant_id, kind, sealed)
    SELECT d.ship_to_id, d.merchant_id, 'ship_to', d.sealed FROM draft d JOIN placed USING (id)
), line AS (
    INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
    SELECT d.id, d.merchant_id, l.number, l.sku_id, l.quantity, 0
    FROM unnest(%(line_index)s::int[], %(line_number)s::int[], %(line_sku)s::bigint[], %(line_quantity)s::bigint[])
         AS l (index, number, sku_id, quantity)
    JOIN draft d ON d.index = l.index JOIN placed ON placed.id = d.id
)
SELECT d.index, d.id FROM draft d JOIN placed USING (id)
""",
    any_number=True,
)


def insert(drafts: Sequence[Draft], status: Order.Status) -> dict[int, int]:
    """A step: write the orders with lines and sealed addresses; returns order ids by draft index. A reference that exists is left out."""
    assert_in_transaction("order_rows.insert()")
    if not drafts:
        return {}
    lines = [(draft.index, number, sku_id, quantity) for draft in drafts for number, (sku_id, quantity) in enumerate(draft.lines, 1)]
    with connection.cursor() as cursor:
        _INSERT.execute(
            cursor,
            {
                "status": status.value,
                "index": [draft.index for draft in drafts],
                "merchant": [draft.merchant_id for draft in drafts],
                "warehouse": [draft.warehouse_id for draft in drafts],
                "reference": [draft.reference for draft in drafts],
                "kind": [str(draft.kind) for draft in drafts],
                "service": [draft.service for draft in drafts],
                "ship_by": [draft.ship_by for draft in drafts],
                "country": [draft.ship_to.get("country", "") for draft in drafts],
                "hash": [draft.content_hash for draft in drafts],
                "units": [sum(quantity for _sku_id, quantity in draft.lines) for draft in drafts],
                "sealed": [sealing.seal(draft.ship_to) for draft in drafts],
                "line_index": [line[0] for line in lines],
                "line_number": [line[1] for line in lines],
                "line_sku": [line[2] for line in lines],
                "line_quantity": [line[3] for line in lines],
            },
        )
        return dict(cursor.fetchall())
