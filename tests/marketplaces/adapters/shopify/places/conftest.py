"""Two locations of one shop, each with the numbers of a warehouse of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.marketplaces.adapters.shopify.books import ELSEWHERE
from tests.marketplaces.adapters.shopify.shop import ShopifyShop

if TYPE_CHECKING:
    from tests.marketplaces.adapters.shopify.places.two import Place


@pytest.fixture
def shop(shop_of_today: ShopifyShop) -> ShopifyShop:
    return shop_of_today


@pytest.fixture
def two(shop: ShopifyShop) -> Place:
    from marketplaces import channels
    from tests import make
    from tests.marketplaces.adapters.shopify.places.two import EAST, WEST, Place, connect, locate
    from tests.marketplaces.shops import deliver_all

    west, east, thing = make.warehouse("WEST"), make.warehouse("EAST"), make.sku(make.merchant())
    item = shop.books.add_product(sku=thing.code, quantity=3)
    shop.books.items[item]["levels"][ELSEWHERE] = 0
    place = Place(shop, connect(shop, west, east, thing), west, east, thing)
    place.stock(west, 10)
    place.stock(east, 4)
    channels.fetch_listings(channel=place.channel)
    locate(place.channel, west, east, WEST=WEST, EAST=EAST)
    deliver_all()
    shop.calls.clear()
    return place
