"""Orders and lines belong to what is there: the database holds it without foreign keys, by statement."""

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.models import Warehouse
from outbound import orders
from outbound.models import Order, OrderLine, Wave
from tests import make
from wms.core.models import Merchant

pytestmark = pytest.mark.django_db

NOWHERE = 999_999


@pytest.fixture
def order():
    house, thing = make.warehouse(), make.sku(make.merchant())
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    accepted = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}))
    return Order.objects.get(pk=accepted.id)


def books():
    with connection.cursor() as cursor:
        cursor.execute("SELECT o::text FROM outbound_order o UNION ALL SELECT l::text FROM outbound_orderline l ORDER BY 1")
        return cursor.fetchall()


def refused(statement, parameters=()):
    before = books()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    assert books() == before


COPY_ORDER = """
INSERT INTO outbound_order (merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count)
SELECT merchant_id, warehouse_id, 'copy', status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count FROM outbound_order
"""
COPY_LINE = """
INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
SELECT order_id, merchant_id, number + n, sku_id, quantity, 0 FROM outbound_orderline, generate_series(1, 2) AS n
"""


def instead(statement, key, value):
    """The statement with another value selected for the key."""
    columns, values = statement.split("SELECT")
    assert key in values
    return f"{columns}SELECT{values.replace(key, value, 1)}"


def test_what_belongs_is_taken(order):
    with connection.cursor() as cursor:
        cursor.execute(COPY_ORDER)
        cursor.execute(COPY_LINE)
    assert (Order.objects.count(), OrderLine.objects.count()) == (2, 3)


@pytest.mark.parametrize("key", ["merchant_id", "warehouse_id", "ship_to_id"])
def test_an_order_of_nothing_is_refused(order, key):
    refused(instead(COPY_ORDER, key, str(NOWHERE)))


@pytest.mark.parametrize("key", ["wave_id", "tote_id"])
def test_an_order_that_comes_in_with_nothing_as_its_wave_or_tote_is_refused(order, key):
    columns, values = COPY_ORDER.split(")\nSELECT")
    refused(f"{columns}, {key})\nSELECT{values.replace(' FROM', f', {NOWHERE} FROM')}")


@pytest.mark.parametrize("key", ["order_id", "merchant_id", "sku_id"])
def test_one_line_of_nothing_among_good_ones_is_refused(order, key):
    refused(instead(COPY_LINE, key, f"CASE n WHEN 2 THEN {NOWHERE} ELSE {key} END"))


def test_a_line_of_another_merchant_than_its_order_is_refused(order):
    refused(instead(COPY_LINE, "merchant_id", str(make.merchant().pk)))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        *(("outbound_order", key) for key in ("id", "merchant_id", "warehouse_id", "ship_to_id", "wave_id", "tote_id")),
        *(("outbound_orderline", key) for key in ("order_id", "merchant_id", "sku_id")),
    ],
)
def test_neither_moves_to_nothing(order, table, key):
    refused(f"UPDATE {table} SET {key} = {NOWHERE}")


def test_a_line_moves_to_another_sku_of_its_merchant(order):
    other = make.sku(order.merchant)
    OrderLine.objects.update(sku=other)
    assert OrderLine.objects.get().sku == other


def test_an_order_is_not_deleted_before_its_lines(order):
    refused("DELETE FROM outbound_order")


@pytest.fixture
def on_the_floor(order):
    """The order, in a wave and a tote."""
    wave = Wave.objects.create(warehouse=order.warehouse, by=make.user())
    Order.objects.update(wave=wave, tote=make.bin_of(order.warehouse, "TOTE-01"))
    return wave


@pytest.mark.parametrize("table", ["outbound_wave", "inventory_bin"])
def test_what_an_order_is_in_is_not_deleted(on_the_floor, table):
    refused(f"DELETE FROM {table}")


def test_what_an_order_was_in_is(on_the_floor):
    Order.objects.update(wave=None, tote=None)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbound_wave")
        cursor.execute("DELETE FROM inventory_bin WHERE code = 'TOTE-01'")
    assert Wave.objects.count() == 0


@pytest.mark.parametrize("counts", ["number = -1", "quantity = 0", "shipped = -1", "shipped = quantity + 1"])
def test_a_line_that_cannot_be_is_refused(order, counts):
    refused(f"UPDATE outbound_orderline SET {counts}")


@pytest.mark.parametrize("table", ["core_personalrecord", "inventory_sku", "inventory_warehouse", "core_merchant"])
def test_what_an_order_needs_is_not_deleted(order, table):
    # The foreign keys of others are looked at when the transaction ends, which this one does not.
    refused(f"DELETE FROM {table}")


def test_what_no_order_needs_is(order):
    merchant, house = make.merchant(), Warehouse.objects.create(code="EMPTY", name="Empty", country="GB")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_merchant WHERE id = %s", [merchant.pk])
        cursor.execute("DELETE FROM inventory_warehouse WHERE id = %s", [house.pk])
    assert (Merchant.objects.count(), Warehouse.objects.count()) == (1, 1)
