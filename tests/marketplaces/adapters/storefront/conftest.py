"""One strict shop for each test, and the adapter that talks to it. Models are imported late: conftest files are read before Django is set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from marketplaces.adapters.storefront import Storefront
from tests.marketplaces.adapters.clock import Clock
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel
    from tests.marketplaces.adapters.storefront.two import Place


@pytest.fixture
def shop(clock: Clock) -> Iterator[StorefrontShop]:
    """Every test ends with the proof that no message broke the contract and that all scripted faults came."""
    with StorefrontShop(clock=clock) as shop:
        yield shop
        shop.check()


Connect = Callable[..., Storefront]


@pytest.fixture
def connect(shop: StorefrontShop, client: httpx.Client) -> Connect:
    """The adapter, with what a test cares about."""

    def made(**fields: Any) -> Storefront:
        return Storefront(**{"base_url": shop.url, "secret": SECRET, "client": client, **fields})

    return made


@pytest.fixture
def storefront(connect: Connect) -> Storefront:
    return connect()


@pytest.fixture
def channel(shop: StorefrontShop, house: Warehouse, thing: Sku) -> Channel:
    """The shop sells the sku, of which the warehouse has 10, and has been told."""
    from tests.marketplaces.adapters.storefront.working import connected

    return connected(shop, house, thing)


@pytest.fixture
def two(shop: StorefrontShop, thing: Sku) -> Place:
    """A shop with two locations, of which each is a warehouse of ours."""
    from tests.marketplaces.adapters.storefront.two import selling_at_two

    return selling_at_two(shop, thing)
