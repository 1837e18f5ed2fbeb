"""Fixtures of the desk's tests. Models are imported late: Django is set up after the conftests are read."""

import pytest


@pytest.fixture
def house(transactional_db):
    from tests.desk.house import furnished

    return furnished()


@pytest.fixture
def desk(house, client):
    """A client that is signed in as a supervisor."""
    client.force_login(house.supervisor)
    return client
