"""The real sync against Amazon: nothing in it knows which shop that is."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import channels, drift, order_asking, pausing, submissions
from marketplaces.models import Channel, ChannelOrder, ChannelPace, Listing, Submission, ToldParcel
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import connect_as, deliver_all, make_due, settle
from tests.marketplaces.test_tracking import leave
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(contracts: Contracts) -> Iterator[AmazonShop]:
    """As the adapter's own tests have it, but with the time of today."""
    with AmazonShop(contracts) as shop:
        yield shop
        shop.check()


@pytest.fixture
def channel(shop: AmazonShop, house: Warehouse, thing: Sku) -> Channel:
    """Amazon offers the sku, of which the warehouse has 10, and has been told."""
    shop.books.add_listing(thing.code, 3)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    made = connect_as("amazon", shop, shop.keys, thing.merchant, house, name="Amazon", code="AMZ")
    deliver_all()
    return made


def test_a_stock_change_is_shown(shop, channel, house, thing):
    assert shop.books.stock() == {thing.code: 10}
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 15}
    assert (Listing.objects.get().pushed_quantity, drift.compare(channel)) == (15, [])


def test_an_order_is_imported_shipped_and_its_tracking_is_there(shop, channel, house, thing):
    number = shop.books.place_order([(thing.code, 4)])
    settle()
    row = ChannelOrder.objects.get()
    assert (row.status, row.external_id, row.ship_by) == ("imported", number, shop.books.orders[number]["ship_by"])
    order = Order.objects.get()
    assert (order.reference, order.ship_by, order.lines.get().quantity) == (f"AMZ-{number}", row.ship_by, 4)
    assert shop.books.stock() == {thing.code: 6}

    leave(order, "WMS-1", 3, last=False)
    deliver_all()
    assert shop.books.orders[number]["status"] == "PARTIALLY_SHIPPED"
    leave(order, "WMS-2", 1)
    deliver_all()
    settle()
    assert shop.books.told(number) == [("Other", "WMS-1"), ("Other", "WMS-2")]
    assert shop.books.orders[number]["status"] == "SHIPPED"
    assert (len(shop.made("confirmShipment")), ToldParcel.objects.filter(error="").count()) == (2, 2)
    assert ChannelOrder.objects.get().problem == ""


def test_a_pending_order_waits_for_its_payment(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 4)], status="PENDING")
    settle()
    assert (ChannelOrder.objects.get().parts.exists(), Order.objects.exists()) == (False, False)
    assert shop.books.stock() == {thing.code: 6}, "told again, the units of the pending order would be offered twice"
    shop.books.pay(number)
    settle()
    assert Order.objects.get().status != "cancelled"
    assert ChannelOrder.objects.get().held_until is None
    assert shop.books.stock() == {thing.code: 6}


def test_an_order_that_is_cancelled_there_is_cancelled_here(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 4)])
    settle()
    shop.books.ask_to_cancel(number)
    settle()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail, row.parts.get().order.status) == ("changed", "cancellation requested", "ready")
    shop.books.cancel(number)
    settle()
    assert Order.objects.get().status == "cancelled"
    assert shop.books.stock() == {thing.code: 10}


def test_orders_that_may_not_be_listed_yet_hold_up_no_stock(shop, channel, house, thing):
    shop.drain("searchOrders")
    Channel.objects.filter(pk=channel.pk).update(last_poll_at=None)
    assert order_asking.ask_all() == 1
    deliver_all()
    assert Channel.objects.get().failures == 0
    assert len(shop.made("searchOrders")) == 1
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 15}


def test_it_is_polled_no_more_often_than_amazon_allows(shop, channel):
    assert order_asking.ask_all() == 1
    deliver_all()
    assert order_asking.ask_all() == 0
    assert len(shop.made("searchOrders")) == 1


def test_a_hook_that_nobody_signed_changes_nothing(shop, channel):
    before = OutboxEvent.objects.count()
    assert Client().post(f"/hooks/{channel.pk}", data=b"{}", content_type="application/json").status_code == 401
    assert Client().get(f"/hooks/{channel.pk}").status_code == 405
    assert OutboxEvent.objects.count() == before


# Many at once: a feed.


