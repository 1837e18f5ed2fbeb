"""What is closed is sold by no shop, as no order of it would be taken in; what is opened again is."""

from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import transaction

from inventory import skus
from inventory.admin import SkuAdmin, WarehouseAdmin
from inventory.models import Sku, Warehouse
from inventory.skus import NewSku
from marketplaces import differing
from marketplaces.models import Channel, ChannelOrder, ChannelWarehouse, Difference, StockPush
from marketplaces.numbers import numbers
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, deliver_all, poll

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lamp():
    return make.sku(make.merchant(), "LAMP")


@pytest.fixture
def bulb(lamp):
    return make.sku(lamp.merchant, "BULB")


@pytest.fixture
def channel(shop, house, lamp, bulb):
    """10 lamps and 20 bulbs, sold alone and as a set."""
    shop.books.add_product(sku=make.bundle(lamp.merchant, {lamp: 1, bulb: 2}, "SET").code, quantity=0)
    return shops.selling(shop, house, {lamp: 10, bulb: 20})


def change(form: type, row: Sku | Warehouse, *, active: bool) -> None:
    """As the administration does it."""
    row.active = active
    with transaction.atomic():
        form(type(row), admin.site).save_model(None, row, SimpleNamespace(changed_data=["active"]), change=True)
    deliver_all()


ALL = {"LAMP": 10, "BULB": 20, "SET": 10}


def test_a_sku(shop, channel, bulb):
    assert shop.books.stock() == ALL
    skus.save(merchant=bulb.merchant, sku=NewSku("BULB", active=False))
    deliver_all()
    assert shop.books.stock() == {"LAMP": 10, "BULB": 0, "SET": 0}
    assert StockPush.objects.latest("pk").because == "closed"
    skus.save(merchant=bulb.merchant, sku=NewSku("BULB", active=True))
    deliver_all()
    assert shop.books.stock() == ALL


def test_a_sku_in_the_administration(shop, channel, bulb):
    change(SkuAdmin, bulb, active=False)
    assert shop.books.stock() == {"LAMP": 10, "BULB": 0, "SET": 0}
    change(SkuAdmin, bulb, active=True)
    assert shop.books.stock() == ALL


def test_a_change_that_closes_nothing_tells_nobody(shop, channel, bulb):
    shop.calls.clear()
    skus.save(merchant=bulb.merchant, sku=NewSku("BULB", name="Bulb, warm", active=True))
    deliver_all()
    assert shop.calls == []


def test_a_warehouse(shop, channel, house):
    change(WarehouseAdmin, house, active=False)
    assert set(shop.books.stock().values()) == {0}
    change(WarehouseAdmin, house, active=True)
    assert shop.books.stock() == ALL


def test_the_explanation_of_a_number_says_the_same(shop, channel, bulb):
    skus.save(merchant=bulb.merchant, sku=NewSku("BULB", active=False))
    differing.run(channel)
    found = {row.listing.external_sku: (row.ours, row.formula) for row in Difference.objects.select_related("listing")}
    assert {sku: ours for sku, (ours, _formula) in found.items()} == {"BULB": 0, "SET": 0}
    assert found["BULB"][1]["on_hand"] == 0
    assert [part["on_hand"] for part in found["SET"][1]["components"]] == [10, 0]


@pytest.mark.parametrize("routing", ["split", "fallback"])
def test_one_of_two_warehouses(shop, channel, house, lamp, routing):
    """The other one's goods are sold, and orders go there."""
    other = make.warehouse("OTHER")
    make.stock(make.bin_of(other, "A-01"), lamp, 4)
    ChannelWarehouse.objects.create(channel=channel, warehouse=other, rank=2)
    Channel.objects.update(routing=routing)
    change(WarehouseAdmin, house, active=False)
    assert shop.books.stock() == {"LAMP": 4, "BULB": 0, "SET": 0}
    shop.books.place_order([("LAMP", 3)], shipping=BUYER)
    poll()
    assert (ChannelOrder.objects.get().status, ChannelOrder.objects.get().parts.get().warehouse) == ("imported", other)


def test_one_that_is_a_place_of_the_shop_s(channel, house, lamp):
    other = make.warehouse("OTHER")
    make.stock(make.bin_of(other, "A-01"), lamp, 4)
    with transaction.atomic():
        Channel.objects.update(located=True)
        channel.places.update(location="L1")
        ChannelWarehouse.objects.create(channel=channel, warehouse=other, rank=2, location="L2")
    Warehouse.objects.filter(pk=house.pk).update(active=False)
    lamps = channel.listings.get(sku=lamp)
    assert [(told.location, told.quantity) for told in numbers(Channel.objects.get(), [lamps.pk])] == [("L1", 0), ("L2", 4)]
