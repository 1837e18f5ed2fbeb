"""The floor: a raw psycopg2 script with the same transactions and the same rows as the project's commands, each as one set-based statement.

It checks what has to be true (stock, states, unique references) and nothing else: no typed errors, no other flows, no late choices.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extensions import connection as Connection

ACCEPT = """
WITH given AS MATERIALIZED (
    SELECT d.* FROM unnest(%(index)s::int[], %(reference)s::text[], %(ship_by)s::timestamptz[], %(sealed)s::bytea[], %(hash)s::text[])
         AS d (index, reference, ship_by, sealed, content_hash)
), line AS MATERIALIZED (
    SELECT l.index, l.number, s.id AS sku_id, l.quantity
    FROM unnest(%(line_index)s::int[], %(line_number)s::int[], %(line_sku)s::text[], %(line_quantity)s::bigint[]) AS l (index, number, code, quantity)
    JOIN inventory_sku s ON s.merchant_id = %(merchant)s AND s.code = l.code
), demand AS MATERIALIZED (
    SELECT sku_id, sum(quantity)::bigint AS quantity FROM line GROUP BY sku_id
), locked AS MATERIALIZED (
    SELECT a.id, d.quantity, a.on_hand - a.committed - a.backordered >= d.quantity AS enough
    FROM inventory_availability a JOIN demand d ON d.sku_id = a.sku_id WHERE a.warehouse_id = %(warehouse)s ORDER BY a.id FOR UPDATE OF a
), granted AS MATERIALIZED (
    SELECT 1 WHERE (SELECT count(*) FROM locked WHERE enough) = (SELECT count(*) FROM demand)
), committed AS (
    UPDATE inventory_availability a SET committed = a.committed + l.quantity FROM locked l, granted WHERE a.id = l.id
), draft AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('outbound_order', 'id')) AS id,
           nextval(pg_get_serial_sequence('core_personalrecord', 'id')) AS ship_to_id, g.*,
           (SELECT sum(quantity) FROM line WHERE line.index = g.index) AS unit_count
    FROM given g, granted
), address AS (
    INSERT INTO core_personalrecord (id, merchant_id, kind, sealed) SELECT ship_to_id, %(merchant)s, 'ship_to', sealed FROM draft
), placed AS (
    INSERT INTO outbound_order (id, merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count)
    SELECT id, %(merchant)s, %(warehouse)s, reference, 'ready', 'parcel', '', ship_by, ship_to_id, 'GB', content_hash, unit_count FROM draft
), lines AS (
    INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
    SELECT d.id, %(merchant)s, l.number, l.sku_id, l.quantity, 0 FROM line l JOIN draft d ON d.index = l.index
), taker AS (
    SELECT DISTINCT ON (l.sku_id) l.sku_id, g.reference FROM line l JOIN given g ON g.index = l.index ORDER BY l.sku_id, l.index DESC
), told AS (
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT 'stock.changed', 'marketplaces.stock_sync.push_changed',
           (SELECT jsonb_build_object('warehouse_id', %(warehouse)s, 'sku_ids', jsonb_agg(d.sku_id ORDER BY d.sku_id), 'at', extract(epoch FROM now()),
                                      'by', jsonb_agg(-d.quantity ORDER BY d.sku_id), 'because', jsonb_agg('order ' || t.reference ORDER BY d.sku_id))
            FROM demand d JOIN taker t ON t.sku_id = d.sku_id), 0, ''
    FROM granted
)
SELECT id FROM draft ORDER BY index
"""

# Demand and free stock of each sku are laid along one number line, oldest first: where the intervals overlap is a stop.
RELEASE = """
WITH ready AS MATERIALIZED (
    SELECT id, ship_by FROM outbound_order WHERE warehouse_id = %(warehouse)s AND status = 'ready'
    ORDER BY ship_by, id LIMIT %(most)s FOR NO KEY UPDATE
), want AS MATERIALIZED (
    SELECT l.id, l.order_id, l.merchant_id, l.sku_id, l.quantity, sum(l.quantity) OVER (PARTITION BY l.sku_id ORDER BY r.ship_by, r.id, l.id) AS until
    FROM ready r JOIN outbound_orderline l ON l.order_id = r.id
), place AS MATERIALIZED (
    SELECT b.id, b.bin_id, b.sku_id, b.lot_id, b.carton_id, p.walking_sequence, b.on_hand - b.reserved AS free,
           sum(b.on_hand - b.reserved) OVER (PARTITION BY b.sku_id ORDER BY lot.expires_on NULLS LAST, b.id) AS until
    FROM inventory_stockbalance b
    JOIN inventory_bin p ON p.id = b.bin_id LEFT JOIN inventory_lot lot ON lot.id = b.lot_id
    WHERE b.warehouse_id = %(warehouse)s AND b.sku_id IN (SELECT sku_id FROM want) AND b.on_hand > 0 AND b.on_hand > b.reserved
      AND b.condition = 'good' AND p.kind = 'storage' AND p.active
), stop AS MATERIALIZED (
    SELECT w.id AS line_id, w.order_id, w.merchant_id, p.bin_id, w.sku_id, p.lot_id, p.carton_id, p.walking_sequence, p.id AS balance_id,
           least(w.until, p.until) - greatest(w.until - w.quantity, p.until - p.free) AS quantity
    FROM want w JOIN place p ON p.sku_id = w.sku_id AND p.until > w.until - w.quantity AND p.until - p.free < w.until
), locked AS MATERIALIZED (
    SELECT b.id, s.quantity FROM inventory_stockbalance b
    JOIN (SELECT balance_id, sum(quantity) AS quantity FROM stop GROUP BY balance_id) s ON s.balance_id = b.id ORDER BY b.id FOR UPDATE OF b
), reserved AS (
    UPDATE inventory_stockbalance b SET reserved = b.reserved + l.quantity FROM locked l WHERE b.id = l.id
), wave AS (
    INSERT INTO outbound_wave (warehouse_id, order_count, by_id) SELECT %(warehouse)s, count(*), %(by)s FROM ready RETURNING id
), task AS (
    INSERT INTO outbound_picktask (warehouse_id, merchant_id, wave_id, order_id, line_id, bin_id, sku_id, lot_id, carton_id, quantity,
                                   walking_sequence, status)
    SELECT %(warehouse)s, s.merchant_id, wave.id, s.order_id, s.line_id, s.bin_id, s.sku_id, s.lot_id, s.carton_id, s.quantity,
           s.walking_sequence, 'open'
    FROM stop s CROSS JOIN wave
)
UPDATE outbound_order o SET status = 'released', wave_id = wave.id, updated_at = now() FROM ready, wave WHERE o.id = ready.id
"""

PICK = """
WITH task AS MATERIALIZED (
    UPDATE outbound_picktask SET status = 'picked', tote_id = %(tote)s, picker_id = %(by)s, picked_at = now()
    WHERE id = %(task)s AND status = 'open'
    RETURNING id, warehouse_id, merchant_id, order_id, bin_id, sku_id, lot_id, carton_id, quantity
), source AS (
    UPDATE inventory_stockbalance b SET on_hand = b.on_hand - t.quantity, reserved = b.reserved - t.quantity
    FROM task t WHERE b.bin_id = t.bin_id AND b.sku_id = t.sku_id AND b.condition = 'good'
      AND b.lot_id IS NOT DISTINCT FROM t.lot_id AND b.carton_id IS NOT DISTINCT FROM t.carton_id
), target AS (
    INSERT INTO inventory_stockbalance (warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, on_hand, reserved)
    SELECT warehouse_id, merchant_id, %(tote)s, sku_id, lot_id, 'good', quantity, quantity FROM task
    ON CONFLICT (bin_id, sku_id, lot_id, condition, carton_id) DO UPDATE
    SET on_hand = inventory_stockbalance.on_hand + EXCLUDED.on_hand, reserved = inventory_stockbalance.reserved + EXCLUDED.reserved
), moved AS (
    INSERT INTO inventory_stockmovement (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, carton_id, quantity,
                                         reason, document, by_id)
    SELECT %(operation)s::uuid, leg.n, t.warehouse_id, t.merchant_id, CASE leg.n WHEN 1 THEN t.bin_id ELSE %(tote)s END, t.sku_id, t.lot_id, 'good',
           CASE leg.n WHEN 1 THEN t.carton_id END, leg.sign * t.quantity, 'pick', %(document)s, %(by)s
    FROM task t CROSS JOIN (VALUES (1, -1), (2, 1)) AS leg (n, sign)
), remembered AS (
    INSERT INTO core_requestoutcome (actor_id, request_id, fingerprint, outcome) VALUES (%(by)s, %(request)s, %(hash)s, '{}')
)
UPDATE outbound_order o
SET status = CASE WHEN (SELECT coalesce(sum(x.quantity), 0) FROM outbound_picktask x WHERE x.order_id = o.id AND x.id <> t.id AND x.status = 'picked')
                       + t.quantity = o.unit_count THEN 'picked' ELSE 'picking' END,
    tote_id = %(tote)s, updated_at = now()
