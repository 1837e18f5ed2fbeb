"""A shop that sells ten of one thing out of one warehouse. What a file needs otherwise stands in it.

Models are imported late: conftest files are read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import translation

from marketplaces import adapters
from tests.marketplaces.woo_shop import WooShop

if TYPE_CHECKING:
    from inventory.models import Sku, Warehouse
    from marketplaces.models import Channel
    from tests.marketplaces.platforms import Platform
    from wms.core.models import User


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    from tests.marketplaces import remembered

    remembered.forget()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Whatever ran before."""
    with translation.override("en"):
        yield


@pytest.fixture
def boss() -> User:
    """A supervisor."""
    from tests import make
    from wms.core import access

    boss = make.user("boss", is_staff=True)
    boss.groups.add(access.ensure_groups()["supervisor"])
    return boss


@pytest.fixture
def desk(boss: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(boss)
    return client


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Strict: the test fails where a request breaks the captured contract."""
    with WooShop() as shop:
        yield shop
        shop.check()


@pytest.fixture
def house() -> Warehouse:
    from tests import make

    return make.warehouse()


@pytest.fixture
def thing() -> Sku:
    from tests import make

    return make.sku(make.merchant())


@pytest.fixture
def other(thing: Sku) -> Sku:
    from tests import make

    return make.sku(thing.merchant)


@pytest.fixture
def channel(shop: WooShop, house: Warehouse, thing: Sku) -> Channel:
    from tests.marketplaces import shops

    return shops.selling(shop, house, {thing: 10}, code="WOO")


@pytest.fixture(params=adapters.names())
def platform(request: pytest.FixtureRequest, shared_path: Path) -> Iterator[Platform]:
    """A shop of each platform."""
    from tests.marketplaces.platforms import opened

    with opened(request.param, shared_path / "contracts") as platform:
        yield platform
