"""Scanners, supervisors and counters on the same order or bin at the same moment."""

import threading
from functools import partial

import pytest
from django.db import IntegrityError, connection

from inventory import counts
from inventory.ledger import InsufficientStock
from inventory.models import StockBalance, StockMovement
from outbound import cancellation, orders, packing, picking, shipping, shortfall, unbinding, waves
from outbound.models import Order, Parcel, PickTask
from tests import make
from tests.outbound.test_the_job import deliver_everything
from tests.races.stop import Stop
from tests.races.unguarded import unguarded
from wms.core.transitions import NotPossibleNow
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def released():
    """(order, its tasks, house, by): five lines on the floor, ten more units of each sku in the bin."""
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    skus = [make.sku(shop) for _ in range(5)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 12)
    accepted = orders.accept(merchant=shop, order=make.order(house, dict.fromkeys(skus, 2)))
    waves.release(warehouse_id=house.pk, by=by)
    order = Order.objects.get(pk=accepted.id)
    return order, list(order.tasks.order_by("pk")), house, by


def test_a_double_scan_picks_once(released, together):
    _order, tasks, _house, by = released
    scan = partial(picking.pick, task_id=tasks[0].pk, tote_code="TOTE-01", by=by, request_id="one-scan")
    answers = together([scan] * 8)

    assert answers == [answers[0]] * 8
    assert StockMovement.objects.filter(reason="pick").count() == 2
    assert list(drifts()) == []


def test_two_scanners_on_one_task_pick_once(released, together):
    _order, tasks, _house, by = released
    answers = together([partial(picking.pick, task_id=tasks[0].pk, tote_code="TOTE-01", by=by) for _ in range(6)])

    assert [type(answer) for answer in answers if not isinstance(answer, dict)] == [NotPossibleNow] * 5
    assert StockMovement.objects.filter(reason="pick").count() == 2
    assert list(drifts()) == []


def test_without_the_compare_and_set_two_scanners_would_pick_twice(released, together, monkeypatch):
    _order, tasks, _house, by = released
    monkeypatch.setattr(picking, "_PICKED", unguarded(picking._PICKED, "WHERE id = %(task)s AND status = 'open'", "WHERE id = %(task)s"))
    monkeypatch.setattr(
        picking, "_STOP", unguarded(unguarded(picking._STOP, "FOR NO KEY UPDATE OF o, t"), "SELECT t.status", "SELECT 'open'")
    )
    monkeypatch.setattr(picking, "_check", lambda stop, taken: None)
    # Another order's picks keep enough reserved in the bin: the ledger alone cannot tell whose they are.
    StockBalance.objects.filter(sku=tasks[0].sku, bin=tasks[0].bin).update(reserved=12)
    together([partial(picking.pick, task_id=tasks[0].pk, tote_code="TOTE-01", by=by) for _ in range(4)])

    assert StockMovement.objects.filter(reason="pick").count() > 2


@pytest.fixture
def on_the_stage(released):
    """(parcel id, by): one parcel of two that hold the same goods, so that the ledger alone cannot tell whose they are."""
    order, _tasks, house, by = released
    other = Order.objects.get(
        pk=orders.accept(merchant=order.merchant, order=make.order(house, {line.sku: 2 for line in order.lines.select_related("sku")})).id
    )
    waves.release(warehouse_id=house.pk, by=by)
    parcels = []
    for number, each in enumerate((order, other), 1):
        for task in each.tasks.all():
            picking.pick(task_id=task.pk, tote_code=f"TOTE-0{number}", by=by)
        parcels.append(packing.pack(order_id=each.pk, by=by)["parcel_id"])
    return parcels[0], by


def test_two_scans_of_one_parcel_ship_it_once(on_the_stage, together):
    parcel, by = on_the_stage
    answers = together([partial(shipping.ship, parcel_id=parcel, by=by) for _ in range(6)])

    assert [type(answer) for answer in answers if not isinstance(answer, dict)] == [NotPossibleNow] * 5
    assert Parcel.objects.filter(status="shipped").count() == 1
    assert list(drifts()) == []


