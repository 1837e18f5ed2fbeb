"""A number that moved in the shop costs two calls of what the shop grants: the one that found it out, and the one upon what it showed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import drift, pace
from marketplaces.models import Channel, ChannelPace, Listing
from marketplaces.port import Allowance
from tests import make
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.shops import deliver_all, settle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def sell_and_push(shop: StorefrontShop, channel: Channel, house: Warehouse, thing: Sku, *, left: float, per_second: float) -> None:
    """The shop, which shows 10, sells 2 of them, and 5 more arrive here while it grants `left` calls."""
    pace.heard(channel, Allowance(available=left, maximum=10, per_second=per_second, at=timezone.now()))
    shop.books.place_order([(thing.code, 2)])
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    shop.calls.clear()
    deliver_all()


def told(shop: StorefrontShop) -> list[tuple[int, int]]:
    return [(row["quantity"], row["expected"]) for call in shop.made("stock.set") for row in call.data["rows"]]


AGAIN = (13, 13)
"""Taking the order in changes what is promised: its number is told as ever."""


def test_every_call_is_counted(shop: StorefrontShop, channel: Channel, house: Warehouse, thing: Sku) -> None:
    sell_and_push(shop, channel, house, thing, left=5, per_second=0.001)
    assert told(shop) == [(15, 10), (13, 8), AGAIN]
    assert round(ChannelPace.objects.get().available, 1) == 2.0


def test_one_that_is_not_granted_waits_and_sells_nothing_twice(
    shop: StorefrontShop, channel: Channel, house: Warehouse, thing: Sku
) -> None:
    sell_and_push(shop, channel, house, thing, left=1, per_second=0.001)
    assert told(shop) == [(15, 10)], "the second call was not the shop's to take"
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 8}, 10)
    settle()
    assert shop.books.stock() == {thing.code: 13}
    assert drift.compare(channel) == []


def test_one_that_is_granted_in_a_moment_is_waited_for(shop: StorefrontShop, channel: Channel, house: Warehouse, thing: Sku) -> None:
    sell_and_push(shop, channel, house, thing, left=1, per_second=4)
    assert told(shop) == [(15, 10), (13, 8), AGAIN]
    assert ChannelPace.objects.get().available < 1
    assert shop.books.stock() == {thing.code: 13}
