"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator

import httpx
import pytest

from marketplaces.adapters.ebay import EBay
from tests.marketplaces.adapters.clock import Clock
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def shop(contract: Contract, clock: Clock) -> Iterator[EBayShop]:
    """Every test ends with the proof that no request broke the contracts and that all scripted faults came."""
    with EBayShop(contract, clock=clock) as shop:
        yield shop
        shop.check()


def adapter(shop: EBayShop, client: httpx.Client, **keys: str) -> EBay:
    return EBay(base_url=shop.url, client=client, **{**KEYS, **keys})


@pytest.fixture
def ebay(shop: EBayShop, client: httpx.Client) -> EBay:
    return adapter(shop, client)
