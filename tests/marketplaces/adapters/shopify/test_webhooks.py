"""Messages that the shop pushes."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketplaces.adapters.shopify import Shopify
from marketplaces.adapters.shopify.webhooks import TOPICS, sign
from marketplaces.port import ChannelRefused, ChannelUnavailable, EventKind, MessageUnreadable, SignatureInvalid
from tests.conftest import installed
from tests.marketplaces.adapters.shopify.sdk import official_sdk
from tests.marketplaces.adapters.shopify.shop import ShopifyShop, change_answer
from tests.marketplaces.misbehaving import fail

from .conftest import SECRET

URL = "https://wms.example/hooks/7"
GIVEN = {"event": "5d3c1e2a-event", "delivery": "b54557e4-delivery"}


def message(topic: str, payload: Any, *, age: timedelta | None = timedelta(0), **changes: Any) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-SHA256": sign(body, SECRET),
        "X-Shopify-Webhook-Id": changes.get("delivery", GIVEN["delivery"]),
        "X-Shopify-Event-Id": changes.get("event", GIVEN["event"]),
    }
    if age is not None:
        headers["X-Shopify-Triggered-At"] = (datetime.now(UTC) - age).isoformat()
    return {"headers": headers, "body": body, "secret": "not the app's"}


@pytest.mark.parametrize(
    ("topic", "payload", "kind", "order_id", "listing_id"),
    [
        ("orders/create", {"id": 820982911946154508}, EventKind.ORDER, "820982911946154508", ""),
        ("orders/updated", {"id": 7}, EventKind.ORDER, "7", ""),
        ("orders/cancelled", {"id": 7}, EventKind.ORDER, "7", ""),
        ("refunds/create", {"id": 3, "order_id": 7}, EventKind.ORDER, "7", ""),
        (
            "fulfillment_orders/cancellation_request_submitted",
            {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/9", "status": "in_progress"}},
            EventKind.ORDER,
            "work:9",
            "",
        ),
        (
            "fulfillment_orders/moved",
            {"original_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/9"}},
            EventKind.ORDER,
            "work:9",
            "",
        ),
        ("inventory_levels/update", {"inventory_item_id": 4, "location_id": 71, "available": 3}, EventKind.LISTING, "", "4"),
        ("products/delete", {"id": 788032119674292922}, EventKind.LISTING_DELETED, "", ""),
        ("app/uninstalled", {"id": 1}, EventKind.OTHER, "", ""),
    ],
)
def test_a_message_says_where_to_look(
    shop: ShopifyShop, shopify: Shopify, topic: str, payload: Any, kind: EventKind, order_id: str, listing_id: str
) -> None:
    event = shopify.webhook(**message(topic, payload))
    assert (event.kind, event.topic, event.order_id, event.listing_id, event.order) == (kind, topic, order_id, listing_id, None)
    assert shop.calls == []


CUSTOMER = {"id": 191167, "email": "grace@example.com", "phone": "555-625-1199"}
SHOP = {"shop_id": 954889, "shop_domain": "mugs.myshopify.com"}
REDACT = {**SHOP, "customer": CUSTOMER, "orders_to_redact": [299938, 820982911946154508]}
REQUEST = {**SHOP, "orders_requested": [299938], "customer": CUSTOMER, "data_request": {"id": 9999}}


def test_a_buyer_who_wants_to_be_forgotten_is_named_by_his_orders(shopify: Shopify) -> None:
    event = shopify.webhook(**message("customers/redact", REDACT))
    assert (event.kind, event.buyer_ids, event.order_ids) == (
        EventKind.BUYER_DELETED,
        (str(CUSTOMER["id"]),),
        ("299938", "820982911946154508"),
    )
    assert shopify.webhook(**message("shop/redact", SHOP)).kind is EventKind.BUYERS_DELETED


def test_a_buyer_who_asks_for_his_data_is_named_with_his_orders(shopify: Shopify) -> None:
    event = shopify.webhook(**message("customers/data_request", REQUEST))
    assert (event.kind, event.request_id, event.order_ids) == (EventKind.DATA_REQUESTED, "9999", ("299938",))
    assert event.buyer == {"email": "grace@example.com", "phone": "555-625-1199", "id": "191167"}
    assert "grace" not in repr(event)
    short = shopify.webhook(**message("customers/data_request", {**SHOP, "orders_requested": []}))
    assert (short.kind, short.request_id, short.order_ids, short.buyer) == (EventKind.DATA_REQUESTED, "", (), {})
    with pytest.raises(MessageUnreadable):
        shopify.webhook(**message("customers/data_request", REDACT))


def test_no_other_signed_message_passes_for_one_that_forgets_buyers(shopify: Shopify) -> None:
    """The topic is not signed."""
    for body in (REQUEST, {"id": 7}):
        with pytest.raises(MessageUnreadable):
            shopify.webhook(**message("customers/redact", body))
    for body in (REDACT, REQUEST, {"id": 7}):
        assert shopify.webhook(**message("shop/redact", body)).kind is EventKind.OTHER
    with pytest.raises(SignatureInvalid):
        shopify.webhook(**(message("shop/redact", SHOP) | {"body": b'{"shop_id": 1}'}))


def test_a_signature_as_openssl_makes_it(tmp_path) -> None:
    body = b'{"id": 7, "note": "\xc3\xa9"}'
    (tmp_path / "body").write_bytes(body)
    command = f"openssl dgst -sha256 -hmac {SECRET} -binary {tmp_path / 'body'} | openssl base64"
    assert sign(body, SECRET) == subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def sdk() -> Path:
    return official_sdk()


VALIDATE = """
const [lib, input] = [process.argv[1], JSON.parse(require('fs').readFileSync(0))];
const logger = require.resolve(lib + '/lib/logger/index.js');
require.cache[logger] = {exports: {logger: () => ({debug: async () => {}})}, loaded: true, id: logger, filename: logger};
require(lib + '/runtime/http/index.js').setAbstractConvertRequestFunc(async (request) => request);
require(lib + '/lib/webhooks/validate.js').validateFactory({apiSecretKey: input.secret})({rawBody: input.body, headers: input.headers})
    .then((answer) => console.log(JSON.stringify(answer)));
