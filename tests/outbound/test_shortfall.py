"""After a loss, with as many open orders as a busy house has: nobody reads all lines that there ever were."""

import pytest
from django.db import connection, transaction

from outbound import shortfall

pytestmark = pytest.mark.django_db(transaction=True)

# What rows refer to is not asked for, and so not here. Every sku is wanted by a dozen orders.
OPEN = """
INSERT INTO outbound_order (id, merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count)
SELECT n, 1, 1, 'R' || n, 'ready', 'parcel', '', now() + n * interval '1 minute', n, 'GB', '', 3 FROM generate_series(1000001, 1020000) AS n;
INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
SELECT o.id, 1, number, (o.id * 3 + number) % 5000, 1, 0 FROM outbound_order o CROSS JOIN generate_series(1, 3) number WHERE o.id > 1000000;
ANALYZE outbound_order, outbound_orderline;
"""


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        pytest.param(shortfall._YOUNGEST, {"warehouse": 1, "tried": [], "sku": 7}, id="the youngest promise"),
        pytest.param(shortfall._UNBOUND, [[7, 8], 1], id="what is not bound"),
    ],
)
def test_lines_are_found_by_their_open_orders(statement, parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(OPEN)
        cursor.execute(f"EXPLAIN (ANALYZE) {statement}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "using order_line_number_once" in plan
    assert "Seq Scan on outbound_orderline" not in plan


def test_the_youngest_that_wants_it_is_found():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(OPEN)
        tried: list[int] = []
        for _time in range(2):
            cursor.execute(shortfall._YOUNGEST, {"warehouse": 1, "tried": tried, "sku": 1})
            found = cursor.fetchone()
            cursor.execute(
                "SELECT max(o.id) FROM outbound_order o JOIN outbound_orderline l ON l.order_id = o.id WHERE l.sku_id = 1 AND o.id <> ALL(%s)",
                [tried],
            )
            assert found == cursor.fetchone()
            tried.append(found[0])