def test_without_the_parcels_lock_the_second_scan_would_meet_the_database(on_the_stage, together, monkeypatch):
    parcel, by = on_the_stage
    monkeypatch.setattr(shipping, "_PARCEL", shipping._PARCEL.replace("OF o, p", "OF o"))
    answers = together([partial(shipping.ship, parcel_id=parcel, by=by) for _ in range(6)])

    assert IntegrityError in {type(answer) for answer in answers}
    assert list(drifts()) == []


@pytest.fixture
def first_picks(monkeypatch):
    """The first picks of two orders, all into one tote that each finds empty before the other has put anything in."""
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    things = [make.sku(shop) for _ in range(2)]
    for thing in things:
        make.stock(make.bin_of(house, "A-01"), thing, 2)
        orders.accept(merchant=shop, order=make.order(house, {thing: 2}))
    waves.release(warehouse_id=house.pk, by=by)
    both_looked, check = threading.Barrier(2), picking._check

    def look_and_wait(stop, taken):
        check(stop, taken)
        both_looked.wait(timeout=60)

    monkeypatch.setattr(picking, "_check", look_and_wait)
    return [partial(picking.pick, task_id=task.pk, tote_code="TOTE-01", by=by) for task in PickTask.objects.order_by("pk")]


def test_two_orders_never_begin_one_tote(first_picks, together):
    answers = together(first_picks)

    assert [type(answer) for answer in answers if not isinstance(answer, dict)] == [picking.ToteTaken]
    assert sorted(Order.objects.values_list("status", "tote__code"), key=str) == [("picked", "TOTE-01"), ("released", None)]
    assert sorted(StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "on_hand")) == [("A-01", 2), ("TOTE-01", 2)]
    assert list(drifts()) == []


def test_without_the_unique_key_two_orders_would_lie_in_one_tote(first_picks, together):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('order_alone_in_its_tote'::regclass)")
        (again,) = cursor.fetchone()
        cursor.execute("DROP INDEX order_alone_in_its_tote")
    try:
        together(first_picks)
        assert list(Order.objects.values_list("status", "tote__code")) == [("picked", "TOTE-01")] * 2
    finally:
        Order.objects.update(tote=None)
        with connection.cursor() as cursor:
            cursor.execute(again)


def test_two_stations_pack_parts_of_one_tote(released, together):
    order, tasks, _house, by = released
    for task in tasks:
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=by)
    lines = list(order.lines.order_by("number").values_list("pk", flat=True))
    together([partial(packing.pack, order_id=order.pk, quantities={line: 2}, by=by) for line in lines])

    order.refresh_from_db()
    assert (order.status, sorted(order.parcels.values_list("number", flat=True))) == ("packed", [1, 2, 3, 4, 5])
    assert list(drifts()) == []


@pytest.mark.parametrize("_round", range(5))
def test_cancelling_during_the_pick_leaves_no_unit_behind(released, together, _round):
    order, tasks, _house, by = released
    picks = [partial(picking.pick, task_id=task.pk, tote_code="TOTE-01", by=by) for task in tasks]
    answers = together([*picks[:3], partial(cancellation.cancel, order_id=order.pk, by=make.user(is_staff=True)), *picks[3:]])

    assert answers[3] == {"order_id": order.pk, "order_status": "cancelled"}
    assert {type(answer) for answer in answers if not isinstance(answer, dict)} <= {NotPossibleNow}
    assert list(drifts()) == []


