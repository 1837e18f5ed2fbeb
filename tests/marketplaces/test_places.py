"""A channel's warehouses, with or without places of the shop's own. With them: the tests of the adapters."""

import pytest
from django.db import IntegrityError, transaction

from marketplaces import places
from marketplaces.models import Channel, ChannelWarehouse, Listing, ListingPlace, StockPush
from tests import make
from tests.marketplaces import shops
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house():
    return make.warehouse("HOUSE")


@pytest.fixture
def channel(shop, house):
    return shops.selling(shop, house, {make.sku(make.merchant()): 5})


def test_a_shop_without_places_refuses_locations_and_nothing_changes(shop, channel, house):
    with pytest.raises(InvalidInput) as caught:
        places.set_warehouses(channel=channel, warehouses=[house], routing="split", locations={"HOUSE": "1"})
    problem = {"path": ["locations", "HOUSE"], "message": "This shop has no places with numbers of their own."}
    assert caught.value.details["problems"] == [problem]
    kept = Channel.objects.get()
    assert (kept.located, kept.routing, kept.locations, kept.places.get().location) == (False, "fallback", {}, "")
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists()
    assert places.of_shop(channel) is None


def test_one_place_costs_no_rows_of_places(channel):
    assert ListingPlace.objects.count() == 0
    assert set(StockPush.objects.values_list("location", flat=True)) == {""}
    assert Listing.objects.get().pushed_quantity == 5


def test_warehouses_without_locations_are_changed_without_asking_the_shop(shop, channel, house):
    shop.calls.clear()
    places.set_warehouses(channel=channel, warehouses=[make.warehouse("EAST"), house], routing="split")
    assert shop.calls == []
    assert [row.code for row in Channel.objects.get().houses] == ["EAST", "HOUSE"]


@pytest.mark.parametrize("change", ["place", "channel"])
def test_the_database_takes_no_mixture(channel, change):
    with pytest.raises(IntegrityError, match="either all warehouses of a channel have a location, or none"), transaction.atomic():
        if change == "place":
            ChannelWarehouse.objects.update(location="1")
        else:
            Channel.objects.update(located=True)
    assert (Channel.objects.get().located, ChannelWarehouse.objects.get().location) == (False, "")


def test_the_database_takes_both_together_and_no_location_twice(channel):
    with transaction.atomic():
        ChannelWarehouse.objects.update(location="1")
        Channel.objects.update(located=True)
    assert Channel.objects.get().locations == {"1": channel.warehouse.pk}
    with pytest.raises(IntegrityError, match="channel_location_once"):
        ChannelWarehouse.objects.create(channel=channel, warehouse=make.warehouse(), location="1")
    with pytest.raises(IntegrityError, match="either all warehouses of a channel have a location, or none"):
        ChannelWarehouse.objects.create(channel=channel, warehouse=make.warehouse())
    assert ChannelWarehouse.objects.count() == 1