"""


@pytest.mark.parametrize("tampered", [False, True])
def test_shopify_s_own_library_agrees(shopify: Shopify, sdk: Path, tampered: bool) -> None:
    sent = message("orders/create", '{"id": 7, "note": "é"}'.encode())
    sent["headers"] |= {"X-Shopify-Shop-Domain": "mugs.myshopify.com", "X-Shopify-API-Version": "2026-10"}
    if tampered:
        sent["body"] = sent["body"].replace(b"7", b"8")
    headers = {name: [value] for name, value in sent["headers"].items()}
    given = json.dumps({"secret": SECRET, "body": sent["body"].decode(), "headers": headers})
    node = installed("node", package="nodejs")
    done = subprocess.run([node, "-e", VALIDATE, str(sdk)], input=given, capture_output=True, text=True, check=True, timeout=60)
    theirs = json.loads(done.stdout)
    if tampered:
        assert theirs == {"valid": False, "reason": "invalid_hmac"}
        with pytest.raises(SignatureInvalid):
            shopify.webhook(**sent)
    else:
        event = shopify.webhook(**sent)
        assert (theirs["valid"], theirs["topic"], theirs["eventId"]) == (True, "ORDERS_CREATE", GIVEN["event"])
        assert (event.order_id, event.topic) == ("7", "orders/create")


@pytest.mark.parametrize("signature", ["", "AAAA", sign(b'{"id": 7}', "another secret"), "é", sign(b'{"id": 8}', SECRET)])
def test_a_false_signature_is_not_believed(shopify: Shopify, signature: str) -> None:
    sent = message("orders/create", b'{"id": 7}')
    sent["headers"]["X-Shopify-Hmac-SHA256"] = signature
    with pytest.raises(SignatureInvalid):
        shopify.webhook(**sent)


def test_what_was_believed_is_read_again_however_old_it_is_by_then(shopify: Shopify) -> None:
    sent = message("orders/create", {"id": 7})
    event = shopify.webhook(**sent)
    sent["headers"] |= {"X-Shopify-Triggered-At": "2020-01-01T00:00:00Z", "X-Shopify-Hmac-SHA256": "of another secret"}
    with pytest.raises(SignatureInvalid):
        shopify.webhook(**sent)
    assert shopify.reread(headers=sent["headers"], body=sent["body"]) == event


def test_header_names_come_in_any_case(shopify: Shopify) -> None:
    sent = message("orders/create", {"id": 7})
    sent["headers"] = {name.lower(): value for name, value in sent["headers"].items()}
    assert shopify.webhook(**sent).order_id == "7"


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (timedelta(hours=5), True),
        (timedelta(hours=7), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-15), False),
        (None, True),
    ],
)
def test_what_is_too_old_was_kept_by_somebody_else(shopify: Shopify, age: timedelta | None, good: bool) -> None:
    sent = message("orders/create", {"id": 7}, age=age)
    if good:
        assert shopify.webhook(**sent).order_id == "7"
    else:
        with pytest.raises(SignatureInvalid):
            shopify.webhook(**sent)


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-20T12:00:00", "0"])
def test_a_date_that_is_none(shopify: Shopify, moment: str) -> None:
    sent = message("orders/create", {"id": 7})
    sent["headers"]["X-Shopify-Triggered-At"] = moment
    with pytest.raises(SignatureInvalid):
        shopify.webhook(**sent)


def test_a_repeat_has_the_same_delivery_and_another_change_has_another(shopify: Shopify) -> None:
    def delivery(topic: str, payload: Any, **changes: Any) -> str:
        return shopify.webhook(**message(topic, payload, **changes)).delivery_id

    once = delivery("orders/updated", {"id": 7, "updated_at": "1"})
    assert once == delivery("orders/updated", {"id": 7, "updated_at": "1"}, delivery="a second subscription's")
    others = [
        delivery("orders/updated", {"id": 7, "updated_at": "2"}),
        delivery("orders/cancelled", {"id": 7, "updated_at": "1"}),
        delivery("orders/updated", {"id": 8, "updated_at": "1"}),
        delivery("orders/updated", {"id": 7, "updated_at": "1"}, event="another"),
        delivery("orders/updated", {"id": 7, "updated_at": "1"}, event="", delivery="one"),
        delivery("orders/updated", {"id": 7, "updated_at": "1"}, event="", delivery="two"),
    ]
    assert len({once, *others}) == 7
    assert max(map(len, [once, *others])) <= 100


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", b""),
        ("orders/create", b"[]"),
        ("orders/create", b"{}"),
        ("orders/create", b'{"id": "x"}'),
        ("orders/create", b'{"id": null}'),
        ("orders/create", b"\xff"),
        ("fulfillment_orders/moved", b"{}"),
        ("fulfillment_orders/moved", b'{"fulfillment_order": {"id": "x"}}'),
        ("fulfillment_orders/moved", b'{"fulfillment_order": 1}'),
        ("inventory_levels/update", b"{}"),
    ],
)
def test_signed_nonsense_is_unreadable(shopify: Shopify, topic: str, body: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        shopify.webhook(**message(topic, body))


def test_subscribing_makes_one_for_each_topic_and_mends_what_is_there(shop: ShopifyShop, shopify: Shopify) -> None:
    other = {"topic": "ORDERS_CREATE", "uri": "https://other.example/", "format": "JSON"}
    shop.books.subscriptions[1] = other
    made = shopify.subscribe_webhooks(url=URL, secret="unused")
    assert tuple(row.topic for row in made) == TOPICS
    assert {row["topic"] for row in shop.books.subscriptions.values() if row["uri"] == URL} == set(TOPICS)
    wanted = {call.variables["topic"]: call.variables["subscription"] for call in shop.made("Subscribe")}
    assert wanted["ORDERS_CREATE"]["includeFields"] == ["id", "admin_graphql_api_id", "updated_at"], "no buyer's data"
    # The shop has removed one, and somebody made one twice.
    lost, doubled = (int(row.subscription_id.rpartition("/")[2]) for row in made[:2])
    del shop.books.subscriptions[lost]
    shop.books.subscriptions[99] = dict(shop.books.subscriptions[doubled])
    again = shopify.subscribe_webhooks(url=URL, secret="unused")
    assert [row.subscription_id for row in again][1:] == [row.subscription_id for row in made][1:]
    assert sorted(row["topic"] for row in shop.books.subscriptions.values() if row["uri"] == URL) == sorted(TOPICS)
    assert shop.books.subscriptions[1] == other


def test_unsubscribing_takes_only_ours(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.books.subscriptions[1] = {"topic": "ORDERS_CREATE", "uri": "https://other.example/", "format": "JSON"}
    shopify.subscribe_webhooks(url=URL, secret="unused")
    assert shopify.unsubscribe_webhooks(url=URL) == len(TOPICS)
    assert shopify.unsubscribe_webhooks(url=URL) == 0
    assert list(shop.books.subscriptions) == [1]


def test_an_address_that_the_shop_refuses(shop: ShopifyShop, shopify: Shopify) -> None:
    with pytest.raises(ChannelRefused, match="must be https"):
        shopify.subscribe_webhooks(url="http://wms.example/hooks/7", secret="unused")


def test_subscriptions_that_cannot_be_read(shop: ShopifyShop, shopify: Shopify) -> None:
    shop.misbehave("Subscriptions", fail(200, {"data": {"webhookSubscriptions": None}}))
    shop.misbehave("Subscribe", change_answer(lambda data: data["webhookSubscriptionCreate"].update(webhookSubscription=None)))
    for _time in range(2):
        with pytest.raises(ChannelUnavailable):
            shopify.subscribe_webhooks(url=URL, secret="unused")
