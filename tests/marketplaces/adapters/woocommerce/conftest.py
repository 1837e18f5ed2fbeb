"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from marketplaces.adapters._http import new_client
from marketplaces.adapters.woocommerce import WooCommerce
from tests.marketplaces.woo_shop import WooShop

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HASTE_S = 0.5


class Clock:
    """The shop's time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def adapter(shop: WooShop, *, client: httpx.Client, secret: str = "cs_loopback") -> WooCommerce:
    return WooCommerce(base_url=shop.url, consumer_key="ck_loopback", consumer_secret=secret, client=client)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[WooShop]:
    """Every test ends with the proof that no request broke the contract and that all scripted faults came."""
    with WooShop(clock=clock) as shop:
        yield shop
        shop.hooks.drain()
        shop.check()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with new_client() as client:
        yield client


@pytest.fixture(scope="session")
def hasty_client() -> Iterator[httpx.Client]:
    """Gives up soon: for tests of that alone. On a machine with much else to do any answer can take as long."""
    with new_client(timeout=httpx.Timeout(HASTE_S)) as client:
        yield client


@pytest.fixture
def woo(shop: WooShop, client: httpx.Client) -> WooCommerce:
    return adapter(shop, client=client)


def many(shop: WooShop, clock: Clock, count: int, **step: float) -> list[str]:
    ids = []
    for _number in range(count):
        clock.advance(**step)
        ids.append(str(shop.books.place_order([("A", 1)])))
    return ids
