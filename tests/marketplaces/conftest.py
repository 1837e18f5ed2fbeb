from collections.abc import Iterator

import pytest

from tests.marketplaces.woo_shop import WooShop


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Strict: the test fails where a request breaks the captured contract."""
    with WooShop() as shop:
        yield shop
        shop.check()
