"""What each of two locations shows, told by the real sync."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplaces import channels, drift, pausing, stock_sync
from marketplaces.models import Channel, Listing, ListingPlace, StockPush
from outbound import orders
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.places.two import EAST, WEST, Place, connect, locate
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.shops import deliver_all

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_location_shows_what_its_own_warehouse_has(two: Place) -> None:
    assert two.shown() == (10, 4)
    assert two.known() == {WEST: (10, ""), EAST: (4, "")}
    listing = Listing.objects.get()
    assert (listing.pushed_quantity, listing.last_error) == (14, "")
    assert drift.compare(two.channel) == []


def test_a_change_in_one_warehouse_is_told_at_its_location_alone(two: Place) -> None:
    two.stock(two.east, 5)
    deliver_all()
    assert (two.shown(), two.told()) == ((10, 9), [(EAST, 9, 4)])
    assert StockPush.objects.order_by("-pk").values_list("location", "before", "quantity")[0] == (EAST, 4, 9)


def test_changes_of_both_go_out_in_one_call_the_fall_with_its_listing(two: Place) -> None:
    two.stock(two.west, 2)
    orders.accept(merchant=two.thing.merchant, order=make.order(two.east, {two.thing: 3}))
    deliver_all()
    [push] = two.shop.made("SetQuantities")
    assert sorted(two.told()) == [(WEST, 12, 10), (EAST, 1, 4)]
    assert (two.shown(), len(push.variables["input"]["quantities"])) == ((12, 1), 2)


def test_what_was_told_as_one_place_is_known_at_the_shop_s_own(shop: ShopifyShop) -> None:
    """The first push to its location has to find the number that it was told before; what nobody told yet is set without asking."""
    west, east, thing = make.warehouse("WEST"), make.warehouse("EAST"), make.sku(make.merchant())
    item = shop.books.add_product(sku=thing.code, quantity=3)
    shop.books.items[item]["levels"][ELSEWHERE] = 7
    place = Place(shop, connect(shop, west, east, thing), west, east, thing)
    place.stock(west, 10)
    place.stock(east, 4)
    channels.fetch_listings(channel=place.channel)
    deliver_all()
    assert (place.shown(), ListingPlace.objects.count()) == ((10, 7), 0)
    locate(place.channel, east, west, WEST=WEST, EAST=EAST)
    shop.calls.clear()
    deliver_all()
    assert (place.shown(), sorted(place.told())) == ((10, 4), [(WEST, 10, 10), (EAST, 4, None)])


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"buffer": 3}, (7, 1)),  # kept back in each warehouse: both may have lost as many
        ({"share_percent": 50}, (5, 2)),
        ({"cap": 11}, (10, 1)),  # of all together, the first warehouse first
        ({"cap": 6}, (6, 0)),
        ({"buffer": 1, "share_percent": 50, "cap": 5}, (4, 1)),
    ],
)
def test_rules_never_promise_more_in_sum_than_for_one_place(two: Place, rule: dict[str, int], shown: tuple[int, int]) -> None:
    Channel.objects.update(**rule)
    stock_sync.tell_all(channel=two.channel)
    deliver_all()
    assert two.shown() == shown
    free = (14 - rule.get("buffer", 0)) * rule.get("share_percent", 100) // 100
    assert sum(shown) <= min(free, rule.get("cap", free))


def test_a_cap_that_one_warehouse_no_longer_fills_is_left_to_the_other(two: Place) -> None:
    Channel.objects.update(cap=6)
    stock_sync.tell_all(channel=two.channel)
    deliver_all()
    two.shop.calls.clear()
    orders.accept(merchant=two.thing.merchant, order=make.order(two.west, {two.thing: 7}))
    deliver_all()
    assert (two.shown(), sorted(two.told())) == ((3, 3), [(WEST, 3, 6), (EAST, 3, 0)])


def test_a_bundle_is_sold_where_all_of_it_is(shop: ShopifyShop) -> None:
    west, east, merchant = make.warehouse("WEST"), make.warehouse("EAST"), make.merchant()
    cup, plate = make.sku(merchant, "CUP"), make.sku(merchant, "PLATE")
    item = shop.books.add_product(sku="SET", quantity=0)
    shop.books.items[item]["levels"][ELSEWHERE] = 0
    make.bundle(merchant, {cup: 2, plate: 1}, "SET")
    for house, cups, plates in ((west, 9, 9), (east, 20, 3)):
        make.stock(make.bin_of(house, "A-01"), cup, cups)
        make.stock(make.bin_of(house, "A-01"), plate, plates)
    channel = connect(shop, west, east, cup)
    channels.fetch_listings(channel=channel)
    locate(channel, west, east, WEST=WEST, EAST=EAST)
    deliver_all()
    assert shop.books.items[item]["levels"] == {HERE: 4, ELSEWHERE: 3}


def test_a_paused_channel_sells_nothing_at_any_location(two: Place) -> None:
    pausing.pause(channel=two.channel, by=two.channel.user, reason="count")
    deliver_all()
    assert (two.shown(), pausing.told_nothing(two.channel)) == ((0, 0), (1, 1))
    pausing.resume(channel=two.channel)
    deliver_all()
    assert two.shown() == (10, 4)


def test_each_push_tells_its_own_place_s_cause(two: Place) -> None:
    listing = Listing.objects.get().pk
    stock_sync.push_stale(
        [
            {"channel_id": two.channel.pk, "listing_ids": [listing], "location": location, "at": [at], "because": [because]}
            for location, at, because in ((WEST, 2000.0, "order A"), (EAST, 1000.0, "count B"), (EAST, 3000.0, "order C"))
        ]
    )
    rows = StockPush.objects.order_by("-pk")[:2].values_list("location", "because", "stale_at")
    assert {(location, because, at.timestamp()) for location, because, at in rows if at} == {
        (WEST, "order A", 2000.0),
        (EAST, "count B", 1000.0),
    }


def test_two_hundred_listings_at_two_places_cost_as_many_statements_as_two(two: Place) -> None:
    def statements() -> int:
        stock_sync.tell_all(channel=two.channel)
        with CaptureQueriesContext(connection) as captured:
            deliver_all()
        return len(captured)

    few = statements()
    merchant = two.thing.merchant
    for number in range(100):
        sku = make.sku(merchant, f"MORE-{number}")
        item = two.shop.books.add_product(sku=sku.code, quantity=0)
        two.shop.books.items[item]["levels"][ELSEWHERE] = 0
    channels.fetch_listings(channel=two.channel)
    deliver_all()
    assert statements() == few
    assert ListingPlace.objects.filter(last_error="").count() == 202
