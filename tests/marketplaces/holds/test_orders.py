"""An order whose buyer wants to cancel it, or that its shop has changed since, goes no step further by itself until a person has decided."""

from datetime import timedelta
from decimal import Decimal
from unittest.mock import ANY, Mock

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from marketplaces import order_book, order_import, settling, tying
from marketplaces.models import ChannelOrder
from marketplaces.port import ChannelLine, UnreadableOrder
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation, holds, orders, papers, picking, waves
from outbound.models import Order, PickTask, Wave
from tests import make
from tests.marketplaces.holds.words import another, say
from tests.marketplaces.shops import sale
from wms.core import outbox

pytestmark = pytest.mark.django_db(transaction=True)


def in_wave(released) -> list[int]:
    return list(Order.objects.filter(wave=released["wave_id"]).values_list("pk", flat=True))


@pytest.mark.parametrize("by_clock", [False, True])
@pytest.mark.parametrize("most", [1, 500])
def test_it_goes_into_no_wave_and_keeps_none_back(house, thing, by, doubted, by_clock, most):
    other = another(house, thing)
    assert in_wave(waves.release(warehouse_id=house.pk, by=by, by_clock=by_clock, most=most)) == [other]
    doubted.refresh_from_db()
    assert (doubted.status, doubted.wave_id) == ("ready", None)
    with pytest.raises(waves.NothingToRelease):
        waves.release(warehouse_id=house.pk, by=by, by_clock=by_clock)


def test_it_takes_no_other_s_place_in_the_wave(house, thing, by, doubted):
    others = [another(house, thing), another(house, thing)]
    assert in_wave(waves.release(warehouse_id=house.pk, by=by, most=2)) == others


def test_nor_does_it_where_it_is_asked_for_by_name(house, by, doubted):
    with pytest.raises(waves.NothingToRelease):
        waves.release(warehouse_id=house.pk, by=by, order_ids=[doubted.pk])
    assert not Wave.objects.exists()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"cancellation_requested": True}, "changed in the shop after it was imported (the buyer wants to cancel)"),
        ({"quantity": 1}, "changed in the shop after it was imported (THING: 2 → 1)"),
        ({"state": State.PENDING}, "no longer paid in the shop"),
        ({"state": State.SHIPPED}, "completed in the shop before the warehouse shipped it"),
    ],
)
def test_every_word_of_the_shop_that_is_for_a_person_holds_it_until_the_shop_takes_it_back(channel, house, thing, at, word, reason):
    order_import.import_orders(channel, [sale(thing.code, at)])
    order = Order.objects.get()
    assert holds.of_orders([order.pk]) == {}
    say(channel, thing, **word)
    row = ChannelOrder.objects.get()
    held = {order.pk: holds.Hold(channel.name, reason.replace("THING", thing.code), channel.pk, row.pk, ANY, True)}
    assert (holds.of_orders([order.pk]), holds.in_warehouse(house.pk, Order.Status.READY)) == (held, held)
    assert holds.in_warehouse(house.pk, Order.Status.SHORT) == holds.in_warehouse(make.warehouse().pk, Order.Status.READY) == {}
    say(channel, thing, 2)
    assert holds.of_orders([order.pk]) == {}


def test_one_that_the_shop_tells_unreadably_since_is_held(channel, thing, at):
    order_import.import_orders(channel, [sale(thing.code, at)])
    ChannelOrder.objects.update(problem="unreadable", problem_detail="no lines")
    assert list(holds.of_orders([Order.objects.get().pk])) == [Order.objects.get().pk]


@pytest.mark.parametrize(("merchants_own", "detail", "held"), [(True, "line1", False), (False, "line1", True), (False, "", False)])
def test_the_merchant_s_own_order_in_its_place_is_none_of_the_shop_s(channel, doubted, merchants_own, detail, held):
    ChannelOrder.objects.update(problem="other_content", problem_detail=detail)
    doubted.channel_part.__class__.objects.update(merchants_own=merchants_own)
    assert bool(holds.of_orders([doubted.pk])) is held


def test_a_person_who_has_dealt_with_it_sends_it(channel, house, by, doubted):
    order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    assert in_wave(waves.release(warehouse_id=house.pk, by=by)) == [doubted.pk]


