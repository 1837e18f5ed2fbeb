from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.marketplaces.adapters.shopify.shop import ShopifyShop

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel


@pytest.fixture
def shop(shop_of_today: ShopifyShop) -> ShopifyShop:
    return shop_of_today


@pytest.fixture
def channel(shop: ShopifyShop, house: Warehouse, thing: Sku) -> Channel:
    """The shop sells the sku, of which the warehouse has 10, and has been told."""
    from tests import make
    from tests.marketplaces.adapters.shopify.books import HERE
    from tests.marketplaces.adapters.shopify.conftest import SECRET
    from tests.marketplaces.shops import connect_as, deliver_all

    shop.books.add_product(sku=thing.code, quantity=3)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    keys = {"access_token": shop.token, "client_secret": SECRET, "location_id": str(HERE)}
    made = connect_as("shopify", shop, keys, thing.merchant, house, name="Shopify")
    deliver_all()
    return made
