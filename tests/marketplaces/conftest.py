"""A shop that sells ten of one thing out of one warehouse. What a file needs otherwise stands in it.

Models are imported late: conftest files are read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.marketplaces.woo_shop import WooShop

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Strict: the test fails where a request breaks the captured contract."""
    with WooShop() as shop:
        yield shop
        shop.check()


@pytest.fixture
def house() -> Warehouse:
    from tests import make

    return make.warehouse()


@pytest.fixture
def thing() -> Sku:
    from tests import make

    return make.sku(make.merchant())


@pytest.fixture
def channel(shop: WooShop, house: Warehouse, thing: Sku) -> Channel:
    from tests.marketplaces import shops

    return shops.selling(shop, house, {thing: 10}, code="WOO")
