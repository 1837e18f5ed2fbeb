"""Messages that the shop pushes: subscribed once, believed only when signed."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.adapters.woocommerce.webhooks import TOPICS, sign
from marketplaces.port import ChannelOrderState, ChannelUnavailable, EventKind, MessageUnreadable, SignatureInvalid, Subscription
from tests.marketplaces.woo_shop import WooShop, fail

SECRET = "a-secret_of-32-characters-0123456"


class Inbox:
    """A loopback server that keeps what shops push, and answers with `status`."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.messages.append((dict(self.headers.items()), body))
                self.send_response(inbox.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/7"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    thread = threading.Thread(target=inbox.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()
    thread.join(timeout=5)


def event_of(woo: WooCommerce, message: tuple[dict[str, str], bytes]) -> Any:
    headers, body = message
    return woo.webhook(headers=headers, body=body, secret=SECRET)


def signed(payload: Any, topic: str, **headers: str) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    names = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": sign(body, SECRET), "X-WC-Webhook-Delivery-ID": "d1", **headers}
    return {"headers": names, "body": body, "secret": SECRET}


def test_subscribing_makes_one_webhook_for_each_topic(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    subscriptions = woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    assert tuple(row.topic for row in subscriptions) == TOPICS
    assert [(row["id"], row["topic"], row["status"], row["delivery_url"]) for row in shop.books.webhooks.values()] == [
        (int(row.subscription_id), row.topic, "active", inbox.url) for row in subscriptions
    ]
    assert set(shop.books.secrets.values()) == {SECRET}


def test_the_unsigned_pings_are_taken_and_mean_nothing(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    subscriptions = woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    shop.hooks.drain()
    assert len(inbox.messages) == len(TOPICS)
    events = [event_of(woo, message) for message in inbox.messages]
    assert {event.kind for event in events} == {EventKind.PING}
    assert [event.delivery_id for event in events] == [f"webhook_id={row.subscription_id}" for row in subscriptions]


def test_subscribing_again_mends_what_is_there(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    other = shop.books.add_webhook({"topic": TOPICS[0], "delivery_url": "https://elsewhere.example/", "secret": "theirs"})
    first = woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    shop.books.change_webhook(int(first[1].subscription_id), {"status": "disabled"})
    shop.books.add_webhook({"topic": TOPICS[2], "delivery_url": inbox.url, "secret": "old"})
    again = woo.subscribe_webhooks(url=inbox.url, secret=SECRET + "-new")
    assert again == first
    ours = [row for row in shop.books.webhooks.values() if row["delivery_url"] == inbox.url]
    assert [(row["topic"], row["status"]) for row in ours] == [(topic, "active") for topic in TOPICS]
    assert {shop.books.secrets[row["id"]] for row in ours} == {SECRET + "-new"}
    assert shop.books.secrets[other["id"]] == "theirs"


def test_a_broken_subscription_is_finished_by_the_repeat(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    shop.misbehave("POST webhooks", lambda call, proper: proper(), times=2)
    shop.misbehave("POST webhooks", fail(500))
    with pytest.raises(ChannelUnavailable):
        woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    assert len(shop.books.webhooks) == 2
    woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    assert sorted(row["topic"] for row in shop.books.webhooks.values()) == sorted(TOPICS)


def test_unsubscribing_takes_only_ours_away(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    other = shop.books.add_webhook({"topic": TOPICS[0], "delivery_url": "https://elsewhere.example/", "secret": "theirs"})
    woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    assert woo.unsubscribe_webhooks(url=inbox.url) == len(TOPICS)
    assert list(shop.books.webhooks) == [other["id"]]
    assert woo.unsubscribe_webhooks(url=inbox.url) == 0


@pytest.mark.parametrize("secret", ["", "short", "with spaces in it all", "less<than&more'than\"this", "x" * 129])
def test_a_secret_that_wordpress_would_change_is_not_used(shop: WooShop, woo: WooCommerce, secret: str) -> None:
    with pytest.raises(ValueError, match="16 to 128"):
        woo.subscribe_webhooks(url="https://wms.example/hooks/7", secret=secret)
    assert shop.calls == []


def test_an_order_is_pushed_with_all_that_is_needed(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    shop.books.add_product(sku="A", quantity=9)
    woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    shop.hooks.drain()
    inbox.messages.clear()
    order_id = shop.books.place_order([("A", 2)])
    shop.books.change_order(order_id, {"status": "cancelled"})
    shop.hooks.drain()
    events = [event for event in (event_of(woo, message) for message in inbox.messages) if event.kind is EventKind.ORDER]
    assert [(event.topic, event.order_id, event.order.state) for event in events] == [
        ("order.created", str(order_id), ChannelOrderState.PENDING),
        ("order.updated", str(order_id), ChannelOrderState.OPEN),
        ("order.updated", str(order_id), ChannelOrderState.CANCELLED),
    ]
    assert events[2].order == woo.order(str(order_id))


def test_repeats_carry_the_same_delivery_id(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    shop.books.add_product(sku="A", quantity=9)
    woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    shop.hooks.drain()
    inbox.messages.clear()
    shop.hooks.repeats = 2
    shop.books.place_order([("A", 2)], status="pending")
    shop.hooks.drain()
    events = [event_of(woo, message) for message in inbox.messages]
    assert [event.topic for event in events] == ["order.created"] * 3
    assert len({event.delivery_id for event in events}) == 1


def test_stock_that_changes_in_the_shop_is_announced(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    shirt = shop.books.add_product(sku="SHIRT", quantity=None, type="variable")
    large = shop.books.add_variation(shirt, sku="SHIRT-L", quantity=5)
    mug = shop.books.add_product(sku="MUG", quantity=5)
    woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    shop.hooks.drain()
    inbox.messages.clear()
    shop.books.change_product({"stock_quantity": 4}, product_id=mug)
    shop.books.change_product({"stock_quantity": 4}, product_id=large, parent_id=shirt)
    shop.hooks.drain()
    events = [event_of(woo, message) for message in inbox.messages]
    assert [(event.kind, event.listing_id) for event in events] == [(EventKind.LISTING, str(mug)), (EventKind.LISTING, f"{shirt}:{large}")]


def test_a_receiver_that_fails_too_often_is_switched_off(shop: WooShop, woo: WooCommerce, inbox: Inbox) -> None:
    """Why an endpoint must answer first and think later, and why subscribing again is part of the drift check."""
    mug = shop.books.add_product(sku="MUG", quantity=5)
    (updated,) = [row for row in woo.subscribe_webhooks(url=inbox.url, secret=SECRET) if row.topic == "product.updated"]
    shop.hooks.drain()
    inbox.status = 500
    for number in range(7):
        shop.books.change_product({"stock_quantity": number}, product_id=mug)
    shop.hooks.drain()
    assert shop.books.webhook(int(updated.subscription_id))["status"] == "disabled"
    assert [sent for sent in shop.hooks.sent if sent[0] == "product.updated"] == [("product.updated", 500)] * 6
    inbox.status = 200
    assert Subscription(updated.subscription_id, "product.updated") in woo.subscribe_webhooks(url=inbox.url, secret=SECRET)
    assert shop.books.webhook(int(updated.subscription_id))["status"] == "active"


def test_header_names_may_come_in_any_case(woo: WooCommerce) -> None:
    message = signed({"id": 5}, "order.deleted")
    message["headers"] = {name.lower(): value for name, value in message["headers"].items()}
    assert woo.webhook(**message).kind is EventKind.ORDER_DELETED


@pytest.mark.parametrize("signature", ["", "nonsense", "ä", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_a_wrong_signature_is_refused(woo: WooCommerce, signature: str) -> None:
    message = signed({"id": 5}, "order.deleted")
    message["headers"]["X-WC-Webhook-Signature"] = signature
    with pytest.raises(SignatureInvalid):
        woo.webhook(**message)


def test_a_changed_body_is_refused(woo: WooCommerce) -> None:
    message = signed({"id": 5}, "order.deleted")
    message["body"] = message["body"].replace(b"5", b"6")
    with pytest.raises(SignatureInvalid):
        woo.webhook(**message)


def test_without_a_secret_nothing_is_believed(woo: WooCommerce) -> None:
    body = b'{"id": 5}'
    with pytest.raises(SignatureInvalid):
        woo.webhook(headers={"X-WC-Webhook-Signature": sign(body, "")}, body=body, secret="")


@pytest.mark.parametrize("body", [b"", b"webhook_id=", b"webhook_id=1&order=2", b"webhook_id=1\n", b'{"webhook_id": 1}', b"webhook_id=x"])
def test_only_the_bare_ping_comes_unsigned(woo: WooCommerce, body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        woo.webhook(headers={}, body=body, secret=SECRET)


@pytest.mark.parametrize("body", [b"[]", b"not json", b"{}", b'{"id": "x"}', b"null", b'{"id": null}', b"\xff"])
def test_signed_nonsense_is_named(woo: WooCommerce, body: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        woo.webhook(**signed(body, "order.updated"))


def test_a_signed_order_that_makes_no_sense_is_named(woo: WooCommerce) -> None:
    with pytest.raises(MessageUnreadable):
        woo.webhook(**signed({"id": 5, "line_items": []}, "order.updated"))


def test_the_unsigned_topic_cannot_turn_an_order_into_a_deletion(shop: WooShop, woo: WooCommerce) -> None:
    shop.books.add_product(sku="A", quantity=9)
    order_id = shop.books.place_order([("A", 2)])
    event = woo.webhook(**signed(shop.books.order(order_id), "order.deleted"))
    assert event.kind is EventKind.ORDER
    assert event.order
    assert event.order.state is ChannelOrderState.OPEN


def test_an_order_with_refunds_has_to_be_asked_for(shop: WooShop, woo: WooCommerce) -> None:
    shop.books.add_product(sku="A", quantity=9)
    order_id = shop.books.place_order([("A", 2)])
    shop.books.refund(order_id, {shop.books.order(order_id)["line_items"][0]["id"]: 1})
    event = woo.webhook(**signed(shop.books.order(order_id), "order.updated"))
    assert (event.kind, event.order_id, event.order) == (EventKind.ORDER, str(order_id), None)


def test_a_product_of_which_parts_are_sold_is_no_news_and_no_nonsense(woo: WooCommerce) -> None:
    product = {"id": 7, "type": "simple", "manage_stock": True, "stock_quantity": 2.5, "date_modified_gmt": "2030-01-31T17:00:00"}
    event = woo.webhook(**signed(product, "product.updated"))
    assert (event.kind, event.listing_id, event.shown) == (EventKind.LISTING, "7", {})


def test_topics_that_nobody_asked_for(woo: WooCommerce) -> None:
    assert woo.webhook(**signed({"id": 5}, "customer.created")).kind is EventKind.OTHER
    assert woo.webhook(**signed({"id": 5}, "order.updated")).kind is EventKind.OTHER
    assert woo.webhook(**signed({"id": 5}, "product.deleted")).kind is EventKind.LISTING_DELETED


def test_without_a_delivery_id_the_body_is_the_id(woo: WooCommerce) -> None:
    message = signed({"id": 5}, "order.deleted")
    del message["headers"]["X-WC-Webhook-Delivery-ID"]
    first, second = woo.webhook(**message), woo.webhook(**message)
    assert first.delivery_id == second.delivery_id != ""
