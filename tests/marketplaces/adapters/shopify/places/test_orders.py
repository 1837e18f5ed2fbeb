"""The locations of a shop are set, and its orders go to the warehouses of theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory.models import Warehouse
from marketplaces import places
from marketplaces.adapters.shopify import Shopify
from marketplaces.models import Channel, ChannelOrder, ListingPlace, ToldParcel
from marketplaces.port import Tracking
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.conftest import adapter
from tests.marketplaces.adapters.shopify.places.two import EAST, WEST, Place, locate
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.shops import deliver_all, settle
from tests.marketplaces.test_tracking import leave
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def refused(two: Place, *houses: Warehouse, **locations: str) -> list[tuple[list[str], str]]:
    before = list(two.channel.places.values_list("warehouse", "location", "rank"))
    with pytest.raises(InvalidInput) as caught:
        locate(two.channel, *houses, **locations)
    assert list(two.channel.places.values_list("warehouse", "location", "rank")) == before
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists()
    return [(problem["path"], problem["message"]) for problem in caught.value.details["problems"]]


def test_a_mixture_is_refused_where_it_is(two: Place) -> None:
    mixture = "Either every warehouse of a channel has a location of the shop, or none has."
    assert refused(two, two.west, two.east, EAST=EAST) == [(["locations", "WEST"], mixture)]
    third = make.warehouse("THIRD")
    assert refused(two, two.west, two.east, third, WEST=WEST, EAST=EAST) == [(["locations", "THIRD"], mixture)]


def test_a_location_twice_and_one_that_the_shop_has_not(two: Place) -> None:
    assert refused(two, two.west, two.east, WEST=WEST, EAST=WEST) == [(["locations", "EAST"], "Warehouse WEST has this location already.")]
    assert refused(two, two.west, two.east, WEST="99", EAST=EAST) == [(["locations", "WEST"], "The shop has no location 99.")]
    assert refused(two, two.west, WEST="x" * 101) == [(["locations", "WEST"], "This is too long.")]


def test_a_channel_becomes_one_place_again_when_the_others_show_nothing(two: Place) -> None:
    message = f"The shop still sells at location {EAST}: leave its warehouse out first, until it is told 0."
    assert refused(two, two.west, two.east) == [(["locations"], message)]
    locate(two.channel, two.west, WEST=WEST)
    deliver_all()
    locate(two.channel, two.west, two.east)
    two.shop.calls.clear()
    deliver_all()
    assert (two.shown(), two.told(), ListingPlace.objects.count()) == ((10, 0), [(WEST, 10, 10)], 0)
    assert not Channel.objects.get().located


def test_warehouses_that_change_places_take_their_numbers_along(two: Place) -> None:
    locate(two.channel, two.west, two.east, WEST=EAST, EAST=WEST)
    deliver_all()
    assert (two.shown(), sorted(two.told())) == ((4, 10), [(WEST, 4, 10), (EAST, 10, 4)])


def test_the_shop_lists_its_places(two: Place) -> None:
    two.shop.books.locations |= {100 + number: f"Pop-up {number}" for number in range(150)}
    found = places.of_shop(two.channel)
    assert found is not None
    assert [(place.location, place.name) for place in found[:2]] == [(WEST, "Main street"), (EAST, "Harbour")]
    assert (len(found), len(two.shop.made("Locations"))) == (152, 2)


def test_an_order_of_a_location_goes_to_its_warehouse(two: Place) -> None:
    """Whatever is nearer, or has more."""
    number = two.shop.books.place_order([(two.thing.code, 2)], location=ELSEWHERE)
    settle()
    order = Order.objects.get()
    assert (order.warehouse, order.lines.get().quantity, order.reference) == (two.east, 2, f"SHO-{number}")
    assert two.shown() == (10, 2)
    leave(order, "WMS-1", 2)
    deliver_all()
    assert [info["number"] for info in two.shop.books.told(number)] == ["WMS-1"]


def test_an_order_of_two_locations_becomes_parts_and_each_parcel_goes_to_its_own(two: Place) -> None:
    """One line of the shop's is spread over two fulfilment orders."""
    number = two.shop.books.place_order([(two.thing.code, 5)], location=ELSEWHERE)
    work = two.shop.books.work(number)
    work["lines"][0].update(total=3, left=3)
    line = work["lines"][0]["line"]
    spread = two.shop.books._add_work(two.shop.books.orders[number], [line], HERE)
    spread["lines"][0].update(total=2, left=2)
    settle()
    first, second = Order.objects.order_by("pk")
    assert [(order.warehouse, order.lines.get().quantity) for order in (first, second)] == [(two.east, 3), (two.west, 2)]
    leave(second, "WMS-WEST", 2)
    deliver_all()
    assert (spread["lines"][0]["left"], work["lines"][0]["left"]) == (0, 3)
    leave(first, "WMS-EAST", 3)
    deliver_all()
    settle()
    assert [line["left"] for each in two.shop.books.orders[number]["work"] for line in each["lines"]] == [0, 0]
    assert sorted(info["number"] for info in two.shop.books.told(number)) == ["WMS-EAST", "WMS-WEST"]
    assert ToldParcel.objects.filter(error="").count() == 2
    assert ChannelOrder.objects.get().problem == ""


