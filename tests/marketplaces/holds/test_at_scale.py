"""Which orders are held is asked for by every wave and every picker: it costs no more with a long history."""

import cProfile
import pstats
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplaces import order_import
from outbound import holds
from outbound.models import Order
from tests.marketplaces.shops import sale

pytestmark = pytest.mark.django_db(transaction=True)


def copies(table: str, times: int, **differing: str) -> str:
    """A statement that copies the first row so many times: n = 1, 2, ... of them is what `differing` may speak of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        names = [name for (name,) in cursor.fetchall()]
    values = ", ".join(differing.get(name, f"s.{name}") for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM (SELECT * FROM {table} ORDER BY id LIMIT 1) s, generate_series(1, {times}) n"


def test_asking_for_a_warehouse_s_reads_no_history(channel, house, thing):
    """Of 20,000 orders that have come so far 40 are to be decided on, and one is about to be cancelled."""
    order_import.import_orders(channel, [sale(thing.code, datetime.now(UTC))])
    key = "1000000 + n"
    status = "CASE WHEN n % 10 < 8 THEN 'shipped' ELSE 'ready' END"
    problem, said = "CASE WHEN n % 500 = 8 THEN 'changed' ELSE '' END", "CASE WHEN n % 20 = 1 THEN 'cancelled' ELSE 'shipped' END"
    done = "CASE WHEN n % 20 = 1 AND n > 1 THEN 'cancelled' ELSE 'imported' END"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(copies("outbound_order", 20000, id=key, reference="'R' || n", status=status))
        cursor.execute(
            copies("marketplaces_channelorder", 20000, id=key, external_id="'R' || n", problem=problem, shop_state=said, status=done)
        )
        cursor.execute(copies("marketplaces_channelorderpart", 20000, id=key, channel_order_id=key, order_id=key, reference="'R' || n"))
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as captured:
            assert len(holds.in_warehouse(house.pk, Order.Status.READY)) == 40
        cursor.execute(f"EXPLAIN {captured[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on marketplaces_channelorder" not in plan, plan
    assert "channel_order_to_look_at" in plan and "channel_order_to_cancel" in plan


def test_a_thousand_held_orders_cost_few_calls_each(channel, house, thing):
    """What a wave waits for: of each problem its own words are made, not those of all problems there are."""
    at = datetime.now(UTC)
    order_import.import_orders(channel, [sale(thing.code, at)])
    order_import.import_orders(
        channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=1), quantity=1, cancellation_requested=True)]
    )
    key = "1000000 + n"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(copies("outbound_order", 999, id=key, reference="'R' || n"))
        cursor.execute(copies("marketplaces_channelorder", 999, id=key, external_id="'R' || n"))
        cursor.execute(copies("marketplaces_channelorderpart", 999, id=key, channel_order_id=key, order_id=key, reference="'R' || n"))
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    with cProfile.Profile() as profile:
        found = holds.in_warehouse(house.pk, Order.Status.READY)
    assert len(found) == 1000
    assert pstats.Stats(profile).total_calls < 150 * 1000
