"""A channel that sells out of two warehouses and splits orders."""

import pytest


@pytest.fixture
def west():
    from tests import make

    return make.warehouse("WEST")


@pytest.fixture
def east():
    from tests import make

    return make.warehouse("EAST")


@pytest.fixture
def thing():
    from tests import make

    return make.sku(make.merchant(), "THING")


@pytest.fixture
def other(thing):
    from tests import make

    return make.sku(thing.merchant, "OTHER")


@pytest.fixture
def channel(shop, west, east, thing, other):
    from marketplaces import channels
    from tests.marketplaces import shops

    for sku in (thing, other):
        shop.books.add_product(sku=sku.code, quantity=0)
    made = shops.connect(shop, thing.merchant, west, code="WOO", further=[east], routing="split")
    channels.fetch_listings(channel=made)
    shops.deliver_all()
    return made
