"""A warehouse with goods and a picker who is signed in on a handheld."""

import pytest
from django.test import Client

from tests.floor.handheld import Handheld

# Models are imported inside: this file is read before Django is set up.


@pytest.fixture
def house(transactional_db):
    from tests import make
    from wms.core.verification import drifts

    yield make.warehouse()
    assert list(drifts()) == []


@pytest.fixture
def shop(house):
    from tests import make

    return make.merchant()


@pytest.fixture
def picker(house):
    from tests import make
    from wms.core import access

    user = make.user()
    user.groups.add(access.ensure_groups()["picker"])
    return user


@pytest.fixture
def handheld(picker) -> Handheld:
    client = Client()
    client.force_login(picker)
    return Handheld(client)