@pytest.fixture
def things(shop: AmazonShop, channel: Channel, house: Warehouse, thing: Sku) -> list[Sku]:
    """60 more skus of which the warehouse has 7 each, handed to Amazon as a feed that it has not got round to."""
    made = [make.sku(thing.merchant) for _number in range(60)]
    for sku in made:
        shop.books.add_listing(sku.code, 1)
        make.stock(make.bin_of(house, "A-01"), sku, 7)
    channels.fetch_listings(channel=channel)
    deliver_all()
    return made


def test_a_feed_is_not_believed_before_its_report(shop, channel, thing, things):
    assert (len(shop.books.feeds), Submission.objects.count()) == (1, 1)
    rows = Listing.objects.exclude(sku=thing)
    assert set(rows.values_list("pushed_quantity", "last_error")) == {(None, "")}
    assert (Channel.objects.get().failures, Channel.objects.get().quiet_until) == (0, None)
    make_due()
    deliver_all()
    assert Submission.objects.count() == 1, "Amazon is still at it"
    shop.books.work_on_feeds()
    make_due()
    deliver_all()
    assert set(rows.values_list("pushed_quantity", "last_error")) == {(7, "")}
    assert not Submission.objects.exists()
    settle()
    assert (len(shop.books.feeds), drift.compare(channel)) == (1, [])


def test_what_a_feed_refuses_is_shown_and_the_others_are_done(shop, channel, thing, things):
    del shop.books.listings[things[0].code]
    shop.books.work_on_feeds()
    make_due()
    deliver_all()
    failed = Listing.objects.get(sku=things[0])
    assert (failed.pushed_quantity, failed.last_error) == (None, f"refused: InvalidInput: SKU {things[0].code} does not exist")
    assert Listing.objects.filter(pushed_quantity=7).count() == 59


def test_a_number_that_was_told_while_the_feed_waited_is_told_again(shop, channel, house, thing, things):
    """The feed overwrites the younger number: without a second word the sold units would be offered again."""
    sold = things[0]
    make.stock(make.bin_of(house, "A-01"), sold, 2)
    deliver_all()
    assert shop.books.stock()[sold.code] == 9
    shop.books.work_on_feeds()
    assert shop.books.stock()[sold.code] == 7
    settle()
    assert shop.books.stock()[sold.code] == 9
    assert Listing.objects.get(sku=sold).pushed_quantity == 9


def test_what_falls_among_many_does_not_wait_for_the_feed(shop, channel, house, thing, things):
    """Amazon works on a feed for minutes, in which it would sell what is gone."""
    shop.books.work_on_feeds()
    settle()
    for sku in things[2:]:
        make.stock(make.bin_of(house, "A-01"), sku, 2)
    for sku in things[:2]:
        orders.accept(merchant=sku.merchant, order=make.order(house, {sku: 7}))
    shop.calls.clear()
    deliver_all()
    shown = shop.books.stock()
    assert [shown[sku.code] for sku in things[:3]] == [0, 0, 7]
    assert (len(shop.made("patchListingsItem")), len(shop.made("createFeed"))) == (2, 1)
    shop.books.work_on_feeds()
    settle()
    assert (drift.compare(channel), len(shop.books.feeds)) == ([], 2)


def test_what_falls_goes_with_the_feed_where_single_calls_are_scarce(shop, channel, house, thing, things):
    shop.books.work_on_feeds()
    settle()
    for sku in things[2:]:
        make.stock(make.bin_of(house, "A-01"), sku, 2)
    orders.accept(merchant=thing.merchant, order=make.order(house, {things[0]: 7}))
    ChannelPace.objects.update(available=0, per_second=0.01, at=timezone.now())
    shop.calls.clear()
    deliver_all()
    assert (len(shop.made("patchListingsItem")), len(shop.made("createFeed"))) == (0, 1)
    shop.books.work_on_feeds()
    assert [shop.books.stock()[sku.code] for sku in things[:3]] == [0, 7, 9]