FROM task t WHERE o.id = t.order_id AND (
    o.status = 'released' OR (SELECT coalesce(sum(x.quantity), 0) FROM outbound_picktask x
                              WHERE x.order_id = o.id AND x.id <> t.id AND x.status = 'picked') + t.quantity = o.unit_count)
"""

PACK = """
WITH done AS MATERIALIZED (
    UPDATE outbound_order SET status = 'packed', tote_id = NULL, updated_at = now() WHERE id = %(order)s AND status = 'picked'
    RETURNING id, merchant_id, warehouse_id
), task AS MATERIALIZED (
    UPDATE outbound_picktask t SET status = 'packed' FROM done WHERE t.order_id = done.id AND t.status = 'picked'
    RETURNING t.line_id, t.sku_id, t.lot_id, t.tote_id, t.quantity, t.warehouse_id, t.merchant_id
), parcel AS (
    INSERT INTO outbound_parcel (merchant_id, warehouse_id, order_id, number, carrier, tracking_number, status, stage_id, packed_by_id)
    SELECT merchant_id, warehouse_id, id, 1, 'own', %(tracking)s, 'packed', %(stage)s, %(by)s FROM done RETURNING id
), line AS (
    INSERT INTO outbound_parcelline (parcel_id, line_id, sku_id, lot_id, quantity)
    SELECT parcel.id, t.line_id, t.sku_id, t.lot_id, sum(t.quantity) FROM task t CROSS JOIN parcel GROUP BY parcel.id, t.line_id, t.sku_id, t.lot_id
), goods AS MATERIALIZED (
    SELECT sku_id, lot_id, tote_id, warehouse_id, merchant_id, sum(quantity)::bigint AS quantity FROM task GROUP BY 1, 2, 3, 4, 5
), source AS (
    UPDATE inventory_stockbalance b SET on_hand = b.on_hand - g.quantity, reserved = b.reserved - g.quantity
    FROM goods g WHERE b.bin_id = g.tote_id AND b.sku_id = g.sku_id AND b.condition = 'good' AND b.lot_id IS NOT DISTINCT FROM g.lot_id
      AND b.carton_id IS NULL
), target AS (
    INSERT INTO inventory_stockbalance (warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, on_hand, reserved)
    SELECT warehouse_id, merchant_id, %(stage)s, sku_id, lot_id, 'good', quantity, quantity FROM goods ORDER BY sku_id
    ON CONFLICT (bin_id, sku_id, lot_id, condition, carton_id) DO UPDATE
    SET on_hand = inventory_stockbalance.on_hand + EXCLUDED.on_hand, reserved = inventory_stockbalance.reserved + EXCLUDED.reserved
), moved AS (
    INSERT INTO inventory_stockmovement (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, quantity,
                                         reason, document, by_id)
    SELECT %(operation)s::uuid, row_number() OVER (), t.warehouse_id, t.merchant_id, CASE leg.sign WHEN -1 THEN t.tote_id ELSE %(stage)s END, t.sku_id,
           t.lot_id, 'good', leg.sign * t.quantity, 'pack', %(document)s, %(by)s
    FROM task t CROSS JOIN (VALUES (-1), (1)) AS leg (sign)
), remembered AS (
    INSERT INTO core_requestoutcome (actor_id, request_id, fingerprint, outcome) VALUES (%(by)s, %(request)s, %(hash)s, '{}')
)
SELECT id FROM parcel
"""

SHIP = """
WITH parcel AS MATERIALIZED (
    UPDATE outbound_parcel SET status = 'shipped', shipped_at = now() WHERE id = %(parcel)s AND status = 'packed'
    RETURNING id, order_id, warehouse_id, merchant_id, stage_id
), content AS MATERIALIZED (
    SELECT c.line_id, c.sku_id, c.lot_id, c.quantity, p.stage_id, p.warehouse_id, p.merchant_id
    FROM outbound_parcelline c JOIN parcel p ON p.id = c.parcel_id
), line AS (
    UPDATE outbound_orderline l SET shipped = l.shipped + c.quantity
    FROM (SELECT line_id, sum(quantity) AS quantity FROM content GROUP BY line_id) c WHERE l.id = c.line_id
), place AS MATERIALIZED (
    SELECT b.id, g.quantity FROM inventory_stockbalance b
    JOIN (SELECT stage_id, sku_id, lot_id, sum(quantity) AS quantity FROM content GROUP BY 1, 2, 3) g
      ON b.bin_id = g.stage_id AND b.sku_id = g.sku_id AND b.condition = 'good' AND b.lot_id IS NOT DISTINCT FROM g.lot_id AND b.carton_id IS NULL
    ORDER BY b.id FOR UPDATE OF b
), emptied AS (
    UPDATE inventory_stockbalance b SET on_hand = b.on_hand - p.quantity, reserved = b.reserved - p.quantity FROM place p WHERE b.id = p.id
), offer AS MATERIALIZED (
    SELECT a.id, g.quantity FROM inventory_availability a
    JOIN (SELECT warehouse_id, sku_id, sum(quantity) AS quantity FROM content GROUP BY 1, 2) g
      ON g.sku_id = a.sku_id AND g.warehouse_id = a.warehouse_id
    WHERE (SELECT count(*) FROM place) > 0 ORDER BY a.id FOR UPDATE OF a
), taken AS (
    UPDATE inventory_availability a SET on_hand = a.on_hand - o.quantity, committed = a.committed - o.quantity FROM offer o WHERE a.id = o.id
), moved AS (
    INSERT INTO inventory_stockmovement (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, quantity,
                                         reason, document, by_id)
    SELECT %(operation)s::uuid, row_number() OVER (), warehouse_id, merchant_id, stage_id, sku_id, lot_id, 'good', -quantity, 'ship', %(document)s, %(by)s
    FROM content
), told AS (
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT 'order.shipped', 'marketplaces.tracking.send_shipped', jsonb_build_object('order_id', order_id, 'parcel_id', id), 0, '' FROM parcel
), remembered AS (
    INSERT INTO core_requestoutcome (actor_id, request_id, fingerprint, outcome) VALUES (%(by)s, %(request)s, %(hash)s, '{}')
)
UPDATE outbound_order o SET status = 'shipped', shipped_at = now(), updated_at = now()
FROM parcel p WHERE o.id = p.order_id AND o.status = 'packed'
  AND NOT EXISTS (SELECT FROM outbound_parcel x WHERE x.order_id = o.id AND x.status = 'packed' AND x.id <> p.id)
