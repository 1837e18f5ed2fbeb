import hashlib
import json
import re
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from inventory import skus_by_code
from inventory.models import Availability
from outbound import order_rows, orders
from outbound.api import orders as api
from outbound.models import Order
from tests import make
from wms.core.errors import InvalidInput, ReferenceTaken
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

# The statement itself, and the beginning and the end of its transaction.
STATEMENTS = 3


def totals(sku):
    row = Availability.objects.get(sku=sku)
    return row.on_hand, row.committed, row.backordered


def test_an_order_commits_all_of_its_lines_at_once_or_is_short():
    shop, house = make.merchant(), make.warehouse()
    one, two = make.sku(shop), make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), one, 10)
    make.stock(make.bin_of(house, "A-01"), two, 3)

    ready = orders.accept(merchant=shop, order=make.order(house, {one: 4, two: 3}))
    short = orders.accept(merchant=shop, order=make.order(house, {one: 4, two: 1}))

    assert (ready.status, short.status) == ("ready", "short")
    assert totals(one) == (10, 4, 4)
    assert totals(two) == (3, 3, 1)
    stored = Order.objects.get(pk=ready.id)
    assert stored.ship_to.opened() == make.SHIP_TO
    assert stored.unit_count == 7
    assert list(stored.lines.order_by("number").values_list("number", "sku", "quantity")) == [(1, one.pk, 4), (2, two.pk, 3)]


def test_a_repeated_reference_answers_the_first_result_and_other_content_is_refused():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    new = make.order(house, {thing: 4})

    first = orders.accept(merchant=shop, order=new)
    again = orders.accept(merchant=shop, order=new)

    assert (again.id, again.status, again.repeated) == (first.id, "ready", True)
    assert totals(thing) == (10, 4, 0)
    with pytest.raises(ReferenceTaken):
        orders.accept(merchant=shop, order=make.order(house, {thing: 5}, reference=new.reference))
    assert totals(thing) == (10, 4, 0)


@pytest.mark.parametrize("closed", ["sku", "warehouse"])
def test_a_repeated_order_is_answered_though_its_sku_or_its_warehouse_has_been_closed(closed):
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    new = make.order(house, {thing: 4})
    first = orders.accept(merchant=shop, order=new)
    target = thing if closed == "sku" else house
    target.active = False
    target.save(update_fields=["active"])

    answers = orders.accept_many(merchant=shop, orders=[new, new._replace(service="express"), new._replace(reference="NEW")])

    assert (answers[0].id, answers[0].repeated) == (first.id, True)
    assert [type(answer) for answer in answers[1:]] == [InvalidInput, InvalidInput]
    assert Order.objects.count() == 1
    assert totals(thing) == (10, 4, 0)


def test_orders_that_the_version_before_took_in_are_still_known():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    new = make.order(house, {thing: 4})._replace(ship_by=datetime(2030, 1, 31, 17, tzinfo=UTC))
    first = orders.accept(merchant=shop, order=new)
    said = [
        new.warehouse,
        sorted(new.ship_to.items()),
        [(thing.code, 4)],
        "2030-01-31T17:00:00Z",
        "",
        "parcel",
        None,
    ]
    digest = hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()
    assert Order.objects.filter(pk=first.id).exclude(content_hash=digest).update(content_hash=digest) == 1

    again = orders.accept(merchant=shop, order=new)

    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(ReferenceTaken):
        orders.accept(merchant=shop, order=make.order(house, {thing: 5}, reference=new.reference))
    assert totals(thing) == (10, 4, 0)


def test_the_same_content_in_another_order_is_the_same():
    order = make.order(make.warehouse(), {make.sku(make.merchant()): 4})
    turned = order._replace(ship_to=dict(reversed(order.ship_to.items())))
    assert list(turned.ship_to) != list(order.ship_to)
    assert turned.content_hash == order.content_hash
    assert order._replace(service="express").content_hash != order.content_hash
    assert order._replace(lines=[orders.NewLine(order.lines[0].sku, 5)]).content_hash != order.content_hash
    assert len(order._replace(ship_to={**order.ship_to, "name": "\ud800"}).content_hash) == 64


