import pytest


@pytest.fixture
def sku(house):
    from tests import make

    thing = make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), thing, 100)
    return thing
