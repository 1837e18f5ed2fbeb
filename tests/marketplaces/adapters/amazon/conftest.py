"""One strict Amazon for each test, and the adapter that talks to it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from marketplaces.adapters.amazon import Amazon
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.adapters.clock import Clock


@pytest.fixture(scope="session")
def contracts(shared_path: Path) -> Contracts:
    return Contracts(shared_path / "contracts" / "amazon-spapi")


@pytest.fixture
def shop(contracts: Contracts, clock: Clock) -> Iterator[AmazonShop]:
    """Every test ends with the proof that no request or answer broke the contracts and that all scripted faults came."""
    with AmazonShop(contracts, clock=clock) as shop:
        yield shop
        shop.check()


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