@pytest.mark.parametrize("told_before", [False, True])
def test_a_listing_that_is_untied_while_its_number_is_in_a_feed_is_told_nothing_is_there(shop, channel, things, told_before):
    if told_before:
        Listing.objects.filter(sku=things[0]).update(pushed_quantity=7, pushed_at=timezone.now())
    channels.tie(listing=Listing.objects.get(sku=things[0]))
    deliver_all()
    assert shop.books.stock()[things[0].code] == (0 if told_before else 1)
    shop.books.work_on_feeds()
    assert shop.books.stock()[things[0].code] == 7
    settle()
    assert shop.books.stock()[things[0].code] == 0
    assert shop.books.stock()[things[1].code] == 7


def test_untied_listings_whose_feed_amazon_aborts_are_not_handed_in_at_once_again(shop, channel, things):
    """Each feed is one of the few that a seller may hand in."""
    shop.books.work_on_feeds()
    settle()
    for listing in Listing.objects.all():
        channels.tie(listing=listing)
    deliver_all()
    handed_in = len(shop.books.feeds)
    shop.books.work_on_feeds(status="FATAL")
    make_due()
    deliver_all()
    waits = OutboxEvent.objects.get(topic="channel.stale").due_at - timezone.now()
    assert (len(shop.books.feeds), waits > timedelta(minutes=4)) == (handed_in, True)


def test_a_feed_that_amazon_aborts_is_handed_in_again(shop, channel, house, things):
    """Numbers that fell would else be too high until the night."""
    shop.books.work_on_feeds()
    settle()
    for thing in things:
        orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}))
    deliver_all()
    for status in ("FATAL", "DONE"):
        assert shop.books.work_on_feeds(status=status) == 1
        for _turn in range(2):
            make_due()
            deliver_all()
    assert drift.compare(channel) == []


def test_a_feed_that_amazon_cancelled_is_handed_in_again(shop, channel, thing, things):
    shop.books.work_on_feeds(status="CANCELLED")
    make_due()
    deliver_all()
    assert not Submission.objects.exists()
    make_due()
    deliver_all()
    assert (len(shop.books.feeds), Submission.objects.count()) == (2, 1)
    shop.books.work_on_feeds()
    settle()
    assert drift.compare(channel) == []


def test_a_feed_of_which_nothing_is_heard_is_given_up(shop, channel, thing, things):
    Submission.objects.update(sent_at="2026-01-01T00:00:00Z")
    Listing.objects.exclude(sku=thing).update(pushed_at=None)
    make_due()
    deliver_all()
    assert not Submission.objects.exists()
    make_due()
    deliver_all()
    assert Submission.objects.count() == 1, "handed in anew"


def test_a_pause_forgets_what_is_pending_and_the_end_of_it_tells_all(shop, channel, thing, things):
    pausing.pause(channel=channel, by=make.user(), reason="moving", keep=True)
    make_due()
    deliver_all()
    assert not Submission.objects.exists()
    pausing.resume(channel=channel)
    deliver_all()
    assert Submission.objects.count() == 1


def test_many_open_submissions_take_several_turns(shop, channel, thing, things, monkeypatch):
    first = Submission.objects.get()
    Submission.objects.create(channel=channel, ticket=f"{first.ticket}-2", rows=first.rows[:1])
    payloads = [{"lane": channel.pk, "channel_id": channel.pk, "ticket": each.ticket} for each in Submission.objects.order_by("pk")]
    open_ones = OutboxEvent.objects.filter(topic="channel.submitted").order_by("pk")
    open_ones.delete()
    shop.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(submissions, "BUDGET_S", -1.0)
        submissions.follow(payloads)
    assert (shop.calls, Submission.objects.count()) == ([], 2)
    assert [event.payload for event in open_ones.all()] == payloads


def test_an_outcome_that_cannot_be_asked_for_comes_later(shop, channel, thing, things):
    shop.books.work_on_feeds()
    shop.misbehave("getFeed", fail(500))
    make_due()
    deliver_all()
    assert Submission.objects.count() == 1
    make_due()
    deliver_all()
    assert Listing.objects.filter(pushed_quantity=7).count() == 60


def test_keys_that_are_refused_leave_the_pending_numbers_pending(shop, channel, thing, things):
    shop.misbehave("getFeed", errors(403, "Unauthorized"), times=2)
    make_due()
    deliver_all()
    row = Channel.objects.get()
    assert (row.failures, Submission.objects.count()) == (1, 1)
    assert "refuses our keys" in row.trouble
