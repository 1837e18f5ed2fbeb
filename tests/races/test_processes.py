"""Processes, as on several machines: what threads of one process share cannot help them."""

from functools import partial
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from inventory.models import Availability
from tests import make
from tests.races.unguarded import BOTH_HAVE_LOOKED, FORGOTTEN, without_the_lock
from wms.benchmark import contention

pytestmark = pytest.mark.django_db(transaction=True)


def stocked(units):
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, units)
    return {"merchant": shop.code, "warehouse": house.code, "sku": thing.code}


@pytest.fixture
def both_have_looked():
    with connection.cursor() as cursor:
        cursor.execute(BOTH_HAVE_LOOKED)
    yield
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN)


def test_four_processes_fighting_for_one_sku_oversell_nothing_and_never_deadlock():
    figures = contention.fight(**stocked(30), orders=15)

    figures.pop("orders_per_s")
    assert figures == {
        "processes": 4, "orders": 60, "stock": 30, "won": 30, "oversold": 0, "deadlocks": 0, "drift": 0, "errors": [],
    }  # fmt: skip


def test_without_the_lock_they_would_sell_more_than_there_is(both_have_looked):
    figures = contention.fight(**stocked(1), processes=2, orders=1, change=without_the_lock)

    assert (figures["won"], figures["oversold"], figures["errors"]) == (2, 1, [])


def test_a_deadlock_would_be_counted(together):
    shop, house = make.merchant(), make.warehouse()
    keys = []
    for _ in range(2):
        thing = make.sku(shop)
        make.stock(make.bin_of(house, "A-01"), thing, 1)
        keys.append(thing.pk)

    each_has_one = Barrier(2, timeout=60)

    def lock_in_order(first, second):
        with transaction.atomic():
            Availability.objects.select_for_update().get(sku=first)
            each_has_one.wait()
            Availability.objects.select_for_update().get(sku=second)

    before = contention.deadlocks()
    answers = together([partial(lock_in_order, *keys), partial(lock_in_order, *keys[::-1])])
    contention._wait_for_counts()

    [lost] = [answer for answer in answers if answer is not None]
    assert isinstance(lost, OperationalError)
    assert "deadlock detected" in str(lost)
    assert contention.deadlocks() == before + 1
