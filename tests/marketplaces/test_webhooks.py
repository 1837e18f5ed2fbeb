"""The shop's own messages over real HTTP; what the hook refuses is in test_order_import.py."""

import hmac
import json
from base64 import b64encode
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Availability
from marketplaces import subscribing
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.models import ChannelOrder, WebhookDelivery
from marketplaces.port import ChannelUnavailable
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_shop_that_repeats_its_messages_is_believed_once(shop, live_server):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    shop.hooks.repeats = 2
    subscribed = subscribing.subscribe(channel=channel, url=f"{live_server.url}/hooks/{channel.pk}")
    assert {subscription.topic for subscription in subscribed} >= {"order.created", "order.updated"}
    number = shop.books.place_order([(thing.code, 4)], shipping=BUYER)
    shop.books.change_order(number, {"customer_note": "Ring twice"})
    shop.hooks.drain()

    assert {status for _topic, status in shop.hooks.sent} == {200}
    assert ("ping", 200) in shop.hooks.sent
    told = [topic for topic, _status in shop.hooks.sent if topic.startswith("order")]
    assert told == ["order.created"] * 3 + ["order.updated"] * 3 * 2  # placed, paid, changed: each of them three times
    assert WebhookDelivery.objects.count() == OutboxEvent.objects.filter(topic="channel.heard").count() == 3
    shops.deliver_all()
    assert ChannelOrder.objects.get().parts.get().order == Order.objects.get()
    assert Availability.objects.get().committed == 4
    assert shop.books.stock() == {thing.code: 6}

    shop.books.change_order(number, {"status": "cancelled"})
    shop.hooks.drain()
    shops.deliver_all()
    assert Order.objects.get().status == "cancelled"
    assert shop.books.stock() == {thing.code: 10}


def test_two_messages_of_one_second_are_two(shop):
    """The shop makes the id of a delivery of its webhook's and the second."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    for quantity in (4, 3):
        order = shop.books.order(shop.books.place_order([(thing.code, quantity)], shipping=BUYER))
        assert [shops.hook(channel, order, delivery="one") for _time in range(2)] == [200, 200]
    assert WebhookDelivery.objects.count() == 2
    shop.calls.clear()
    shops.deliver_all()
    assert (Availability.objects.get().committed, shop.made("GET orders")) == (7, [])


def test_a_changed_secret_loses_no_order(shop):
    """What was signed with the old secret was believed when it came."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    shops.hook(channel, shop.books.order(shop.books.place_order([(thing.code, 4)], shipping=BUYER)))
    other = shops.connect(shop, channel.merchant, channel.warehouse, name="Other")
    channel.webhook_secret = other.webhook_secret
    channel.save()
    shop.calls.clear()
    shops.deliver_all()
    assert (ChannelOrder.objects.get().status, shop.made("GET orders")) == ("imported", [])


def keyless(*_self, **_message):
    raise ChannelUnavailable(reason="the key that signed it cannot be had")


def test_a_message_whose_key_cannot_be_had_comes_again(shop, monkeypatch):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    order = shop.books.order(shop.books.place_order([(thing.code, 4)], shipping=BUYER))
    with monkeypatch.context() as patched:
        patched.setattr(WooCommerce, "webhook", keyless)
        assert shops.hook(channel, order, delivery="one") == 503
    assert not WebhookDelivery.objects.exists()
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()
    assert shops.hook(channel, order, delivery="one") == 200
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"


def test_a_message_is_checked_once(shop, monkeypatch):
    """When it came: the platform's key may be gone by its turn."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    shops.hook(channel, shop.books.order(shop.books.place_order([(thing.code, 4)], shipping=BUYER)))
    monkeypatch.setattr(WooCommerce, "webhook", keyless)
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"


def test_a_hook_proves_itself_to_a_shop_that_asks(shop, monkeypatch):
    channel = shops.selling(shop, make.warehouse(), {make.sku(make.merchant()): 10})
    asked = []

    def challenge(_self, query, *, url, secret):
        asked.append((dict(query), url, secret))
        return '{"proof": 7}' if query else None

    monkeypatch.setattr(WooCommerce, "challenge", challenge)
    answer = Client().get(f"/hooks/{channel.pk}", {"code": "x"}, secure=True)
    assert (answer.status_code, answer["Content-Type"], answer.json()) == (200, "application/json", {"proof": 7})
    assert Client().get(f"/hooks/{channel.pk}").status_code == 405
    url = f"https://testserver/hooks/{channel.pk}"
    assert asked == [({"code": "x"}, url, channel.opened_secret()), ({}, url.replace("https", "http"), channel.opened_secret())]
    assert Client().get("/hooks/999999", {"code": "x"}).status_code == 404


def test_the_headers_that_sign_a_message_are_kept_and_no_others(shop):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    body = json.dumps(shop.books.order(shop.books.place_order([(thing.code, 4)], shipping=BUYER))).encode()
    signed = {
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-signature": b64encode(hmac.new(channel.opened_secret().encode(), body, "sha256").digest()).decode(),
        "x-wc-webhook-delivery-id": "one",
        "webhook-id": "msg_1",
    }
    headers = {**signed, "cookie": "who=me"}
    assert Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code == 200
    kept = WebhookDelivery.objects.get().raw.opened()["headers"]
    assert timezone.now() - datetime.fromisoformat(kept.pop("received-at")) < timedelta(minutes=1)
    assert kept == {**signed, "content-type": "application/json"}
