"""What a shop says of its order 501 once it is taken in, and an order that is none of the shop's."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import order_import
from marketplaces.models import Channel
from outbound import orders
from tests import make
from tests.marketplaces.shops import sale


def say(channel: Channel, thing: Sku, minutes: int = 1, **more: Any) -> None:
    """The shop's next word of the order, of in so many minutes: what it says then is newer than what it said before."""
    at = timezone.now()
    order_import.import_orders(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=minutes), **more)])


def another(house: Warehouse, thing: Sku) -> int:
    """An order that came in by itself, due after the shop's."""
    due = timezone.now() + timedelta(days=30)
    return orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, ship_by=due)).id