def test_one_that_is_cancelled_is_held_no_longer(by, doubted):
    assert list(holds.of_orders([doubted.pk])) == [doubted.pk]
    cancellation.cancel(order_id=doubted.pk, by=by)
    assert holds.of_orders([doubted.pk]) == {}


def test_no_picker_is_sent_for_one_that_was_released_before(channel, house, thing, at, by):
    order_import.import_orders(channel, [sale(thing.code, at)])
    other = another(house, thing)
    wave = Wave.objects.get(pk=waves.release(warehouse_id=house.pk, by=by)["wave_id"])
    say(channel, thing, cancellation_requested=True)
    assert [stop.order for stop in papers.pick_list_of(wave).stops] == [Order.objects.get(pk=other).reference]
    assert picking.claim(warehouse_id=house.pk, by=by) == 1
    assert PickTask.objects.get(picker=by).order_id == other
    assert picking.claim(warehouse_id=house.pk, by=by) == 0
    order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    assert picking.claim(warehouse_id=house.pk, by=by) == 1


@pytest.mark.parametrize(("begun", "left"), [(False, 0), (True, 1)])
def test_what_a_picker_has_not_begun_is_taken_off_his_walk(channel, house, thing, at, by, begun, left):
    second = make.sku(thing.merchant)
    make.stock(make.bin_of(house, "A-02"), second, 5)
    channel.listings.create(merchant=thing.merchant, external_id="second", external_sku=second.code, sku=second)
    lines = (ChannelLine("1", "", thing.code, "Mug", 2, Decimal(5)), ChannelLine("2", "", second.code, "Tea", 1, Decimal(5)))
    order_import.import_orders(channel, [sale(thing.code, at, lines=lines)])
    other = another(house, thing)
    waves.release(warehouse_id=house.pk, by=by)
    assert picking.claim(warehouse_id=house.pk, by=by) == 3
    mine = PickTask.objects.filter(picker=by, status="open", order__reference__endswith="501").order_by("walking_sequence")
    if begun:
        picking.pick(task_id=mine[0].pk, tote_code="TOTE-01", by=by)
    say(channel, thing, lines=lines, cancellation_requested=True)
    outbox.deliver("outbound.picking.put_aside")
    assert (mine.count(), PickTask.objects.get(order=other).picker) == (left, by)
    # On a pick list that is printed again stands what he finishes.
    assert [stop.order for stop in papers.pick_list_of(Wave.objects.get()).stops].count("WOO-501") == left


def test_nor_is_one_that_the_shop_tells_unreadably_since(channel, house, thing, at, by):
    order_import.import_orders(channel, [sale(thing.code, at)])
    waves.release(warehouse_id=house.pk, by=by)
    assert picking.claim(warehouse_id=house.pk, by=by) == 1
    order_book.record_unreadable(channel, [UnreadableOrder("501", "no lines")])
    outbox.deliver("outbound.picking.put_aside")
    assert not PickTask.objects.filter(picker=by).exists()


def on_a_walk(house, by) -> None:
    waves.release(warehouse_id=house.pk, by=by)
    assert picking.claim(warehouse_id=house.pk, by=by) == 1


def test_nor_is_one_that_a_person_recognises_as_the_shop_s_which_is_not_paid_any_more(channel, house, thing, at, by):
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))
    order_import.import_orders(channel, [sale(thing.code, at)])
    on_a_walk(house, by)
    say(channel, thing, state=State.PENDING)
    outbox.deliver("outbound.picking.put_aside")
    assert PickTask.objects.filter(picker=by).exists()
    tying.recognise(channel, ChannelOrder.objects.get().pk)
    outbox.deliver("outbound.picking.put_aside")
    assert not PickTask.objects.filter(picker=by).exists()


def test_nor_is_one_that_a_dead_worker_took_in_and_that_is_not_paid_any_more(channel, house, thing, at, by):
    order_import.import_orders(channel, [sale(thing.code, at)])
    ChannelOrder.objects.update(status="seen")
    ChannelOrder.objects.get().parts.update(order=None)
    on_a_walk(house, by)
    say(channel, thing, state=State.PENDING)
    assert ChannelOrder.objects.get().problem == "unpaid"
    outbox.deliver("outbound.picking.put_aside")
    assert not PickTask.objects.filter(picker=by).exists()


