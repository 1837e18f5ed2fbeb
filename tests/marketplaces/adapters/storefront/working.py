"""A channel of a loopback shop, its messages to the hook, and time that passes."""

from typing import Any

from django.test import Client
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces.models import Channel
from tests import make
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop, message
from tests.marketplaces.shops import connect_as, deliver_all


def connected(shop: StorefrontShop, house: Warehouse, thing: Sku, **keys: str) -> Channel:
    """The shop sells the sku, of which the warehouse has 10, and has been told."""
    shop.books.add_listing(sku=thing.code, quantity=3)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    made = connect_as("storefront", shop, {"secret": SECRET, **keys}, thing.merchant, house, name="Own shop", code="OWN")
    deliver_all()
    return made


def hook(channel: Channel, kind: str, data: Any, **more: Any) -> int:
    """Send a message as the shop would; answers the status."""
    headers, body = message(kind, data, **more)
    return Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code


def tell(shop: StorefrontShop, channel: Channel, order_id: str, **more: Any) -> int:
    """The order as it is now, as the shop's own message."""
    body = {"type": "order.changed", "timestamp": timezone.now().isoformat(), "data": shop.books.orders[order_id]}
    assert ours().told_problems(body) == []
    return hook(channel, "order.changed", shop.books.orders[order_id], **more)
