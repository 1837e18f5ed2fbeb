"""A sku, or a warehouse, goes while its first goods come in."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import Availability
from tests import make
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)

COME = (
    "INSERT INTO inventory_availability (warehouse_id, merchant_id, sku_id, on_hand, committed, backordered) VALUES (%s, %s, %s, 1, 0, 0)"
)
FUNCTION = "SELECT pg_get_functiondef('inventory_availability_belongs'::regproc)"
# Whatever else belongs to a new warehouse is of no interest here.
GO = {
    "sku": "DELETE FROM inventory_sku",
    "warehouse": "WITH bins AS (DELETE FROM inventory_bin), zones AS (DELETE FROM inventory_zone) DELETE FROM inventory_warehouse",
}


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture(params=GO)
def go_while_coming_in(together, request):
    """Answers the two outcomes: the row is written down, and before that is committed the sku or the warehouse goes."""
    house, thing, stop = make.warehouse(), make.sku(make.merchant()), Stop()
    write = stop.behind(run)

    def come_in():
        with transaction.atomic():
            write(COME, [house.pk, thing.merchant_id, thing.pk])

    yield partial(together, [come_in, stop.second(partial(run, GO[request.param]))])
    assert stop.ended.is_set()


def test_it_stays_for_what_comes_in(go_while_coming_in):
    came, went = go_while_coming_in()

    assert came is None
    assert isinstance(went, IntegrityError)
    assert Availability.objects.select_related("sku", "warehouse").count() == 1


def test_without_the_lock_it_would_be_gone(go_while_coming_in):
    with connection.cursor() as cursor:
        cursor.execute(FUNCTION)
        (guarded,) = cursor.fetchone()
    assert guarded.count(" FOR KEY SHARE") == 2
    run(guarded.replace(" FOR KEY SHARE", ""))
    try:
        assert go_while_coming_in() == [None, None]
        assert Availability.objects.count() == 1
    finally:
        run(guarded)