def test_a_parcel_goes_to_its_own_location_s_part_of_the_same_line(shop: ShopifyShop, client, naps: list[float]) -> None:
    shop.books.add_product(sku="A", quantity=10)
    number = shop.books.place_order([("A", 2)])
    other = shop.books._add_work(shop.books.orders[number], list(shop.books.orders[number]["lines"]), ELSEWHERE)
    shopify: Shopify = adapter(shop, client).at([WEST, EAST])
    order = shopify.order(str(number))
    assert [(line.location, line.quantity) for line in order.lines] == [(WEST, 2), (EAST, 2)]
    shopify.send_tracking(Tracking(str(number), "WMS-1", "dhl", datetime.now(UTC), location=EAST))
    assert other["lines"][0]["left"] == 0
    [call] = shop.made("Fulfil")
    assert call.variables["fulfillment"]["lineItemsByFulfillmentOrder"][0]["fulfillmentOrderId"].endswith(f"/{other['id']}")


def test_an_order_that_moves_between_our_locations_is_for_a_person(two: Place) -> None:
    number = two.shop.books.place_order([(two.thing.code, 2)], location=ELSEWHERE)
    settle()
    two.shop.books.change_work(number, location=HERE, updated=datetime.now(UTC) + timedelta(seconds=2))
    two.shop.books.touch(number, updated=datetime.now(UTC) + timedelta(seconds=2))
    settle()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail) == ("changed", f"{row.lines[0]['line_id']}: {EAST}>{WEST}")
    assert Order.objects.get().status == "ready"


def test_units_that_wait_are_taken_off_the_location_that_sold_them(two: Place) -> None:
    """An order with an address that cannot be used is sold all the same."""
    address = {**two.shop.books.orders.get(0, {}), "name": "Grace", "countryCodeV2": "US"}
    two.shop.books.place_order([(two.thing.code, 1)], location=ELSEWHERE, address=address)
    settle()
    assert ChannelOrder.objects.get().status == "refused"
    assert two.shown() == (10, 3)
    two.stock(two.west, 1)
    two.stock(two.east, 1)
    deliver_all()
    assert two.shown() == (11, 4)


def test_a_location_whose_orders_are_under_way_is_not_left(two: Place) -> None:
    """Its orders would be read as the shop's no longer, and cancelled; their tracking would have nowhere to go."""
    two.shop.books.place_order([(two.thing.code, 2)], location=ELSEWHERE)
    settle()
    message = "1 order of its location is under way: ship or cancel it first."
    assert refused(two, two.west, WEST=WEST) == [(["locations", "EAST"], message)]
    assert refused(two, two.west) == [(["locations", "EAST"], message)]
    leave(Order.objects.get(), "WMS-1", 2)
    deliver_all()
    locate(two.channel, two.west, WEST=WEST)
    assert two.channel.locations == {WEST: two.west.pk}


def test_a_channel_does_not_become_one_place_while_an_answer_of_another_is_lost(two: Place) -> None:
    """Told 0 there, then a number whose answer was lost: the shop may show it."""
    ListingPlace.objects.filter(location=EAST).update(pushed_quantity=0, last_error="unavailable: hung up")
    assert refused(two, two.west)[0][0] == ["locations"]
