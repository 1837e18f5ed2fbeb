"""Two shops that sell the same last lamp.

Models are imported late: conftest files are read before Django is set up.
"""

import pytest


@pytest.fixture
def thing():
    from tests import make

    return make.sku(make.merchant(), "LAMP")


@pytest.fixture
def beta(shop, house, thing):
    from tests.marketplaces import shops

    return shops.selling(shop, house, {thing: 1}, name="Beta", code="B")


@pytest.fixture
def other_shop():
    from tests.marketplaces.woo_shop import WooShop

    with WooShop() as made:
        yield made


@pytest.fixture
def alpha(beta, other_shop, house, thing):
    from marketplaces import channels
    from tests.marketplaces import shops

    other_shop.books.add_product(sku=thing.code, quantity=0)
    made = shops.connect(other_shop, thing.merchant, house, name="Alpha", code="A")
    channels.fetch_listings(channel=made)
    shops.deliver_all()
    return made


@pytest.fixture
def sold_in_both(shop, other_shop, alpha, thing):
    """Sells the last one in Alpha, and once more in Beta a second after that shop had this trouble with the number that it was told."""
    from tests.marketplaces import shops
    from tests.marketplaces.oversold.scenes import BATCH, hear, next_second, sell

    def sold(trouble):
        sell(other_shop, thing)
        hear(alpha)
        shop.misbehave(BATCH, trouble)
        shops.deliver_all()
        next_second()
        sell(shop, thing)

    return sold
