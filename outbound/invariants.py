"""What must hold of promises and parcels at any time."""

from collections.abc import Iterator

from django.db import connection

# Committed: accepted orders not yet shipped, and goods that wait to be put back.
_PROMISES = """
WITH line AS (
    SELECT o.warehouse_id, l.sku_id,
           sum(l.quantity - l.shipped) FILTER (WHERE o.status IN ('ready', 'released', 'picking', 'picked', 'packed')) AS committed,
           sum(l.quantity) FILTER (WHERE o.status = 'short') AS backordered
    FROM outbound_order o JOIN outbound_orderline l ON l.order_id = o.id
    WHERE o.status NOT IN ('shipped', 'carrier_scanned', 'delivered', 'cancelled')
    GROUP BY o.warehouse_id, l.sku_id
), back AS (
    SELECT warehouse_id, sku_id, sum(quantity) AS held FROM inventory_putbacktask WHERE status = 'open' GROUP BY warehouse_id, sku_id
), wanted AS (
    SELECT warehouse_id, sku_id, coalesce(line.committed, 0) + coalesce(back.held, 0) AS committed, coalesce(line.backordered, 0) AS backordered
    FROM line FULL JOIN back USING (warehouse_id, sku_id)
)
SELECT coalesce(w.warehouse_id, a.warehouse_id), coalesce(w.sku_id, a.sku_id), coalesce(w.committed, 0), coalesce(a.committed, 0),
       coalesce(w.backordered, 0), coalesce(a.backordered, 0)
FROM wanted w FULL JOIN inventory_availability a ON a.warehouse_id = w.warehouse_id AND a.sku_id = w.sku_id
WHERE coalesce(w.committed, 0) <> coalesce(a.committed, 0) OR coalesce(w.backordered, 0) <> coalesce(a.backordered, 0)
"""
# Reserved: open picks at their bin, picked goods in their tote, packed goods on the stage, goods that wait to be put back.
_RESERVED = """
WITH held AS (
    SELECT bin_id, sku_id, lot_id, carton_id, quantity FROM outbound_picktask WHERE status = 'open'
    UNION ALL SELECT tote_id, sku_id, lot_id, NULL, quantity FROM outbound_picktask WHERE status = 'picked'
    UNION ALL SELECT p.stage_id, l.sku_id, l.lot_id, NULL, l.quantity
              FROM outbound_parcelline l JOIN outbound_parcel p ON p.id = l.parcel_id WHERE p.status = 'packed'
    UNION ALL SELECT bin_id, sku_id, lot_id, carton_id, quantity FROM inventory_putbacktask WHERE status = 'open'
), wanted AS (
    SELECT bin_id, sku_id, coalesce(lot_id, 0) AS lot, coalesce(carton_id, 0) AS carton, sum(quantity) AS reserved FROM held GROUP BY 1, 2, 3, 4
)
SELECT coalesce(w.bin_id, b.bin_id), coalesce(w.sku_id, b.sku_id), coalesce(w.reserved, 0), coalesce(b.reserved, 0)
FROM wanted w
FULL JOIN (SELECT * FROM inventory_stockbalance WHERE condition = 'good') b
  ON b.bin_id = w.bin_id AND b.sku_id = w.sku_id AND coalesce(b.lot_id, 0) = w.lot AND coalesce(b.carton_id, 0) = w.carton
WHERE coalesce(w.reserved, 0) <> coalesce(b.reserved, 0)
"""
_SHIPPED = """
SELECT l.id, l.shipped, coalesce(p.quantity, 0) FROM outbound_orderline l
LEFT JOIN (SELECT c.line_id, sum(c.quantity) AS quantity FROM outbound_parcelline c JOIN outbound_parcel p ON p.id = c.parcel_id
           WHERE p.status = 'shipped' GROUP BY c.line_id) p ON p.line_id = l.id
JOIN outbound_order o ON o.id = l.order_id
WHERE l.shipped <> coalesce(p.quantity, 0) OR (o.status = 'shipped' AND l.shipped <> l.quantity)
"""
_LEFT = """
SELECT coalesce(m.sku_id, p.sku_id), coalesce(m.quantity, 0), coalesce(p.quantity, 0)
FROM (SELECT sku_id, -sum(quantity) AS quantity FROM inventory_stockmovement WHERE reason = 'ship' GROUP BY sku_id) m
FULL JOIN (SELECT c.sku_id, sum(c.quantity) AS quantity FROM outbound_parcelline c JOIN outbound_parcel p ON p.id = c.parcel_id
           WHERE p.status = 'shipped' GROUP BY c.sku_id) p ON p.sku_id = m.sku_id
WHERE coalesce(m.quantity, 0) <> coalesce(p.quantity, 0)
"""


def check() -> Iterator[str]:
    """One line for each drift."""
    with connection.cursor() as cursor:
        cursor.execute(_PROMISES)
        for warehouse_id, sku_id, committed, row_committed, backordered, row_backordered in cursor.fetchall():
            yield (
                f"promises: warehouse {warehouse_id} sku {sku_id}: orders say {committed} committed and {backordered} backordered, "
                f"availability {row_committed} and {row_backordered}"
            )
        cursor.execute(_RESERVED)
        for bin_id, sku_id, held, reserved in cursor.fetchall():
            yield f"reserved: bin {bin_id} sku {sku_id}: work says {held}, the balance {reserved}"
        cursor.execute(_SHIPPED)
        for line_id, shipped, parcels in cursor.fetchall():
            yield f"shipped: line {line_id}: {shipped} units, its parcels say {parcels}"
        cursor.execute(_LEFT)
        for sku_id, moved, parcels in cursor.fetchall():
            yield f"shipped: sku {sku_id}: movements say {moved}, parcels {parcels}"
