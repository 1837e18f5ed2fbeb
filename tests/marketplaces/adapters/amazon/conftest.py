"""One strict Amazon for each test, and the adapter that talks to it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from marketplaces.adapters._http import new_client
from marketplaces.adapters.amazon import Amazon, limits, tokens
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.shop import AmazonShop

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HASTE_S = 0.3


class Clock:
    """Amazon's time and the adapter's stand still until somebody moves them."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@pytest.fixture(scope="session")
def contracts(shared_path: Path) -> Contracts:
    return Contracts(shared_path / "contracts" / "amazon-spapi")


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """A later shop may get the port of an earlier one, and would be called with its tokens."""
    tokens._tokens.clear()
    limits._limits.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(contracts: Contracts, clock: Clock) -> Iterator[AmazonShop]:
    """Every test ends with the proof that no request or answer broke the contracts and that all scripted faults came."""
    with AmazonShop(contracts, clock=clock) as shop:
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


def adapter(shop: AmazonShop, client: httpx.Client, **keys: str) -> Amazon:
    return Amazon(base_url=shop.url, keys={**shop.keys, **keys}, client=client)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[float]:
    """What the adapter slept; time passes meanwhile, without anybody waiting."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds=seconds)

    monkeypatch.setattr("marketplaces.adapters.amazon.connection.sleep", sleep)
    monkeypatch.setattr("marketplaces.adapters.amazon.limits.now", clock)
    return slept


@pytest.fixture
def amazon(shop: AmazonShop, client: httpx.Client, naps: list[float]) -> Amazon:
    return adapter(shop, client)