def test_an_order_for_an_unknown_warehouse_is_refused_and_leaves_nothing():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    OutboxEvent.objects.all().delete()
    elsewhere = make.order(house, {thing: 1})._replace(warehouse="NOWHERE")

    for order in (elsewhere, elsewhere._replace(ship_by=None)):
        with pytest.raises(InvalidInput) as refused:
            orders.accept(merchant=shop, order=order)
        assert refused.value.details["problems"] == [{"path": ["warehouse"], "message": "Unknown warehouse."}]

    assert not OutboxEvent.objects.exists()
    assert not Order.objects.exists()
    assert totals(thing) == (10, 0, 0)


def test_one_bad_order_does_not_sink_the_others():
    shop, house = make.merchant(), make.warehouse()
    thing, stranger = make.sku(shop), make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), thing, 10)

    good = make.order(house, {thing: 4})
    answers = orders.accept_many(merchant=shop, orders=[good, make.order(house, {stranger: 1}), make.order(house, {thing: 7}), good])

    assert [getattr(answer, "status", None) for answer in answers] == ["ready", 422, "short", "ready"]
    assert isinstance(answers[1], InvalidInput)
    assert answers[1].details["problems"][0]["path"] == ["lines", 0, "sku"]
    assert answers[3].repeated
    assert totals(thing) == (10, 4, 7)


def test_arriving_goods_go_to_the_oldest_short_order_before_a_new_one():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    old = orders.accept(merchant=shop, order=make.order(house, {thing: 5}))
    make.stock(make.bin_of(house, "A-01"), thing, 8)

    new = orders.accept(merchant=shop, order=make.order(house, {thing: 5}))

    assert (old.status, new.status) == ("short", "short")
    assert Order.objects.get(pk=old.id).status == "ready"
    assert totals(thing) == (8, 5, 5)


def test_a_blocked_short_order_does_not_hold_goods_back():
    shop, house = make.merchant(), make.warehouse()
    there, missing = make.sku(shop), make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), there, 8)
    orders.accept(merchant=shop, order=make.order(house, {there: 5, missing: 1}))

    assert orders.accept(merchant=shop, order=make.order(house, {there: 7})).status == "ready"
    assert totals(there) == (8, 7, 5)


def test_accepting_costs_the_same_number_of_statements_for_any_number_of_lines(django_assert_num_queries):
    shop, house = make.merchant(), make.warehouse()
    skus = [make.sku(shop) for _ in range(30)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 1000)
    skus_by_code.find(shop.pk, {thing.code for thing in skus})
    for lines in (3, 30):
        due = make.order(house, dict.fromkeys(skus[:lines], 1), ship_by=datetime(2030, 1, 1, tzinfo=UTC))
        with django_assert_num_queries(STATEMENTS):
            orders.accept(merchant=shop, order=due)
    batch = [make.order(house, dict.fromkeys(skus[:3], 1), ship_by=datetime(2030, 1, 1, tzinfo=UTC)) for _ in range(50)]
    with django_assert_num_queries(STATEMENTS):
        orders.accept_many(merchant=shop, orders=batch)
    assert Order.objects.filter(status="ready").count() == 52
    assert OutboxEvent.objects.filter(topic="stock.changed").count() > 0


