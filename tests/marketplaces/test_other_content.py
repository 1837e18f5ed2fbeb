"""A shop's order comes to the reference of an order that the merchant has entered himself, with other goods."""

import importlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from marketplaces import cancelled, channel_answers, deadlines, order_book, order_import, settling, tracking, tying
from marketplaces.adapters.woocommerce import CAPABILITIES, WooCommerce
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces.shops import deliver_all, poll, sale, totals
from tests.marketplaces.test_tracking import leave
from wms.core.errors import NotFound
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def row(channel, house, thing, at) -> ChannelOrder:
    """Of the shop's order 501, which was taken for the merchant's own."""
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))
    order_import.import_orders(channel, [sale(thing.code, at)])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.parts.get().order) == ("imported", "other_content", Order.objects.get())
    return row


def say(row: ChannelOrder, code: str, at: datetime, **more: Any) -> ChannelOrder:
    order_import.import_orders(Channel.objects.get(), [sale(code, at, **more)])
    row.refresh_from_db()
    return row


def test_it_is_shown_until_a_person_has_dealt_with_it_whatever_the_shop_says(channel, row, thing, at):
    for minute, (said, detail) in enumerate(
        [({}, ""), ({"quantity": 3}, "1: 2>3"), ({"state": State.PENDING}, "pending"), ({"state": State.SHIPPED}, "shipped")], start=1
    ):
        say(row, thing.code, at + minute * MINUTE, **said)
        assert (row.status, row.problem, row.problem_detail) == ("imported", "other_content", detail)
    order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "", "")


@pytest.mark.parametrize("deleted", [False, True])
def test_a_cancellation_in_the_shop_leaves_the_merchants_own_order_alone(channel, row, thing, at, deleted):
    if deleted:
        settling.settle(channel, order_book.record_deleted(channel, "501"))
    else:
        say(row, thing.code, at + MINUTE, state=State.CANCELLED)
        assert row.problem_detail == "cancelled"
        say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    row.refresh_from_db()
    assert (row.status, row.problem, row.shop_state) == ("imported", "other_content", "cancelled")
    # Nothing is left half done: no later poll has another try.
    assert not order_book.unsettled(channel).exists()
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 1, 0))

    order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("cancelled", "", "")
    say(row, thing.code, at + 2 * MINUTE, state=State.CANCELLED)
    poll()
    assert (row.status, Order.objects.get().status) == ("cancelled", "ready")
    # Of the shop's order nothing is here: opened again, it comes in by itself.
    say(row, thing.code, at + 3 * MINUTE)
    assert (row.status, row.problem, row.parts.get().order.reference) == ("imported", "", "WOO-501-2")
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == ["ready", "ready"]


def test_an_order_that_was_there_before_is_not_tied_when_the_shop_closes_its_own(channel, house, thing, at, monkeypatch):
    """The worker died between deciding and asking the warehouse."""
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))

    def dies(**_arguments):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(settling.orders, "accept_many", dies)
        order_import.import_orders(channel, [sale(thing.code, at)])
    row = ChannelOrder.objects.get()
    assert row.parts.get().order is None
    say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    assert (row.status, row.parts.get().order) == ("cancelled", None)
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 1, 0))


@pytest.fixture(params=[False, True], ids=["shown", "dismissed"])
def own(request, channel, row) -> Order:
    """The merchant's own order; a person may have dealt with the shop's already, which is open."""
    if request.param:
        order_book.dismiss(channel, row.pk)
        row.refresh_from_db()
        assert (row.problem, row.shop_state, row.parts.get().merchants_own) == ("", "open", True)
    return Order.objects.get()


def events(topic: str) -> int:
    return OutboxEvent.objects.filter(topic=topic).count()


@pytest.mark.parametrize("deleted", [False, True])
def test_though_a_person_has_seen_it_a_later_cancellation_leaves_it_alone(channel, own, row, thing, at, deleted):
    if deleted:
        settling.settle(channel, order_book.record_deleted(channel, "501"))
    else:
        say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    poll()
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "other_content", "cancelled")
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 1, 0))
    order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.parts.count(), Order.objects.get().status) == ("cancelled", 0, "ready")


def test_its_ship_by_is_not_the_shops(channel, own, row, thing, at):
    say(row, thing.code, at + MINUTE, ship_by=at + timedelta(days=9))
    deliver_all()
    deadlines.follow([{"rows": [row.pk]}])
    assert (row.ship_by, Order.objects.get().ship_by) == (at + timedelta(days=9), own.ship_by)
    assert deadlines.due(warehouse_id=own.warehouse_id, now=at, until=at + timedelta(days=30)) == {}


def test_the_shop_hears_nothing_of_its_parcels(channel, own, row, at):
    parcel = leave(own, "TRACK-1", 1)
    ChannelOrder.objects.update(ship_by=at)
    tracking.send_shipped([{"order_id": own.pk, "parcel_id": parcel.pk}])
    assert events("parcel.left") == 0
    assert deadlines.untold(warehouse_id=own.warehouse_id, now=at, until=at + MINUTE) == []
    (answer,) = channel_answers.orders(list(channel.orders.prefetch_related("parts__order")))
    assert (answer["order"], answer["orders"], answer["parcels"]) == (None, [], [])


