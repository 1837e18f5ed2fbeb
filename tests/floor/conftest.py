"""A warehouse with goods and a picker who is signed in on a handheld."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.floor.handheld import Handheld

if TYPE_CHECKING:
    from inventory.models import Warehouse
    from wms.core.models import Merchant, User

# Models are imported inside: this file is read before Django is set up.


@pytest.fixture
def house(transactional_db: None) -> "Iterator[Warehouse]":
    from tests import make
    from wms.core.verification import drifts

    yield make.warehouse()
    assert list(drifts()) == []


@pytest.fixture
def shop(house: "Warehouse") -> "Merchant":
    from tests import make

    return make.merchant()


@pytest.fixture
def picker(house: "Warehouse") -> "User":
    from tests import make
    from wms.core import access

    user = make.user()
    user.groups.add(access.ensure_groups()["picker"])
    return user


@pytest.fixture
def handheld(picker: "User") -> Handheld:
    client = Client()
    client.force_login(picker)
    return Handheld(client)
