"""What Amazon says by itself: subscriptions into the merchant's queue, and what stands in the messages."""

import json

import pytest

from marketplaces.adapters.amazon import Amazon
from marketplaces.adapters.amazon.notifications import FEEDS, ORDERS, STOCK, read
from marketplaces.port import ChannelEvent, ChannelRefused, ChannelUnavailable, EventKind, MessageUnreadable, SignatureInvalid
from tests.marketplaces.adapters.amazon.books import HERE, SELLER, THERE
from tests.marketplaces.adapters.amazon.contracts import NOTIFICATIONS
from tests.marketplaces.adapters.amazon.messages import feed_finished, order_change, stock_change
from tests.marketplaces.adapters.amazon.shop import AmazonShop, errors
from tests.marketplaces.misbehaving import fail

from .conftest import adapter

ARN = "arn:aws:sqs:us-east-1:123456789012:amazon-said"
QUEUE = {"queue_arn": ARN, "aws_access_key_id": "AKIA1", "aws_secret_access_key": "s"}


@pytest.fixture
def amazon(shop: AmazonShop, client, naps) -> Amazon:
    return adapter(shop, client, **QUEUE)


def subscribed(shop: AmazonShop) -> dict[str, str]:
    return {kind: row["destinationId"] for kind, row in shop.books.subscriptions.items()}


def test_the_queue_is_subscribed_to_once(shop: AmazonShop, amazon: Amazon) -> None:
    first = amazon.subscribe_webhooks(url="https://unused.example", secret="s")
    assert [row.topic for row in first] == [ORDERS, STOCK, FEEDS]
    (destination,) = shop.books.destinations.values()
    assert destination["resource"] == {"sqs": {"arn": ARN}}
    assert destination["name"] == "wms amazon-said"
    assert subscribed(shop) == dict.fromkeys([ORDERS, STOCK, FEEDS], destination["destinationId"])
    assert shop.books.subscriptions[ORDERS]["processingDirective"] == {
        "eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"]}
    }
    assert {kind: row["payloadVersion"] for kind, row in shop.books.subscriptions.items()} == {
        ORDERS: "1.0",
        STOCK: "1.0",
        FEEDS: "2020-09-04",
    }
    assert amazon.subscribe_webhooks(url="", secret="") == first
    assert len(shop.made("createSubscription|createDestination")) == 4


def test_calls_of_the_app_itself_have_a_token_of_their_own(shop: AmazonShop, amazon: Amazon) -> None:
    amazon.subscribe_webhooks(url="", secret="")
    app, seller = shop.made("token")
    assert (app.body["grant_type"], app.body["scope"]) == ("client_credentials", "sellingpartnerapi::notifications")
    assert "refresh_token" not in app.body
    assert seller.body["grant_type"] == "refresh_token"


def test_what_fills_another_queue_is_moved_here(shop: AmazonShop, amazon: Amazon) -> None:
    shop.books.destinations["old"] = {"destinationId": "old", "name": "x", "resource": {"sqs": {"arn": f"{ARN}-old"}}}
    shop.books.subscriptions[ORDERS] = {"subscriptionId": "s0", "payloadVersion": "1.0", "destinationId": "old"}
    amazon.subscribe_webhooks(url="", secret="")
    assert set(subscribed(shop).values()) == set(shop.books.destinations) - {"old"}
    assert len(subscribed(shop)) == 3


def test_the_end_of_it(shop: AmazonShop, amazon: Amazon) -> None:
    assert amazon.unsubscribe_webhooks(url="") == 0
    amazon.subscribe_webhooks(url="", secret="")
    shop.books.subscriptions[STOCK]["destinationId"] = "another"
    assert amazon.unsubscribe_webhooks(url="") == 2
    assert subscribed(shop) == {STOCK: "another"}


