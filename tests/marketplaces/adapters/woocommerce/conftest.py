"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator

import httpx
import pytest

from marketplaces.adapters.woocommerce import WooCommerce
from tests.marketplaces.adapters.clock import Clock
from tests.marketplaces.woo_shop import WooShop


def adapter(shop: WooShop, *, client: httpx.Client, secret: str = "cs_loopback") -> WooCommerce:
    return WooCommerce(base_url=shop.url, consumer_key="ck_loopback", consumer_secret=secret, client=client)


@pytest.fixture
def shop(clock: Clock) -> Iterator[WooShop]:
    """Every test ends with the proof that no request broke the contract and that all scripted faults came."""
    with WooShop(clock=clock) as shop:
        yield shop
        shop.hooks.drain()
        shop.check()


@pytest.fixture
def woo(shop: WooShop, client: httpx.Client) -> WooCommerce:
    return adapter(shop, client=client)


def many(shop: WooShop, clock: Clock, count: int, **step: float) -> list[str]:
    ids = []
    for _number in range(count):
        clock.advance(**step)
        ids.append(str(shop.books.place_order([("A", 1)])))
    return ids
