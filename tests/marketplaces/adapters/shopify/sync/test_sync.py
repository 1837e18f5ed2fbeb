"""The real sync against a shop with compare-and-set, locations, deadlines and requests to cancel: nothing in it knows which shop that is."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from inventory.models import Availability
from marketplaces import drift, order_asking, pausing, refused_parcels, stock_sync, subscribing
from marketplaces.adapters.shopify.webhooks import TOPICS
from marketplaces.models import Channel, ChannelOrder, Listing, ToldParcel, WebhookDelivery
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.shopify.conftest import SECRET
from tests.marketplaces.adapters.shopify.shop import error, throttle
from tests.marketplaces.adapters.shopify.sync.messages import hook
from tests.marketplaces.misbehaving import before_work, fail, hang_up, hang_up_after_work
from tests.marketplaces.shops import connect_as, deliver_all, make_due, settle
from tests.marketplaces.test_tracking import leave

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stock_change_is_shown_by_the_shop(shop, channel, house, thing):
    assert shop.books.stock() == {thing.code: 10}
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 15}
    push = shop.made("SetQuantities")[-1].variables["input"]["quantities"]
    assert [(row["quantity"], row["changeFromQuantity"]) for row in push] == [(15, 10)]
    assert drift.compare(channel) == []


def test_a_number_that_comes_again_before_the_shop_has_ever_answered_is_told_again(shop, house, thing):
    """The shop would else answer it as it did the first time, and go on showing what was told in between."""
    shop.books.add_product(sku=thing.code, quantity=3)
    keys = {"access_token": shop.token, "client_secret": SECRET, "location_id": str(HERE)}
    connect_as("shopify", shop, keys, thing.merchant, house, name="Shopify")
    shop.misbehave("SetQuantities", hang_up_after_work, times=2)
    deliver_all()
    assert shop.books.stock() == {thing.code: 0}
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    make_due()
    deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 10}))
    make_due()
    deliver_all()
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 0}, 0)


@pytest.mark.parametrize("sold", ["before the repeat", "at the repeat"])
def test_a_first_number_that_is_told_again_as_its_answer_was_lost_sells_nothing_twice(shop, house, thing, sold):
    """It is set again, by a key of its own, as there is nothing to compare with: what was sold meanwhile has come in before, or follows."""
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    shop.books.add_product(sku=thing.code, quantity=3)
    keys = {"access_token": shop.token, "client_secret": SECRET, "location_id": str(HERE)}
    connect_as("shopify", shop, keys, thing.merchant, house, name="Shopify")
    shop.misbehave("SetQuantities", hang_up_after_work)
    deliver_all()
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 10}, None)
    if sold == "at the repeat":
        shop.misbehave("SetQuantities", before_work(lambda: shop.books.place_order([(thing.code, 4)])))
    else:
        shop.books.place_order([(thing.code, 4)])
    settle()
    settle()  # the next poll
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity, Order.objects.count()) == ({thing.code: 6}, 6, 1)
    first, again, *_compared = shop.made("SetQuantities")
    assert first.variables["key"] != again.variables["key"]


def test_a_paused_shop_sells_nothing_whatever_it_has_sold_since_and_its_orders_wait(shop, channel, thing):
    shop.books.place_order([(thing.code, 4)])
    pausing.pause(channel=channel, by=make.user(), reason="stocktaking")
    shop.misbehave("SetQuantities", hang_up_after_work)
    deliver_all()
    make_due()
    deliver_all()
    assert (shop.books.stock(), Order.objects.exists(), shop.made("Orders")) == ({thing.code: 0}, False, [])
    pausing.resume(channel=Channel.objects.get())
    settle()
    assert (shop.books.stock(), Order.objects.get().unit_count) == ({thing.code: 6}, 4)


def test_an_order_is_imported_shipped_and_its_tracking_is_there(shop, channel, house, thing):
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    number = shop.books.place_order([(thing.code, 4)])
    shop.books.change_work(number, by=due)
    settle()
    row = ChannelOrder.objects.get()
    assert (row.status, row.external_id, row.ship_by) == ("imported", str(number), due)
    order = Order.objects.get()
    assert (order.reference, order.ship_by) == (f"SHO-{number}", due)
    assert order.lines.get().quantity == 4
    assert shop.books.stock() == {thing.code: 6}

    leave(order, "WMS-1", 4)
    deliver_all()
    assert [(info["number"], info["company"]) for info in shop.books.told(number)] == [("WMS-1", "own")]
    settle()
    assert [info["number"] for info in shop.books.told(number)] == ["WMS-1"]
    assert ToldParcel.objects.get().error == ""
    assert ChannelOrder.objects.get().problem == ""


def test_a_sale_that_is_not_imported_yet_is_not_offered_again(shop, channel, house, thing):
    """10 here; 4 are sold in the shop, and at the same moment 3 elsewhere. To say 7 there would sell 3 of the 4 twice."""
    number = shop.books.place_order([(thing.code, 4)])
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}))
    deliver_all()
    assert shop.books.stock() == {thing.code: 3}
    assert ChannelOrder.objects.get().external_id == str(number)
    told = [row["quantity"] for call in shop.made("SetQuantities") for row in call.variables["input"]["quantities"]]
    assert told[1:3] == [7, 3], "refused, and computed again after the orders were read"
    settle()
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 3}, 3)


def test_a_sale_in_the_very_moment_of_the_push(shop, channel, house, thing):
    shop.misbehave("SetQuantities", before_work(lambda: shop.books.place_order([(thing.code, 2)])), times=2)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    settle()
    assert shop.books.stock() == {thing.code: 11}
    assert Order.objects.count() == 2


def test_a_push_whose_answer_is_lost_sells_nothing_twice(shop, channel, house, thing):
    shop.misbehave("SetQuantities", hang_up_after_work)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    shop.books.place_order([(thing.code, 6)])
    settle()
    assert shop.books.stock() == {thing.code: 9}
    assert Listing.objects.get().pushed_quantity == 9


@pytest.mark.parametrize("fault", [throttle("3"), fail(500)])
def test_a_shop_in_trouble_hears_later(shop, channel, house, thing, fault):
    shop.misbehave("SetQuantities", fault)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    settle()
    assert shop.books.stock() == {thing.code: 15}


def test_a_message_brings_the_order_at_once_and_keeps_no_buyer(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 1)])
    for _time in range(2):
        assert hook(channel, "orders/create", {"id": number}) == 200
    deliver_all()
    assert Order.objects.get().reference == f"SHO-{number}"
    assert {delivery.raw.opened()["body"] for delivery in WebhookDelivery.objects.select_related("raw")} == {json.dumps({"id": number})}
    assert len(shop.made("Order")) == 1


def test_the_hook_is_subscribed_to_by_the_desk_s_action(shop, channel):
    made = subscribing.subscribe(channel=channel, url=f"https://wms.example/hooks/{channel.pk}")
    assert len(made) == len(shop.books.subscriptions) == len(TOPICS)


@pytest.mark.parametrize("left", [False, True])
def test_a_request_to_cancel_is_answered_by_what_the_warehouse_could_do(shop, channel, thing, left):
    number = shop.books.place_order([(thing.code, 2)])
    settle()
    order = Order.objects.get()
    if left:
        shop.misbehave("Fulfil", fail(500))  # the shop has not heard of the parcel when it asks
        leave(order, "WMS-1", 2)
        deliver_all()
    shop.books.change_work(number, request="CANCELLATION_REQUESTED", status="IN_PROGRESS")
    work = {"id": f"gid://shopify/FulfillmentOrder/{shop.books.work(number)['id']}", "status": "in_progress"}
    assert hook(channel, "fulfillment_orders/cancellation_request_submitted", {"fulfillment_order": work}) == 200
    settle()
    order.refresh_from_db()
    if left:
        assert shop.books.work(number)["request"] == "CANCELLATION_REJECTED"
        assert [info["number"] for info in shop.books.told(number)] == ["WMS-1"]
        assert order.status == "shipped"
    else:
        assert shop.books.work(number)["request"] == "CANCELLATION_ACCEPTED"
        assert order.status == "cancelled"
        assert shop.books.stock() == {thing.code: 10}


def test_our_own_first_parcel_is_no_change_of_the_order_but_a_refund_is(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 5)])
    settle()
    leave(Order.objects.get(), "WMS-1", 2, last=False)
    deliver_all()
    assert shop.books.work(number)["lines"][0]["left"] == 3
    shop.books.touch(number, updated=datetime.now(UTC) + timedelta(seconds=2))
    settle()
    assert ChannelOrder.objects.get().problem == ""
    shop.books.refund(number, thing.code, 1)
    shop.books.touch(number, updated=datetime.now(UTC) + timedelta(seconds=4))
    settle()
    row = ChannelOrder.objects.get()
    line_id = row.lines[0]["line_id"]
    assert (row.problem, row.problem_detail) == ("changed", f"{line_id}: 5>2")


def test_a_lost_answer_and_a_sale_of_just_as_many(shop, channel, house, thing):
    """Told 14 unheard, 4 sold: the shop shows the 10 that we know of, and yet it is another 10."""
    shop.misbehave("SetQuantities", hang_up_after_work)
    make.stock(make.bin_of(house, "A-01"), thing, 4)
    deliver_all()
    shop.books.place_order([(thing.code, 4)])
    make.stock(make.bin_of(house, "A-01"), thing, 4)
    make_due()
    deliver_all()
    assert shop.books.stock() == {thing.code: 14}
    assert Order.objects.count() == 1


def test_without_compare_and_set_the_same_sale_would_be_offered_twice(shop, channel, house, thing, monkeypatch):
    """What the guard of the test above is good for."""
    blind = stock_sync.Told.level
    monkeypatch.setattr(stock_sync.Told, "level", lambda told, _expected: blind(told, None))
    shop.books.place_order([(thing.code, 4)])
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}))
    deliver_all()
    assert shop.books.stock() == {thing.code: 7}


def test_an_ill_mannered_shop_sells_nothing_twice_and_loses_nothing(shop, channel, house, thing, naps):
    """Buyers take what the shop shows while its answers fail, get lost and come twice; goods arrive; parcels leave."""
    rng = random.Random(20261123)
    faults = [
        throttle("1"),
        fail(500),
        fail(200, "<html>"),
        hang_up,
        hang_up_after_work,
        hang_up_after_work,
        error("THROTTLED", "Throttled"),
    ]
    sold, arrived, parcels = 0, 10, 0
    for _step in range(30):
        if rng.random() < 0.5:
            shop.misbehave(".*", rng.choice(faults))
        shown = shop.books.stock()[thing.code]
        match rng.randrange(4):
            case 0:
                make.stock(make.bin_of(house, "A-01"), thing, 4)
                arrived += 4
            case 1 | 2 if shown > 0:
                quantity = rng.randint(1, min(shown, 4))
                number = shop.books.place_order([(thing.code, quantity)])
                sold += quantity
                for _time in range(rng.randrange(3)):
                    hook(channel, "orders/create", {"id": number})
            case _:
                open_orders = Order.objects.filter(status="ready").order_by("pk")
                if order := open_orders.first():
                    parcels += 1
                    leave(order, f"WMS-{parcels}", order.lines.get().quantity)
        make_due()
        deliver_all()
        assert shop.books.stock()[thing.code] <= arrived - sold, "the shop offers what is sold already"
    while any(scripted.left for scripted in shop._script):
        make_due()
        order_asking.ask_all()
        deliver_all()
    settle()
    settle()

    assert sold <= arrived
    assert shop.books.stock() == {thing.code: arrived - sold}
    assert Order.objects.count() == len(shop.books.orders)
    assert sum(order.lines.get().quantity for order in Order.objects.all()) == sold
    assert Availability.objects.get().backordered == 0
    told = [info["number"] for number in shop.books.orders for info in shop.books.told(number)]
    assert sorted(told) == sorted(f"WMS-{n}" for n in range(1, parcels + 1))
    assert ToldParcel.objects.filter(error="").count() == parcels
    assert not ChannelOrder.objects.exclude(problem="").exists()


def test_a_parcel_of_an_order_on_hold_is_told_when_that_is_over(shop, channel, house, thing):
    """Meanwhile the shop is in no trouble: its other orders and numbers go on."""
    number = shop.books.place_order([(thing.code, 4)])
    settle()
    shop.books.change_work(number, status="ON_HOLD")
    leave(Order.objects.get(), "WMS-1", 4)
    deliver_all()
    for _sweep in range(15):  # more often than any other refusal is repeated, and none of the tries that those have
        told = ToldParcel.objects.get()
        assert ("on hold" in told.error, told.tries) == (True, 0)
        assert timedelta(minutes=29) < told.again_at - datetime.now(UTC) <= timedelta(minutes=30)
        make_due()
        assert refused_parcels.tell_due() == 1
        deliver_all()
    channel.refresh_from_db()
    assert (channel.failures, channel.last_error, channel.quiet_until) == (0, "", None)

    shop.books.change_work(number, status="OPEN", updated=datetime.now(UTC) + timedelta(seconds=3))
    make_due()
    refused_parcels.tell_due()
    deliver_all()
    assert [info["number"] for info in shop.books.told(number)] == ["WMS-1"]
    assert ToldParcel.objects.get().error == ""
