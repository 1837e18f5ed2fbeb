"""Fixtures of the desk's tests. Models are imported late: Django is set up after the conftests are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.desk.house import House


@pytest.fixture
def house(transactional_db: None) -> House:
    from tests.desk.house import furnished

    return furnished()


@pytest.fixture
def desk(house: House, client: Client) -> Client:
    """A client that is signed in as a supervisor."""
    client.force_login(house.supervisor)
    return client
