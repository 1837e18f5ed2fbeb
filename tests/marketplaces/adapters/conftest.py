"""What holds of every platform is tried on a shop of each. A file that is about some of them says which.

Models are imported late: conftest files are read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from marketplaces.adapters._http import new_client
from tests.marketplaces.adapters.clock import HASTE_S, Clock

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel
    from tests.marketplaces.platforms import Platform


@pytest.fixture
def channel(platform: Platform, house: Warehouse, thing: Sku) -> Channel:
    return platform.connect(house, thing)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with new_client() as client:
        yield client


@pytest.fixture(scope="session")
def hasty_client() -> Iterator[httpx.Client]:
    """Gives up soon: for tests of that alone. On a machine with much else to do any answer can take as long."""
    with new_client(timeout=httpx.Timeout(HASTE_S)) as client:
        yield client
