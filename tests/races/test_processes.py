"""Processes, as on several machines: what threads of one process share cannot help them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from tests import make
from tests.races.unguarded import without_the_lock
from wms.benchmark import contention

pytestmark = pytest.mark.django_db(transaction=True)


# Whether two processes meet in one moment is chance, least of all on a busy machine.
FIGHTS = 6


@pytest.fixture
def thirty_units():
    """Makes another sku with thirty units at each call."""
    shop, house = make.merchant(), make.warehouse()

    def stocked():
        thing = make.sku(shop)
        make.stock(make.bin_of(house, "A-01"), thing, 30)
        return {"merchant": shop.code, "warehouse": house.code, "sku": thing.code}

    return stocked


def test_four_processes_fighting_for_one_sku_oversell_nothing_and_never_deadlock(thirty_units):
    figures = contention.fight(**thirty_units(), orders=15)

    figures.pop("orders_per_s")
    assert figures == {
        "processes": 4, "orders": 60, "stock": 30, "won": 30, "oversold": 0, "deadlocks": 0, "drift": 0, "errors": [],
    }  # fmt: skip


def test_without_the_lock_they_would_sell_more_than_there_is(thirty_units):
    for _fight in range(FIGHTS):
        figures = contention.fight(**thirty_units(), processes=2, orders=30, change=without_the_lock)
        if figures["won"] > 30:
            break

    assert figures["won"] > 30
    assert figures["oversold"] == figures["won"] - 30
    assert figures["errors"] == []


def test_a_deadlock_would_be_counted():
    shop, house = make.merchant(), make.warehouse()
    keys = []
    for _ in range(2):
        thing = make.sku(shop)
        make.stock(make.bin_of(house, "A-01"), thing, 1)
        keys.append(thing.pk)

    def lock_in_order(ordered):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for key in ordered:
                    cursor.execute("SELECT 1 FROM inventory_availability WHERE sku_id = %s FOR UPDATE", [key])
                    cursor.execute("SELECT pg_sleep(0.3)")
        except OperationalError as error:
            return str(error)
        finally:
            connection.close()
        return ""

    before = contention.deadlocks()
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lock_in_order, [keys, keys[::-1]]))
    contention._wait_for_counts()

    assert sorted("deadlock detected" in text for text in said) == [False, True]
    assert contention.deadlocks() == before + 1
