"""A message is answered within a second and kept as it came, though somebody else holds the channel, as whoever takes in a long page of orders does."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from inventory.models import Sku, Warehouse
from marketplaces.holding import hold
from marketplaces.models import Channel, Listing, WebhookDelivery
from outbound.models import Order
from tests.marketplaces import shops
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.storefront.working import hook
from tests.marketplaces.platforms import Platform, opened, shopify_says

pytestmark = pytest.mark.django_db(transaction=True)

# What the platforms grant; and for so long the channel is held, so that who waits for it is known by the clock.
ANSWERED_S, HELD_S = 1.0, 2.5


@pytest.fixture(params=["ebay", "shopify", "storefront", "woocommerce"])
def platform(request: pytest.FixtureRequest, shared_path: Path) -> Iterator[Platform]:
    with opened(request.param, shared_path / "contracts") as platform:
        yield platform


@pytest.fixture
def channel(platform: Platform, house: Warehouse, thing: Sku) -> Channel:
    return platform.connect(house, thing)


@contextmanager
def held(channel: Channel) -> Iterator[None]:
    """In another session."""
    holding = threading.Event()

    def work() -> None:
        try:
            with transaction.atomic():
                hold(channel.pk)
                holding.set()
                time.sleep(HELD_S)
        finally:
            connection.close()

    somebody = threading.Thread(target=work)
    somebody.start()
    assert holding.wait(10)
    yield
    assert somebody.is_alive(), "it was not held so long"
    somebody.join()


def test_of_an_order(platform, channel, thing):
    number = platform.order(thing.code)
    assert platform.say(channel, number, 1) == 200  # what is read once for all, such as eBay's key, is read
    with held(channel):
        began = time.monotonic()
        assert platform.say(channel, platform.order(thing.code), 1) == 200
        assert time.monotonic() - began < ANSWERED_S
    assert [bool(delivery.raw.opened()["body"]) for delivery in WebhookDelivery.objects.all()] == [True, True]
    shops.deliver_all()
    assert Order.objects.count() == 2


def offer(platform: Platform, channel: Channel, thing: Sku) -> int:
    """What the shop says when a listing of its changes; one that sends its listings whole has a new one."""
    if platform.adapter == "woocommerce":
        return shops.hook(channel, platform.shop.books.by_sku(thing.code), topic="product.updated")
    if platform.adapter == "shopify":
        item = platform.shop.books.by_sku(thing.code)
        return shopify_says(channel, "inventory_levels/update", {"inventory_item_id": item, "location_id": HERE, "available": 50})
    return hook(channel, "listing.changed", {"id": "99", "sku": "NEW", "title": "New", "quantity": 50})


@pytest.mark.parametrize("platform", ["shopify", "storefront", "woocommerce"], indirect=True)
def test_of_a_listing(platform, channel, thing):
    with held(channel):
        began = time.monotonic()
        assert offer(platform, channel, thing) == 200
        assert time.monotonic() - began < ANSWERED_S
    kept = [delivery.raw.opened()["body"] for delivery in WebhookDelivery.objects.all()]
    shops.deliver_all()
    if platform.adapter == "storefront":
        assert [json.loads(body)["data"]["sku"] for body in kept] == ["NEW"]
        assert Listing.objects.get(external_sku="NEW").external_id == "99"