"""


@dataclass(slots=True)
class GivenOrder:
    """An order as the benchmark gives it to both sides: lines are (sku code, base units)."""

    reference: str
    ship_by: datetime
    lines: list[tuple[str, int]]


class Floor:
    """Runs the statements, each in a durable transaction of its own, on one connection."""

    def __init__(self, connection: Connection, *, merchant_id: int, warehouse_id: int, stage_id: int, by_id: int) -> None:
        self.connection = connection
        self.fixed = {"merchant": merchant_id, "warehouse": warehouse_id, "stage": stage_id, "by": by_id, "hash": "0" * 64}

    def _run(self, statement: str, values: dict[str, object], fetch: bool = False) -> list[tuple[int, ...]]:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement, {**self.fixed, **values})
            return cursor.fetchall() if fetch else []

    def accept(self, orders: list[GivenOrder]) -> list[int]:
        """Order ids, in the orders' order."""
        lines = [(index, number, *line) for index, order in enumerate(orders) for number, line in enumerate(order.lines, 1)]
        rows = self._run(
            ACCEPT,
            {
                "index": list(range(len(orders))),
                "reference": [order.reference for order in orders],
                "ship_by": [order.ship_by for order in orders],
                "sealed": [b"sealed" * 40] * len(orders),
                "hash": ["0" * 64] * len(orders),
                "line_index": [line[0] for line in lines],
                "line_number": [line[1] for line in lines],
                "line_sku": [line[2] for line in lines],
                "line_quantity": [line[3] for line in lines],
            },
            fetch=True,
        )
        assert len(rows) == len(orders), "the benchmark has stock for all of its orders"
        return [row[0] for row in rows]

    def release(self, most: int) -> None:
        self._run(RELEASE, {"most": most})

    def pick(self, task_id: int, tote_id: int, reference: str) -> None:
        self._run(
            PICK,
            {
                "task": task_id,
                "tote": tote_id,
                "operation": str(uuid.uuid4()),
                "request": str(uuid.uuid4()),
                "document": f"order {reference}",
            },
        )

    def pack(self, order_id: int, tracking: str, reference: str) -> int:
        """The parcel's id."""
        rows = self._run(
            PACK,
            {
                "order": order_id,
                "tracking": tracking,
                "operation": str(uuid.uuid4()),
                "request": str(uuid.uuid4()),
                "document": f"order {reference}",
            },
            fetch=True,
        )
        return rows[0][0]

    def ship(self, parcel_id: int, reference: str) -> None:
        self._run(
            SHIP,
            {"parcel": parcel_id, "operation": str(uuid.uuid4()), "request": str(uuid.uuid4()), "document": f"order {reference}"},
        )
