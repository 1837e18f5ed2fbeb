"""What can be promised belongs to what is there: the database holds it without foreign keys."""

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import Availability
from tests import make

pytestmark = pytest.mark.django_db

NOWHERE = 999_999
COPY = """
INSERT INTO inventory_availability (warehouse_id, merchant_id, sku_id, on_hand, committed, backordered)
SELECT %(warehouse)s, %(merchant)s, %(sku)s, on_hand, committed, backordered FROM inventory_availability
"""


@pytest.fixture
def row():
    house, thing = make.warehouse(), make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    return Availability.objects.get()


def refused(statement, parameters=None):
    before = list(Availability.objects.values())
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    assert list(Availability.objects.values()) == before


@pytest.fixture
def keys(row):
    """The keys of a row that may come."""
    return {"warehouse": row.warehouse_id, "merchant": row.merchant_id, "sku": make.sku(row.merchant).pk}


def test_what_belongs_is_taken(keys):
    with connection.cursor() as cursor:
        cursor.execute(COPY, keys)
    assert Availability.objects.count() == 2


@pytest.mark.parametrize("key", ["warehouse", "merchant", "sku"])
def test_a_row_of_nothing_is_refused(keys, key):
    refused(COPY, {**keys, key: NOWHERE})


def test_a_row_of_another_merchant_than_its_sku_is_refused(keys):
    refused(COPY, {**keys, "merchant": make.merchant().pk})


@pytest.mark.parametrize("key", ["warehouse_id", "merchant_id", "sku_id"])
def test_a_row_moves_nowhere(row, key):
    refused(f"UPDATE inventory_availability SET {key} = {key}")


@pytest.mark.parametrize("table", ["inventory_sku", "inventory_warehouse"])
def test_what_it_needs_is_not_deleted(row, table):
    # The foreign keys of others are looked at when the transaction ends, which this one does not.
    refused(f"DELETE FROM {table}")
