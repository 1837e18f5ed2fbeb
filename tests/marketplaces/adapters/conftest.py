"""What holds of every platform is tried on a shop of each. A file that is about some of them says which.

Models are imported late: conftest files are read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marketplaces import adapters

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel
    from tests.marketplaces.platforms import Platform


@pytest.fixture(params=adapters.names())
def platform(request: pytest.FixtureRequest, shared_path: Path) -> Iterator[Platform]:
    from tests.marketplaces.platforms import opened

    with opened(request.param, shared_path / "contracts") as platform:
        yield platform


@pytest.fixture
def channel(platform: Platform, house: Warehouse, thing: Sku) -> Channel:
    return platform.connect(house, thing)
