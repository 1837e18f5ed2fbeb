"""A channel that is one location of a shop that has several: what the others show is not its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from inventory.models import Sku, Warehouse
from marketplaces import channels, drift
from marketplaces.models import Channel
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop
from tests.marketplaces.adapters.storefront.working import connected, hook
from tests.marketplaces.shops import deliver_all, settle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def bound_to_leipzig(shop: StorefrontShop, thing: Sku, house: Warehouse) -> Channel:
    """A channel that is one of the shop's locations: it has 10 there, and others have 7 in Hamburg."""
    shop.declared |= {"locations": True}
    shop.books.locations = ["leipzig", "hamburg"]
    channel = connected(shop, house, thing, location="leipzig")
    shop.books.there[shop.books.by_sku(thing.code)["id"]] = {"leipzig": 10, "hamburg": 7}
    shop.calls.clear()
    return channel


def test_a_channel_that_is_one_location_is_compared_by_what_that_shows(shop: StorefrontShop, house: Warehouse, thing: Sku) -> None:
    channel = bound_to_leipzig(shop, thing, house)
    assert drift.compare(channel) == []
    there = shop.books.there[shop.books.by_sku(thing.code)["id"]]
    there["leipzig"] = 3  # together they show 10
    [found] = drift.repair(channel)
    assert (found.ours, found.theirs, found.told, found.there, found.location) == (10, 3, 10, True, "")
    settle()
    assert there == {"leipzig": 10, "hamburg": 7}
    assert drift.compare(channel) == []


def test_a_listing_that_the_channel_s_one_location_does_not_count(shop: StorefrontShop, house: Warehouse, thing: Sku) -> None:
    channel = bound_to_leipzig(shop, thing, house)
    del shop.books.there[shop.books.by_sku(thing.code)["id"]]["leipzig"]
    [found] = drift.compare(channel)
    assert (found.ours, found.theirs, found.there) == (10, None, True)


@pytest.mark.parametrize(("leipzig", "hamburg", "told"), [(10, 90, False), (11, 0, True)])
def test_what_was_raised_at_the_channel_s_one_location_is_told_again(
    shop: StorefrontShop, house: Warehouse, thing: Sku, leipzig: int, hamburg: int, told: bool
) -> None:
    channel = bound_to_leipzig(shop, thing, house)
    listing = shop.books.by_sku(thing.code)
    shop.books.there[listing["id"]] |= {"leipzig": leipzig, "hamburg": hamburg}
    assert hook(channel, "listing.changed", shop.books.document(listing)) == 200
    deliver_all()
    assert bool(shop.made("stock.set")) is told
    assert shop.books.there[listing["id"]] == {"leipzig": 10, "hamburg": hamburg}


def test_a_shop_that_does_not_tell_its_locations_apart_is_compared_as_a_whole(shop: StorefrontShop, house: Warehouse, thing: Sku) -> None:
    channel = connected(shop, house, thing, location="leipzig")
    assert drift.compare(channel) == []
    shop.books.by_sku(thing.code)["quantity"] = 9
    assert [(found.ours, found.theirs) for found in drift.compare(channel)] == [(10, 9)]


def test_a_channel_whose_keys_name_another_location_tells_that_all_its_numbers(shop: StorefrontShop, house: Warehouse, thing: Sku) -> None:
    """What another place, or account, shows nobody knows: nothing of what was told is known there."""
    channel = bound_to_leipzig(shop, thing, house)
    channels.change_credentials(channel=channel, credentials={"secret": SECRET, "location": "hamburg"})
    deliver_all()
    assert shop.books.there[shop.books.by_sku(thing.code)["id"]] == {"leipzig": 0, "hamburg": 10}
