"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator

import httpx
import pytest
from graphql import GraphQLSchema

from marketplaces.adapters.shopify import Shopify
from tests.marketplaces.adapters.clock import Clock
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.shopify.schema import official_schema
from tests.marketplaces.adapters.shopify.shop import ShopifyShop

SECRET = "shpss_loopback"


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return official_schema()


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
