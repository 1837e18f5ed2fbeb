"""The real sync against an eBay account: nothing in it knows which platform that is."""

import uuid
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from django.test import Client

from inventory.models import Sku, Warehouse
from marketplaces import drift, subscribing
from marketplaces.models import Channel, ChannelOrder, Listing, ToldParcel, WebhookDelivery
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop, refuse, rows, throttle
from tests.marketplaces.misbehaving import fail, hang_up_after_work
from tests.marketplaces.shops import connect_as, deliver_all, make_due, settle
from tests.marketplaces.test_tracking import leave
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(contract: Contract) -> Iterator[EBayShop]:
    """As the adapter's own tests have it, but with the time of today."""
    with EBayShop(contract) as shop:
        yield shop
        shop.check()


@pytest.fixture
def channel(shop: EBayShop, house: Warehouse, thing: Sku) -> Channel:
    """The seller offers the sku, of which the warehouse has 10, and eBay has been told."""
    shop.books.add_item(sku=thing.code, quantity=3, own=3)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    made = connect_as("ebay", shop, KEYS, thing.merchant, house, name="eBay", code="EBY")
    deliver_all()
    return made


def hook(channel: Channel, shop: EBayShop, order_id: str, *, delivery: str = "") -> int:
    data = {"order": {"orderId": order_id, "orderLineItems": []}}
    headers, body = shop.message("ORDER_CONFIRMATION", data, notification_id=delivery or str(uuid.uuid4()))
    return Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code


def test_stock_goes_out_an_order_comes_in_and_its_tracking_goes_out(shop, channel, house, thing):
    assert shop.books.stock() == {thing.code: 10}
    order_id = shop.books.place_order([(thing.code, 4)])
    settle()
    row = ChannelOrder.objects.get()
    due = datetime.fromisoformat(shop.books.line(order_id)["lineItemFulfillmentInstructions"]["shipByDate"])
    assert (row.status, row.external_id, row.ship_by) == ("imported", order_id, due)
    order = Order.objects.get()
    assert (order.reference, order.ship_by, order.lines.get().quantity) == (f"EBY-{order_id}", due, 4)
    assert shop.books.stock() == {thing.code: 6}

    leave(order, "WMS-1", 3, last=False)
    leave(order, "WMS-2", 1)
    deliver_all()
    assert shop.books.told(order_id) == [("WMS1", "Other"), ("WMS2", "Other")]
    settle()
    assert shop.books.told(order_id) == [("WMS1", "Other"), ("WMS2", "Other")]
    assert [told.error for told in ToldParcel.objects.all()] == ["", ""]
    assert ChannelOrder.objects.get().problem == ""
    assert drift.compare(channel) == []


@pytest.mark.parametrize("fault", [throttle("3"), fail(500), hang_up_after_work])
def test_a_shop_in_trouble_hears_later(shop, channel, house, thing, fault):
    shop.misbehave("bulkUpdatePriceQuantity", fault)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    settle()
    assert shop.books.stock() == {thing.code: 15}
    assert Listing.objects.get().last_error == ""


def test_a_listing_that_was_revised_too_often_leaves_the_channel_in_peace(shop, channel, house, thing):
    text = "You have reached the maximum of 250 revisions for this listing."
    shop.misbehave("bulkUpdatePriceQuantity", rows({thing.code: (400, 25002, text)}))
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    channel.refresh_from_db()
    assert (channel.failures, Listing.objects.get().last_error) == (0, f"spent: 25002: {text}")
    waiting = OutboxEvent.objects.get(topic="channel.stale")
    assert waiting.due_at > waiting.created_at
    Listing.objects.update(revised_on="2026-01-01")  # another day
    settle()
    assert shop.books.stock() == {thing.code: 15}


def test_a_message_brings_the_order_at_once_and_once(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 1)])
    assert [hook(channel, shop, order_id, delivery=name) for name in ("one", "one", "two")] == [200, 200, 200]
    deliver_all()
    assert Order.objects.get().reference == f"EBY-{order_id}"
    assert WebhookDelivery.objects.count() == 2
    assert (len(shop.made("getOrder")), len(shop.made("getPublicKey"))) == (1, 1)


