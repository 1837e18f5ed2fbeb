"""Fixtures of the API's tests. Models are imported late: conftest files are read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from inventory.models import Warehouse
    from tests.api.calling import Api


@pytest.fixture(autouse=True)
def _fresh_keys_and_buckets() -> Iterator[None]:
    from wms.core import valkey
    from wms.core.api import keys, limits

    keys.forget()
    limits._in_hand.clear()
    client = valkey.client()
    assert client is not None
    for key in client.scan_iter("wms:rate:*"):
        client.delete(key)
    yield


@pytest.fixture
def api(db: None) -> Api:
    from tests import make
    from tests.api.calling import api_of

    return api_of(make.merchant())


@pytest.fixture
def house(db: None) -> Warehouse:
    from tests import make

    return make.warehouse()
