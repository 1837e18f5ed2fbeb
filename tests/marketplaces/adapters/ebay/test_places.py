"""Two inventory locations of one seller, each with the numbers of a warehouse of its own. eBay takes all of a listing together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import channels, differing, drift, places, revisions, stock_sync
from marketplaces.abilities import ShopPlace
from marketplaces.models import Channel, Difference, Listing, ListingPlace, StockPush
from marketplaces.numbers import Told
from marketplaces.port import Capabilities
from marketplaces.push_log import Since
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop, rows
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import deliver_all, make_due, settle
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(contract: Contract) -> Iterator[EBayShop]:
    with EBayShop(contract) as shop:
        yield shop
        shop.check()


@dataclass
class Place:
    """The seller offers one sku; the warehouses at his two locations have 10 and 4 of it."""

    shop: EBayShop
    channel: Channel
    west: Warehouse
    east: Warehouse
    thing: Sku

    def shown(self) -> tuple[int, dict[str, int]]:
        """What buyers may order, and what stands at the locations."""
        return self.shop.books.shown(self.thing.code), self.shop.books.items[self.thing.code]["places"]

    def told(self) -> list[dict[str, int]]:
        found = []
        for call in self.shop.made("bulkUpdatePriceQuantity"):
            for row in call.body["requests"]:
                there = row["shipToLocationAvailability"]["availabilityDistributions"]
                found.append({place["merchantLocationKey"]: place["quantity"] for place in there})
        return found

    def known(self) -> dict[str, tuple[int | None, str]]:
        return {place.location: (place.pushed_quantity, place.last_error) for place in ListingPlace.objects.all()}

    def stock(self, house: Warehouse, quantity: int) -> None:
        make.stock(make.bin_of(house, "A-01"), self.thing, quantity)


def locate(channel: Channel, *houses: Warehouse, **locations: str) -> None:
    places.set_warehouses(channel=channel, warehouses=houses, routing="split", locations=locations)


@pytest.fixture
def two(shop: EBayShop) -> Place:
    west, east, thing = make.warehouse("WEST"), make.warehouse("EAST"), make.sku(make.merchant())
    shop.books.add_item(sku=thing.code, quantity=3, own=3)
    channel = channels.connect(
        merchant=thing.merchant, warehouse=west, further=[east], adapter="ebay", base_url=shop.url, credentials=KEYS, name="eBay", code="EBY"
    )  # fmt: skip
    place = Place(shop, channel, west, east, thing)
    place.stock(west, 10)
    place.stock(east, 4)
    channels.fetch_listings(channel=channel)
    locate(channel, west, east, WEST="west", EAST="east")
    deliver_all()
    shop.calls.clear()
    return place


def test_each_location_has_its_own_number_and_buyers_see_all(two: Place) -> None:
    assert two.shown() == (14, {"west": 10, "east": 4})
    assert (two.known(), Listing.objects.get().pushed_quantity) == ({"west": (10, ""), "east": (4, "")}, 14)
    assert drift.compare(two.channel) == []


def test_a_change_at_one_location_is_told_with_the_other_and_costs_one_revision(two: Place) -> None:
    before = Listing.objects.get().revisions
    two.stock(two.east, 5)
    deliver_all()
    assert (two.shown(), two.told()) == ((19, {"west": 10, "east": 9}), [{"west": 10, "east": 9}])
    assert Listing.objects.get().revisions == before + 1
    assert set(StockPush.objects.order_by("-pk")[:2].values_list("location", "before", "quantity")) == {("west", 10, 10), ("east", 4, 9)}


def test_what_changes_nothing_at_any_location_costs_no_revision(two: Place) -> None:
    stock_sync.push_stale(
        [{"channel_id": two.channel.pk, "listing_ids": [Listing.objects.get().pk], "location": "east", "at": [1.0], "because": ["order A"]}]
    )
    assert two.told() == []


def test_an_order_names_no_location_and_is_routed(two: Place) -> None:
    """The nearest that has it whole; its units come off there, and before it is taken in off both."""
    two.shop.books.place_order([(two.thing.code, 3)])
    settle()
    assert Order.objects.get().warehouse == two.west
    assert two.shown() == (11, {"west": 7, "east": 4})


def test_a_refusal_is_of_the_whole_listing_and_comes_back_once(two: Place) -> None:
    two.shop.misbehave("bulkUpdatePriceQuantity", rows({two.thing.code: (400, 25002, "Too many revisions.")}))
    two.stock(two.east, 1)
    deliver_all()
    assert {error.partition(":")[0] for _told, error in two.known().values()} == {"spent"}
    [event] = OutboxEvent.objects.filter(topic="channel.stale")
    assert "location" not in event.payload
    Listing.objects.update(revised_on=None)  # the platform's next day
    make_due()
    deliver_all()
    assert (two.shown(), len(two.told())) == ((15, {"west": 10, "east": 5}), 2)
    assert {error for _told, error in two.known().values()} == {""}


def test_drift_at_one_location_and_of_what_buyers_see(two: Place) -> None:
    two.shop.books.items[two.thing.code]["places"]["east"] = 9
    for offer in two.shop.books.items[two.thing.code]["offers"]:
        offer["own"] = 19
    differing.run(two.channel)
    assert list(Difference.objects.values_list("location", "ours", "theirs", "why")) == [("east", 4, 9, "changed_there")]
    for offer in two.shop.books.items[two.thing.code]["offers"]:
        offer["own"] = 17
    differing.run(two.channel)
    assert list(Difference.objects.order_by("location").values_list("location", "ours", "theirs")) == [("east", 4, 9), ("west", 10, 8)]
    differing.tell_again(channel=two.channel)
    deliver_all()
    assert two.shown() == (14, {"west": 10, "east": 4})


def test_a_location_that_is_left_is_no_longer_named(two: Place) -> None:
    """eBay replaces all at once; by then it may not have that location any more."""
    two.shop.books.locations["east"] = "DISABLED"
    two.stock(two.west, 1)
    deliver_all()
    assert {error.partition(":")[0] for _told, error in two.known().values()} == {"refused"}
    locate(two.channel, two.west, WEST="west")
    deliver_all()
    assert (two.shown(), two.known()) == ((11, {"west": 11}), {"west": (11, "")})


def test_a_channel_becomes_one_place_again(two: Place) -> None:
    locate(two.channel, two.west, two.east)
    deliver_all()
    assert (two.shown(), ListingPlace.objects.count(), Listing.objects.get().pushed_quantity) == ((14, {}), 0, 14)


def test_only_enabled_locations_of_the_seller(two: Place) -> None:
    two.shop.books.locations |= {f"store-{number}": "ENABLED" for number in range(120)} | {"old": "DISABLED"}
    found = places.of_shop(two.channel)
    assert found is not None
    assert (found[0], len(found), len(two.shop.made("getInventoryLocations"))) == (ShopPlace("west", "West"), 122, 2)
    for wrong in ("old", "nowhere"):
        with pytest.raises(InvalidInput) as caught:
            locate(two.channel, two.west, WEST=wrong)
        assert caught.value.details["problems"] == [{"path": ["locations", "WEST"], "message": f"The shop has no location {wrong}."}]
    assert Channel.objects.get().locations == {"west": two.west.pk, "east": two.east.pk}


def test_a_paused_shop_is_told_nothing_at_both(two: Place) -> None:
    Channel.objects.update(active=False, sells_nothing=True)
    stock_sync.tell_all(channel=Channel.objects.get())
    two.shop.misbehave("bulkUpdatePriceQuantity", fail(503))
    deliver_all()
    make_due()
    deliver_all()
    assert two.shown() == (0, {"west": 0, "east": 0})


# Revisions of a listing, not of a place


def told(quantity: int, before: int | None, location: str) -> Told:
    return Told(1, "A", quantity, before, timezone.now(), unsure=False, as_of=0, location=location)


CAPABILITIES = Capabilities(batch_size=25, daily_revisions=250, whole_listings=True)
SINCE = {1: Since(1.0, "order A")}


def test_a_fall_at_one_place_takes_the_rise_of_the_other_along(two: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "told_today", lambda _capabilities, _ids: {1: 200})
    units = [told(12, 10, "west"), told(2, 4, "east")]
    assert revisions.sort(CAPABILITIES, units, SINCE) == (units, {})
    rises = [told(12, 10, "west"), told(5, 4, "east")]
    out, waiting = revisions.sort(CAPABILITIES, rises, SINCE)
    assert (out, list(waiting)) == ([], [1])


def test_units_that_moved_from_one_place_to_the_other_are_news(two: Place) -> None:
    units = [told(8, 10, "west"), told(6, 4, "east")]
    assert revisions.sort(CAPABILITIES, units, SINCE) == (units, {})
    same = [told(10, 10, "west"), told(4, 4, "east")]
    assert revisions.sort(CAPABILITIES, same, SINCE) == ([], {})


def test_twenty_five_listings_go_in_one_call_however_many_places(two: Place) -> None:
    orders.accept(merchant=two.thing.merchant, order=make.order(two.west, {two.thing: 1}))
    for number in range(24):
        sku = make.sku(two.thing.merchant, f"MORE-{number}")
        two.shop.books.add_item(sku=sku.code)
    channels.fetch_listings(channel=two.channel)
    stock_sync.tell_all(channel=two.channel)
    two.shop.calls.clear()
    deliver_all()
    assert [len(call.body["requests"]) for call in two.shop.made("bulkUpdatePriceQuantity")] == [25]