def test_a_buyer_who_closed_his_account_is_forgotten_and_the_notice_leaves_no_trace(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 1)])
    other_id = shop.books.place_order([(thing.code, 1)], buyer={"username": "ada"})
    assert [hook(channel, shop, key) for key in (order_id, other_id)] == [200, 200]
    deliver_all()
    Order.objects.update(status="shipped", shipped_at=datetime.now().astimezone())
    headers, body = shop.message("MARKETPLACE_ACCOUNT_DELETION", {"username": "grace", "userId": "u-1", "eiasToken": "x"})
    for _twice in range(2):
        assert Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code == 200
    assert not OutboxEvent.objects.filter(payload__icontains="grace").exists()
    deliver_all()
    left = {row.external_id: row.raw.opened()["raw"]["buyer"] for row in ChannelOrder.objects.exclude(raw=None).select_related("raw")}
    assert left == {other_id: {"username": "ada"}}
    assert [order.reference for order in Order.objects.filter(erased_at__isnull=False)] == [f"EBY-{order_id}"]
    assert {each.topic for each in WebhookDelivery.objects.all()} == {"ORDER_CONFIRMATION"}
    forged = Client().post(f"/hooks/{channel.pk}", data=body.replace(b"grace", b"ada!!"), content_type="application/json", headers=headers)
    assert forged.status_code == 401


def test_a_message_whose_key_cannot_be_had_comes_again(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 1)])
    shop.misbehave("getPublicKey", fail(500))
    assert hook(channel, shop, order_id, delivery="one") == 503
    assert not WebhookDelivery.objects.exists()
    assert hook(channel, shop, order_id, delivery="one") == 200
    deliver_all()
    assert Order.objects.get().reference == f"EBY-{order_id}"


def test_a_message_with_a_false_signature(shop, channel, thing):
    headers, _body = shop.message("ORDER_CONFIRMATION", {})
    sent = Client().post(f"/hooks/{channel.pk}", data=b"{}", content_type="application/json", headers=headers)
    assert sent.status_code == 401
    assert not WebhookDelivery.objects.exists()


def test_the_hook_proves_itself_while_it_is_subscribed(shop, channel, live_server):
    def ask(url: str, code: str) -> str:
        return str(httpx.get(url, params={"challenge_code": code}, trust_env=False).json()["challengeResponse"])

    shop.answers.ask_endpoint = ask
    url = f"{live_server.url}/hooks/{channel.pk}"
    (made,) = subscribing.subscribe(channel=channel, url=url)
    assert made.topic == "ORDER_CONFIRMATION"
    (target,) = shop.books.destinations.values()
    assert target["deliveryConfig"] == {"endpoint": url, "verificationToken": channel.opened_secret()}


@pytest.mark.parametrize("left", [False, True])
def test_a_request_to_cancel_is_answered_by_what_the_warehouse_could_do(shop, channel, thing, left):
    order_id = shop.books.place_order([(thing.code, 2)])
    settle()
    order = Order.objects.get()
    if left:
        shop.misbehave("createShippingFulfillment", fail(500))  # eBay has not heard of the parcel when the buyer asks
        leave(order, "WMS1", 2)
        deliver_all()
    shop.books.request_cancellation(order_id)
    settle()
    order.refresh_from_db()
    if left:
        assert len(shop.made("rejectCancellation")) == 1
        assert shop.books.told(order_id) == [("WMS1", "Other")]
        assert order.status == "shipped"
    else:
        assert len(shop.made("approveCancellation")) == 1
        assert order.status == "cancelled"
        assert shop.books.stock() == {thing.code: 10}


def test_an_answer_to_a_request_that_is_lost_is_given_again(shop, channel, thing):
    """Though the order itself was told and taken in."""
    order_id = shop.books.place_order([(thing.code, 2)])
    settle()
    shop.books.request_cancellation(order_id)
    shop.misbehave("approveCancellation", fail(500))
    assert hook(channel, shop, order_id) == 200
    deliver_all()
    assert len(shop.made("approveCancellation")) == 1
    make_due()
    deliver_all()
    assert len(shop.made("approveCancellation")) == 2
    make_due()
    deliver_all()
    assert Order.objects.get().status == "cancelled"
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def test_a_request_that_we_may_not_answer_leaves_the_channel_in_peace(shop, channel, house, thing):
    """Sellers in the EU need more than keys for it: they answer by hand."""
    order_id = shop.books.place_order([(thing.code, 2)])
    settle()
    shop.books.request_cancellation(order_id)
    shop.misbehave("approveCancellation", refuse(403, 215001, "A digital signature is missing."), times=5)
    settle()
    asked = len(shop.made("approveCancellation"))
    shop.behave()
    assert asked >= 1
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until) == (0, None)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 15}
