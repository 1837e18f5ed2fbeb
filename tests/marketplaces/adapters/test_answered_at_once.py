"""A message is answered at once and kept as it came, though somebody else holds the channel, as whoever takes in a long page of orders does.

The platforms grant a second. Here nothing slow is waited for; how long an answer takes under a burst is measured by `wms bench sync`.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from inventory.models import Sku
from marketplaces.holding import hold
from marketplaces.models import Channel, Listing, WebhookDelivery
from outbound.models import Order
from tests.marketplaces import shops
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.storefront.working import hook
from tests.marketplaces.platforms import Platform, opened, shopify_says
from tests.races.stop import somebody_waits_for_us, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["ebay", "shopify", "storefront", "woocommerce"])
def platform(request: pytest.FixtureRequest, shared_path: Path) -> Iterator[Platform]:
    with opened(request.param, shared_path / "contracts") as platform:
        yield platform


@pytest.fixture
def busy(platform: Platform, channel: Channel) -> Callable[[], AbstractContextManager[None]]:
    """Somebody else holds the channel until the message is answered, or waits for him. Neither is he waited for, nor is the shop asked anything."""
    holding, answered = threading.Event(), threading.Event()
    waited_for: list[bool] = []

    def work() -> None:
        try:
            with transaction.atomic():
                hold(channel.pk)
                holding.set()
                wait_until(lambda: answered.is_set() or somebody_waits_for_us())
                waited_for.append(not answered.is_set())
        finally:
            connection.close()

    @contextmanager
    def busy() -> Iterator[None]:
        somebody, asked = threading.Thread(target=work), len(platform.shop.calls)
        somebody.start()
        assert holding.wait(10)
        try:
            yield
        finally:
            answered.set()
            somebody.join()
        assert (waited_for, platform.shop.calls[asked:]) == ([False], [])

    return busy


def test_of_an_order(platform, channel, thing, busy):
    number, other = platform.order(thing.code), platform.order(thing.code)
    assert platform.say(channel, number, 1) == 200  # what is read once for all, such as eBay's key, is read
    with busy():
        assert platform.say(channel, other, 1) == 200
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
def test_of_a_listing(platform, channel, thing, busy):
    with busy():
        assert offer(platform, channel, thing) == 200
    kept = [delivery.raw.opened()["body"] for delivery in WebhookDelivery.objects.all()]
    shops.deliver_all()
    if platform.adapter == "storefront":
        assert [json.loads(body)["data"]["sku"] for body in kept] == ["NEW"]
        assert Listing.objects.get(external_sku="NEW").external_id == "99"
