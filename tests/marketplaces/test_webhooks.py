"""The shop's own messages over real HTTP; what the hook refuses is in test_order_import.py."""

import pytest

from inventory.models import Availability
from marketplaces import channels
from marketplaces.models import ChannelOrder, WebhookDelivery
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_shop_that_repeats_its_messages_is_believed_once(shop, live_server):
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    shop.hooks.repeats = 2
    subscribed = channels.subscribe(channel=channel, url=f"{live_server.url}/hooks/{channel.pk}")
    assert {subscription.topic for subscription in subscribed} >= {"order.created", "order.updated"}
    number = shop.books.place_order([(thing.code, 4)], shipping=BUYER)
    shop.books.change_order(number, {"customer_note": "Ring twice"})
    shop.hooks.drain()

    assert {status for _topic, status in shop.hooks.sent} == {200}
    assert ("ping", 200) in shop.hooks.sent
    assert WebhookDelivery.objects.count() == len({topic for topic, _status in shop.hooks.sent if topic.startswith("order")})
    shops.deliver_all()
    assert ChannelOrder.objects.get().order == Order.objects.get()
    assert Availability.objects.get().committed == 4
    assert shop.books.stock() == {thing.code: 6}

    shop.books.change_order(number, {"status": "cancelled"})
    shop.hooks.drain()
    shops.deliver_all()
    assert Order.objects.get().status == "cancelled"
    assert shop.books.stock() == {thing.code: 10}


def test_a_changed_secret_loses_no_order(shop, live_server):
    """What was signed with the old secret is stored already: the poll brings its order."""
    thing = make.sku(make.merchant())
    channel = shops.selling(shop, make.warehouse(), {thing: 10})
    shops.hook(channel, shop.books.order(shop.books.place_order([(thing.code, 4)], shipping=BUYER)))
    other = shops.connect(shop, channel.merchant, channel.warehouse, name="Other")
    channel.webhook_secret = other.webhook_secret
    channel.save()
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"
