"""One strict shop for each test, and the adapter that talks to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from marketplaces.adapters._http import new_client
from marketplaces.adapters.ebay import EBay, limits, messages, offers, tokens
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HASTE_S = 0.3


class Clock:
    """The shop's time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test's shop may have had the same port."""
    for module, name in ((tokens, "_tokens"), (offers, "_kept"), (messages, "_keys"), (limits, "_limits")):
        monkeypatch.setattr(module, name, {})


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(contract: Contract, clock: Clock) -> Iterator[EBayShop]:
    """Every test ends with the proof that no request broke the contracts and that all scripted faults came."""
    with EBayShop(contract, clock=clock) as shop:
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


def adapter(shop: EBayShop, client: httpx.Client, **keys: str) -> EBay:
    return EBay(base_url=shop.url, client=client, **{**KEYS, **keys})


@pytest.fixture
def ebay(shop: EBayShop, client: httpx.Client) -> EBay:
    return adapter(shop, client)