def test_nor_is_one_of_which_the_shop_spoke_before_it_was_tied(channel, house, thing, at, by, monkeypatch):
    """A worker died between taking it in and tying it, and somebody had it on his walk before the shop's next word."""
    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(settling, "tie", dies)
        order_import.import_orders(channel, [sale(thing.code, at)])
    on_a_walk(house, by)
    say(channel, thing, cancellation_requested=True)
    assert ChannelOrder.objects.get().parts.get().order == Order.objects.get()
    outbox.deliver("outbound.picking.put_aside")
    assert not PickTask.objects.filter(picker=by).exists()


def test_nor_is_one_that_cannot_be_cancelled_here(channel, house, thing, at, by, monkeypatch):
    order_import.import_orders(channel, [sale(thing.code, at)])
    on_a_walk(house, by)
    monkeypatch.setattr(cancellation, "cancel", Mock(side_effect=DataError("no")))
    say(channel, thing, state=State.CANCELLED)
    assert ChannelOrder.objects.get().problem == "unreadable"
    outbox.deliver("outbound.picking.put_aside")
    assert not PickTask.objects.filter(picker=by).exists()


def test_asking_costs_one_statement_however_many_are_held(channel, house, thing, at, doubted):
    more = [sale(thing.code, at, order_id=str(key), number=str(key), quantity=1, cancellation_requested=True) for key in range(502, 505)]
    order_import.import_orders(channel, more)
    with CaptureQueriesContext(connection) as captured:
        assert len(holds.in_warehouse(house.pk, Order.Status.READY)) == 4
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        ({"cancellation_requested": True}, None, "the buyer wants to cancel"),
        ({}, {"quantity": 1}, "changed in the shop after it was imported (THING: 2 → 1)"),
        ({}, {"state": State.CANCELLED}, "cancelled in the shop, and about to be here"),
        ({}, {}, None),
    ],
)
def test_one_that_is_taken_in_and_not_tied_yet_is_held_by_the_same_words(channel, house, thing, by, at, monkeypatch, first, then, reason):
    """A wave may be released at just that moment, and a worker that died there is found minutes later."""
    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(settling, "tie", dies)
        order_import.import_orders(channel, [sale(thing.code, at, **first)])
    order = Order.objects.get()
    if then is not None:
        order_book.record(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=1), **then)])
    row, expected = ChannelOrder.objects.get(), {}
    if reason is not None:
        expected = {order.pk: holds.Hold(channel.name, reason.replace("THING", thing.code), channel.pk, row.pk, ANY, bool(row.problem))}
    assert row.parts.get().order is None
    assert (holds.of_orders([order.pk]), holds.in_warehouse(house.pk, Order.Status.READY)) == (expected, expected)
    other = another(house, thing)
    assert in_wave(waves.release(warehouse_id=house.pk, by=by)) == ([other] if reason else [order.pk, other])


@pytest.mark.parametrize("at_step", [None, "cancel"])
def test_one_that_is_cancelled_in_the_shop_is_held_until_it_is_here(channel, house, thing, by, at, monkeypatch, at_step):
    order_import.import_orders(channel, [sale(thing.code, at)])
    word = [sale(thing.code, at, updated_at=at + timedelta(minutes=1), state=State.CANCELLED)]
    if at_step is None:
        order_book.record(channel, word)
    else:
        with monkeypatch.context() as patched, pytest.raises(ConnectionError):
            patched.setattr(cancellation, at_step, dies)
            order_import.import_orders(channel, word)
        order_book.record(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=2))])
    order, row = Order.objects.get(), ChannelOrder.objects.get()
    hold = holds.Hold(channel.name, "cancelled in the shop, and about to be here", channel.pk, row.pk, ANY, False)
    assert holds.of_orders([order.pk]) == holds.in_warehouse(house.pk, Order.Status.READY) == {order.pk: hold}
    with pytest.raises(waves.NothingToRelease):
        waves.release(warehouse_id=house.pk, by=by)


def dies(*_arguments: object, **_more: object) -> None:
    raise ConnectionError("the worker is gone")