def generic_plan(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(statement._prepare.replace(statement.name, "looked_at", 1))
        cursor.execute(f"EXPLAIN EXECUTE looked_at ({', '.join(['NULL'] * len(statement._parameters))})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE looked_at")
    return plan


def many(rows):
    """The rows that `rows` inserts, with their statistics; what they refer to is not asked for, and so not here."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_sku, inventory_availability, outbound_order")


HISTORY = """
INSERT INTO outbound_order (merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count, updated_at)
SELECT 1, 1, 'R' || n, CASE WHEN n % 100 = 0 THEN 'packed' ELSE 'shipped' END, 'parcel', '', now(), n, 'GB', '', 1, now() - n * interval '1 minute'
FROM generate_series(1, 20000) AS n
"""


def test_one_plan_of_writing_orders_is_right_for_any_number_of_them():
    # Of a catalogue: the few rows that another test left would be read whole.
    many(
        "INSERT INTO inventory_sku (id, merchant_id, code, name, name_zh, hs_code, origin, currency, tracks_lot, tracks_expiry, packs_unit_by_unit, active) "
        "SELECT n, n % 10, 'S' || n, '', '', '', '', '', false, false, false, true FROM generate_series(1000001, 1020000) AS n;"
        "INSERT INTO inventory_availability (warehouse_id, merchant_id, sku_id, on_hand, committed, backordered) "
        "SELECT 1, n % 10, n, 9, 0, 0 FROM generate_series(1000001, 1020000) AS n"
    )
    writing = generic_plan(order_rows._INSERT)
    assert writing.count("Hash Join") == 2
    assert "Nested Loop" not in writing

    taking = generic_plan(order_rows._TAKE)
    assert taking.count("Hash Join") == 2
    assert re.search(r"Index Cond: .*sku_id = ANY", taking)


def test_whether_an_order_came_before_is_found_by_its_reference_alone_though_there_were_none_when_that_was_planned():
    looks = "SELECT seq_scan, idx_scan, coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'outbound_order'"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")
        cursor.execute("SELECT outbound_has_order(1, ARRAY['R1', 'R2'])")
        assert cursor.fetchone() == (False,)
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(HISTORY)
        cursor.execute(looks)
        whole, walks, rows = cursor.fetchone()
        for references, there in ((["R0", "R19999x"], False), (["R0", "R19999"], True)):
            cursor.execute("SELECT outbound_has_order(1, %s)", [references])
            assert cursor.fetchone() == (there,)
        cursor.execute(looks)
        assert cursor.fetchone() == (whole, walks + 4, rows + 1)
        cursor.execute("SELECT outbound_has_order(2, ARRAY['R19999'])")
        assert cursor.fetchone() == (False,)


def test_orders_of_a_rare_state_are_found_without_reading_the_others():
    found = Order.objects.filter(merchant=1, status="packed").order_by("updated_at", "id")[:51]
    many(HISTORY)
    plan = found.explain(analyze=True)
    assert "Index Scan using order_by_status_and_update" in plan
    assert "rows=51" in plan
    assert "Sort" not in plan
    assert "Filter" not in plan


def test_orders_of_all_states_are_found_without_reading_more_than_a_page_of_each():
    many(HISTORY)
    some = Order.objects.order_by("updated_at", "id")[9_000]
    found = Order.objects.filter(pk__in=api.of_any_status(some.merchant_id, some.updated_at, some.pk, 51)).order_by("updated_at", "id")
    plan = found.explain(analyze=True)
    assert "Index Scan using order_by_status_and_update" in plan or "Index Only Scan using order_by_status_and_update" in plan
    assert "Seq Scan on outbound_order" not in plan
    assert max(int(rows) for rows in re.findall(r"order_by_status_and_update .*actual.* rows=(\d+)", plan)) <= 51
    assert [row.reference for row in found] == [f"R{n}" for n in range(10_999, 10_948, -1)]


def test_who_has_just_begun_to_hear_is_told_though_the_merchant_is_remembered_as_he_was():
    """As whoever looks up a key: its merchant is a second old."""
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    type(shop).objects.filter(pk=shop.pk).update(hears_events=True)
    assert not shop.hears_events

    answers = [
        orders.accept(merchant=shop, order=make.order(house, {thing: units})) for units in (6, 5, 4)
    ]  # the last waits in line behind the second
    answers += orders.accept_many(merchant=shop, orders=[make.order(house, {thing: 100}), make.order(house, {thing: 101})])

    assert [answer.status for answer in answers] == ["ready", "short", "ready", "short", "short"]
    told = OutboxEvent.objects.filter(topic="order.told").order_by("id").values_list("payload__what", "payload__order_id")
    assert list(told) == [(f"order.{'accepted' if answer.status == 'ready' else 'short'}", answer.id) for answer in answers]