def test_without_a_queue_there_is_nothing_to_subscribe(shop: AmazonShop, client, naps) -> None:
    plain = adapter(shop, client)
    with pytest.raises(ChannelRefused) as caught:
        plain.subscribe_webhooks(url="", secret="")
    assert caught.value.channel_code == "no_queue"
    assert (plain.unsubscribe_webhooks(url=""), plain.heard(wait_s=0), shop.calls) == (0, [], [])


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        ("getDestinations", fail(500), ChannelUnavailable),
        ("getDestinations", fail(200, '{"payload": [{}]}'), ChannelUnavailable),
        ("createDestination", fail(200, "{}"), ChannelUnavailable),
        ("createDestination", errors(409, "Conflict"), ChannelRefused),
        ("getSubscription", fail(200, "{}"), ChannelUnavailable),
        ("createSubscription", errors(400, "InvalidInput"), ChannelRefused),
        ("createSubscription", fail(200, '{"payload": {}}'), ChannelUnavailable),
    ],
)
def test_a_subscription_that_fails_is_mended_by_the_next_try(shop: AmazonShop, amazon: Amazon, operation: str, fault, error) -> None:
    shop.misbehave(operation, fault)
    with pytest.raises(error):
        amazon.subscribe_webhooks(url="", secret="")
    assert len(amazon.subscribe_webhooks(url="", secret="")) == 3
    assert (len(shop.books.destinations), len(shop.books.subscriptions)) == (1, 3)


def test_whatever_comes_to_an_address_is_not_from_amazon(amazon: Amazon) -> None:
    body = json.dumps(order_change("902-1")).encode()
    with pytest.raises(SignatureInvalid):
        amazon.webhook(headers={}, body=body, secret="s")


def told(message, *, seller: str = SELLER) -> ChannelEvent:
    return read(json.dumps(message), seller_id=seller, marketplace_ids=[HERE])


def test_an_order_that_changed(contracts) -> None:
    message = order_change("902-1", key="n1")
    assert contracts.document_problems(NOTIFICATIONS[ORDERS], message) == []
    assert told(message) == ChannelEvent(EventKind.ORDER, ORDERS, "n1", order_id="902-1")


def test_a_number_that_changed(contracts) -> None:
    message = stock_change("SKU-1", 7, key="n2")
    assert contracts.document_problems(NOTIFICATIONS[STOCK], message) == []
    assert told(message) == ChannelEvent(EventKind.LISTING, STOCK, "n2", listing_id="SKU-1", shown={"": 7})


def test_a_feed_that_is_done(contracts) -> None:
    message = feed_finished("500", key="n3")
    assert contracts.document_problems(NOTIFICATIONS[FEEDS], message) == []
    assert told(message) == ChannelEvent(EventKind.SUBMISSION, FEEDS, "n3", ticket="500")


@pytest.mark.parametrize("kind", [ORDERS, STOCK, FEEDS])
def test_amazon_s_own_examples_are_read(contracts, kind: str) -> None:
    example = contracts.example(kind)
    assert contracts.document_problems(NOTIFICATIONS[kind], example) == []
    event = told(example, seller="A3TH9S8BH6GOGM" if kind != STOCK else "AXXXXXXXXXXXXX")
    expected = {
        ORDERS: ("d0e9e693-c3ad-4373-979f-ed4ec98dd746", "903-8868176-2219830", "", None, ""),
        STOCK: ("8e009934-da2c-4f9c-9bc7-93f23b7e1f60", "", "NLS-SHOES-03", 99, ""),
        FEEDS: ("d0e9e693-c3ad-4373-979f-ed4ec98dd746", "", "", None, "53347018456"),
    }
    assert (event.delivery_id, event.order_id, event.listing_id, event.shown.get(""), event.ticket) == expected[kind]


@pytest.mark.parametrize(
    "message",
    [
        order_change("902-1", seller="ANOTHER"),
        order_change("902-1", by="AFN"),
        order_change("902-1", marketplace=THERE),
        stock_change("SKU-1", 7, seller="ANOTHER"),
        stock_change("SKU-1", 7, by="AMAZON_NA"),
        feed_finished("500", seller="ANOTHER"),
        {**stock_change("SKU-1", 7), "NotificationType": "PRICING_HEALTH"},
    ],
)
def test_what_is_not_ours_is_heard_and_passed_over(message) -> None:
    event = told(message)
    assert (event.kind, event.order_id, event.listing_id, event.ticket) == (EventKind.OTHER, "", "", "")
    assert event.delivery_id == "8e009934-da2c-4f9c-9bc7-93f23b7e1f60"


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "{}", "7", '{"NotificationType": "ORDER_CHANGE"}', json.dumps({**order_change("1"), "Payload": {}})]
)
def test_nonsense(body: str) -> None:
    with pytest.raises(MessageUnreadable):
        read(body, seller_id=SELLER, marketplace_ids=[HERE])