def test_nor_that_it_is_cancelled_here(channel, own, row, monkeypatch):
    heard: list[str] = []
    monkeypatch.setattr(WooCommerce, "cancel", lambda _self, order_id: heard.append(order_id))
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", replace(CAPABILITIES, hears_cancellations=True))
    cancellation.cancel(order_id=own.pk, by=make.user(is_staff=True))
    cancelled.tell_shops([{"order_id": own.pk}])
    assert (Order.objects.get().status, events("order.withdrawn")) == ("cancelled", 0)
    cancelled.tell([{"channel_id": channel.pk, "rows": [row.pk]}])
    assert heard == []


def test_a_worker_that_read_the_order_before_it_was_tied_does_not_cancel_it(channel, house, thing, at, monkeypatch):
    """Of two workers one ties it, while the other one follows the shop that has cancelled its order."""
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))
    row = channel.orders.create(merchant=thing.merchant, external_id="501", status="seen", shop_state="cancelled")
    row.parts.create(number=1, warehouse=house, reference="WOO-501", lines=[])
    stale, real = ChannelOrder.objects.get(), tying.adopt

    def tie_meanwhile(*arguments):
        part = ChannelOrderPart.objects.get()
        part.order, part.merchants_own = Order.objects.get(), True
        stale.status, stale.problem = "imported", "other_content"
        tying.tie(channel, {stale: [part]}, {})
        return real(*arguments)

    monkeypatch.setattr(settling, "adopt", tie_meanwhile)
    settling.settle(channel, [row.pk])
    row.refresh_from_db()
    assert (row.status, row.problem, Order.objects.get().status) == ("imported", "other_content", "ready")


def test_what_was_dismissed_is_not_taken_for_an_order_of_a_dead_worker(channel, row, thing, at):
    """The merchant's own came in between deciding and asking the warehouse."""
    say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    order_book.dismiss(channel, row.pk)
    poll()
    assert (tying.adopt(channel), Order.objects.get().status) == ([], "ready")


def test_of_several_parts_those_that_are_the_shops_are_cancelled(channel, row, house, thing, at):
    part = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}, "WOO-501-P2"))
    row.parts.create(number=2, warehouse=house, reference="WOO-501-P2", order_id=part.id)
    say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    found = list(Order.objects.order_by("reference").values_list("reference", "status"))
    assert found == [("WOO-501", "ready"), ("WOO-501-P2", "cancelled")]
    assert (row.status, row.problem, totals(thing)) == ("cancelled", "other_content", (10, 1, 0))
    order_book.dismiss(channel, row.pk)
    say(row, thing.code, at + 2 * MINUTE)
    assert (row.status, row.problem, row.parts.get().order.status) == ("imported", "", "ready")
    assert Order.objects.get(reference="WOO-501").status == "ready"


def test_what_is_recognised_when_its_other_part_is_cancelled_already_is_cancelled_too(channel, row, house, thing, at):
    part = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}, "WOO-501-P2"))
    row.parts.create(number=2, warehouse=house, reference="WOO-501-P2", order_id=part.id)
    say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    tying.recognise(channel, row.pk)
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, list(Order.objects.values_list("status", flat=True))) == ("cancelled", "", ["cancelled", "cancelled"])


def test_what_a_person_recognises_follows_the_shop_and_the_shop_hears_of_it(channel, own, row, thing, at):
    leave(own, "TRACK-1", 1, last=False)
    say(row, thing.code, at + MINUTE, ship_by=at + timedelta(days=9))
    deliver_all()
    tying.recognise(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail, row.parts.get().merchants_own) == ("imported", "", "", False)
    assert events("parcel.left") == 1
    deliver_all()
    assert Order.objects.get().ship_by == at + timedelta(days=9)
    with pytest.raises(NotFound):
        tying.recognise(channel, row.pk)


@pytest.mark.parametrize(
    ("state", "status", "problem", "ours"),
    [
        (State.PENDING, "imported", "unpaid", "ready"),
        (State.SHIPPED, "imported", "closed", "ready"),
        (State.CANCELLED, "cancelled", "", "cancelled"),
    ],
)
def test_what_is_recognised_late_stands_as_the_shop_has_it(channel, own, row, thing, at, state, status, problem, ours):
    say(row, thing.code, at + MINUTE, state=state)
    tying.recognise(channel, row.pk)
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, Order.objects.get().status) == (status, problem, ours)


def test_what_was_recognised_is_not_asked_about_again(channel, row, thing, at):
    tying.recognise(channel, row.pk)
    ChannelOrder.objects.update(status="refused", problem="refused")
    order_import.retry_unmapped(channel)
    row.refresh_from_db()
    assert (row.status, row.problem, row.parts.get().merchants_own) == ("imported", "", False)


def test_what_was_shown_before_there_was_a_mark_is_marked(row):
    migration = importlib.import_module("marketplaces.migrations.0006_merchants_own")
    ChannelOrderPart.objects.update(merchants_own=False)
    for problem, marked in (("", False), ("other_content", True)):
        ChannelOrder.objects.update(problem=problem)
        with connection.cursor() as cursor:
            cursor.execute(migration.WHERE_IT_IS_SHOWN)
        assert ChannelOrderPart.objects.get().merchants_own is marked


def test_a_part_of_it_that_was_taken_in_for_the_shop_is_not_marked(row):
    migration = importlib.import_module("marketplaces.migrations.0006_merchants_own")
    ChannelOrderPart.objects.update(merchants_own=False)
    Order.objects.update(created_at=ChannelOrderPart.objects.get().created_at + MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(migration.WHERE_IT_IS_SHOWN)
    assert not ChannelOrderPart.objects.get().merchants_own
