"""A merchant with a key, and a shop of his own that reports its orders. Models are imported late: conftest files are read before Django is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import _fresh_keys_and_buckets, api, house  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from inventory.models import Sku
    from marketplaces.models import Channel


@pytest.fixture
def thing(api: Any, house: Any) -> Sku:  # noqa: F811 - the fixture
    """10 of them are in the warehouse."""
    from tests import make

    sku = make.sku(api.merchant, "MUG-BLUE")
    make.stock(make.bin_of(house, "A-01"), sku, 10)
    return sku


@pytest.fixture
def channel(api: Any, house: Any) -> Channel:  # noqa: F811 - the fixture
    """Nobody listens at its address."""
    from marketplaces import channels

    return channels.connect(
        merchant=api.merchant, warehouse=house, adapter="storefront", base_url="http://127.0.0.1:9/wms",
        credentials={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "declaration": "{}"}, name="Own shop", code="OWN",
    )  # fmt: skip
