"""A tea set is sold as one thing and kept as a mug and two spoons."""

from __future__ import annotations

import pytest


@pytest.fixture
def mug():
    from tests import make

    return make.sku(make.merchant(), "MUG")


@pytest.fixture
def spoon(mug):
    from tests import make

    return make.sku(mug.merchant, "SPOON")


@pytest.fixture
def tea(mug, spoon):
    """A mug and two spoons."""
    from tests import make

    return make.bundle(mug.merchant, {mug: 1, spoon: 2}, "TEA-SET")


@pytest.fixture
def channel(shop, house, mug, spoon, tea):
    """The shop sells the bundle and the mug alone: 10 mugs and 13 spoons are there."""
    from tests import make
    from tests.marketplaces import shops

    shop.books.add_product(sku=tea.code, quantity=0)
    make.stock(make.bin_of(house, "A-01"), spoon, 13)
    return shops.selling(shop, house, {mug: 10})
