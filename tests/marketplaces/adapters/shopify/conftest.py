"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from graphql import GraphQLSchema

from marketplaces.adapters._http import new_client
from marketplaces.adapters.shopify import Shopify
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.shopify.schema import official_schema
from tests.marketplaces.adapters.shopify.shop import ShopifyShop

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HASTE_S = 0.3
SECRET = "shpss_loopback"


class Clock:
    """The shop's time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return official_schema()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(schema: GraphQLSchema, clock: Clock) -> Iterator[ShopifyShop]:
    """Every test ends with the proof that no request broke the schema and that all scripted faults came."""
    with ShopifyShop(schema, clock=clock) as shop:
        yield shop
        shop.check()


@pytest.fixture
def shop_of_today(schema: GraphQLSchema) -> Iterator[ShopifyShop]:
    """For the whole way from the stock to the shop: with the time of today, and calls enough for all of it."""
    with ShopifyShop(schema) as shop:
        shop.points = shop.maximum = 100_000.0
        yield shop
        shop.check()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with new_client() as client:
        yield client


@pytest.fixture(scope="session")
def hasty_client() -> Iterator[httpx.Client]:
    with new_client(timeout=httpx.Timeout(HASTE_S)) as client:
        yield client


def adapter(shop: ShopifyShop, client: httpx.Client, *, token: str = "shpat_loopback", location: int = HERE) -> Shopify:
    return Shopify(base_url=shop.url, access_token=token, client_secret=SECRET, location_id=str(location), client=client)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch, shop: ShopifyShop) -> list[float]:
    """What the adapter slept; the shop's bucket fills meanwhile, without anybody waiting."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        shop.pass_time(seconds)

    monkeypatch.setattr("marketplaces.adapters.shopify.connection.sleep", sleep)
    return slept


@pytest.fixture
def shopify(shop: ShopifyShop, client: httpx.Client, naps: list[float]) -> Shopify:
    return adapter(shop, client)
