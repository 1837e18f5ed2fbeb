"""What must hold of stock at any time: balances are the sum of the movements, availability the sum of the balances."""

from collections.abc import Iterator

from django.db import connection

from inventory.models import SELLABLE_KINDS

_BALANCES = """
SELECT coalesce(m.bin_id, b.bin_id), coalesce(m.sku_id, b.sku_id), coalesce(m.quantity, 0), coalesce(b.on_hand, 0)
FROM (SELECT bin_id, sku_id, lot_id, condition, carton_id, sum(quantity) AS quantity
      FROM inventory_stockmovement GROUP BY bin_id, sku_id, lot_id, condition, carton_id) m
FULL JOIN inventory_stockbalance b
  ON b.bin_id = m.bin_id AND b.sku_id = m.sku_id AND coalesce(b.lot_id, 0) = coalesce(m.lot_id, 0) AND b.condition = m.condition
 AND coalesce(b.carton_id, 0) = coalesce(m.carton_id, 0)
WHERE coalesce(m.quantity, 0) <> coalesce(b.on_hand, 0)
"""
_ON_HAND = """
SELECT coalesce(s.warehouse_id, a.warehouse_id), coalesce(s.sku_id, a.sku_id), coalesce(s.on_hand, 0), coalesce(a.on_hand, 0)
FROM (SELECT b.warehouse_id, b.sku_id, sum(b.on_hand) AS on_hand FROM inventory_stockbalance b JOIN inventory_bin p ON p.id = b.bin_id
      WHERE b.condition = 'good' AND p.kind = ANY(%s) GROUP BY b.warehouse_id, b.sku_id) s
FULL JOIN inventory_availability a ON a.warehouse_id = s.warehouse_id AND a.sku_id = s.sku_id
WHERE coalesce(s.on_hand, 0) <> coalesce(a.on_hand, 0)
"""
_OPERATIONS = """
SELECT operation_id, sku_id, sum(quantity) FROM inventory_stockmovement
WHERE reason NOT IN ('receipt', 'ship', 'adjust', 'destroy', 'kit', 'return', 'transfer_out', 'transfer_in')
GROUP BY operation_id, sku_id HAVING sum(quantity) <> 0
"""
_SANDBOX = """
SELECT b.id, s.code FROM inventory_stockbalance b JOIN inventory_sku s ON s.id = b.sku_id
JOIN core_merchant m ON m.id = b.merchant_id JOIN inventory_warehouse w ON w.id = b.warehouse_id WHERE m.sandbox <> w.sandbox
"""


def check() -> Iterator[str]:
    """One line for each drift."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES)
        for bin_id, sku_id, moved, on_hand in cursor.fetchall():
            yield f"balance: bin {bin_id} sku {sku_id}: movements say {moved}, the balance {on_hand}"
        cursor.execute(_ON_HAND, [[kind.value for kind in SELLABLE_KINDS]])
        for warehouse_id, sku_id, balances, on_hand in cursor.fetchall():
            yield f"on hand: warehouse {warehouse_id} sku {sku_id}: balances say {balances}, availability {on_hand}"
        cursor.execute(_OPERATIONS)
        for operation_id, sku_id, total in cursor.fetchall():
            yield f"operation {operation_id} sku {sku_id}: its legs sum to {total}"
        cursor.execute(_SANDBOX)
        for balance_id, code in cursor.fetchall():
            yield f"sandbox: balance {balance_id} sku {code}: the merchant's goods are on the wrong side of it"