def test_without_the_orders_lock_a_cancelled_order_would_be_picked(released, together, monkeypatch):
    order, tasks, _house, by = released
    monkeypatch.setattr(picking, "_STOP", unguarded(picking._STOP, "FOR NO KEY UPDATE OF o, t"))
    stop = Stop()
    monkeypatch.setattr(picking, "_check", stop.behind(picking._check))
    # The task's own state is the second guard: both together keep the books.
    monkeypatch.setattr(picking, "_PICKED", unguarded(picking._PICKED, "WHERE id = %(task)s AND status = 'open'", "WHERE id = %(task)s"))
    # Other orders' picks keep enough reserved in the bin.
    StockBalance.objects.filter(sku=tasks[0].sku, bin=tasks[0].bin).update(reserved=12)

    cancel = partial(cancellation.cancel, order_id=order.pk, by=make.user(is_staff=True))
    together([partial(picking.pick, task_id=tasks[0].pk, tote_code="TOTE-01", by=by), stop.second(cancel)])

    assert stop.ended.is_set()
    assert PickTask.objects.get(pk=tasks[0].pk).status == "picked"
    assert [line for line in drifts() if line.startswith("reserved")]


def test_without_letting_go_a_count_below_what_is_promised_would_be_refused(released, monkeypatch):
    _order, tasks, house, by = released
    bin_id = make.bin_of(house, "A-01").pk
    monkeypatch.setattr(unbinding, "drop_open_picks", lambda _tasks: None)
    with pytest.raises(InsufficientStock):
        counts.count(bin_id=bin_id, sku_id=tasks[0].sku_id, counted=1, by=by)


@pytest.mark.parametrize("_round", range(5))
def test_counting_during_the_pick_agrees_with_what_is_there(released, together, _round):
    order, tasks, house, by = released
    bin_id = make.bin_of(house, "A-01").pk
    picks = [partial(picking.pick, task_id=task.pk, tote_code="TOTE-01", by=by) for task in tasks]
    count = [partial(counts.count, bin_id=bin_id, sku_id=task.sku_id, counted=1, by=by) for task in tasks]
    answers = together([*picks, *count])

    assert {type(answer) for answer in answers if not isinstance(answer, dict)} <= {NotPossibleNow}
    assert list(drifts()) == []
    for task in tasks:
        assert StockBalance.objects.get(bin=bin_id, sku=task.sku).on_hand == 1
    deliver_everything()
    assert list(drifts()) == []
    order.refresh_from_db()
    assert order.status in ("short", "picking", "picked")


def test_pickers_who_claim_at_once_share_the_work(together):
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 100)
    for _ in range(16):
        orders.accept(merchant=shop, order=make.order(house, {thing: 1}))
    waves.release(warehouse_id=house.pk, by=by)
    answers = together([partial(picking.claim, warehouse_id=house.pk, by=make.user(), most=2) for _ in range(8)])

    # Whoever looked at orders that were just being taken gets fewer, but nobody goes away with nothing.
    assert set(answers) <= {1, 2}


def test_two_waves_at_once_release_each_order_once(together):
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 100)
    for _ in range(20):
        orders.accept(merchant=shop, order=make.order(house, {thing: 1}))
    answers = together([partial(waves.release, warehouse_id=house.pk, by=by) for _ in range(4)])

    assert sum(answer["orders"] for answer in answers if isinstance(answer, dict)) == 20
    assert {type(answer) for answer in answers if not isinstance(answer, dict)} <= {waves.NothingToRelease}
    assert list(drifts()) == []


def test_losses_and_new_orders_at_once_keep_the_books(together):
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 30)
    calls = [partial(orders.accept, merchant=shop, order=make.order(house, {thing: 3})) for _ in range(12)]
    counting = partial(counts.count, bin_id=make.bin_of(house, "A-01").pk, sku_id=thing.pk, counted=9, by=by)
    answers = together([*calls[:6], counting, *calls[6:]])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    shortfall.settle([{"warehouse_id": house.pk, "sku_ids": [thing.pk]}])

    assert Order.objects.filter(status="ready").count() == 3
    assert list(drifts()) == []
