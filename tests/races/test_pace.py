"""Two workers ask at once what a shop still grants: no call is granted twice."""

from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from marketplaces import pace
from marketplaces.port import Allowance, Capabilities, Pace
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)
SLOW = Capabilities(batch_size=100, pace=Pace(maximum=10, per_second=0.001, push=1, rows=1))


@pytest.fixture
def ten_twice(together, monkeypatch):
    """Ten are left. Ten are asked for, and ten again before the first ones are written for good; gives how many each was granted."""
    with WooShop() as shop:
        channel = shops.connect(shop, make.merchant(), make.warehouse())
    pace.heard(channel, Allowance(available=10, maximum=10, per_second=0.001, at=timezone.now()))
    stop = Stop()
    granted = stop.behind(lambda: pace.for_push(channel, SLOW, 10)[0])

    @transaction.atomic
    def take():
        return granted()

    return partial(together, [take, stop.second(take)])


def test_two_workers_take_no_more_than_there_is(ten_twice):
    assert ten_twice() == [10, 0]


def test_without_the_lock_they_take_more(ten_twice, monkeypatch):
    monkeypatch.setattr(pace, "_LOCK", "")
    assert ten_twice() == [10, 10]
