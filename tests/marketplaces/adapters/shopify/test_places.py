"""Two locations of one shop, each with the numbers of a warehouse of its own, by the real sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from graphql import GraphQLSchema

from inventory.models import Sku, Warehouse
from marketplaces import channels, differing, drift, order_import, pausing, places, stock_sync
from marketplaces.adapters.shopify import Shopify
from marketplaces.models import Channel, ChannelOrder, Comparison, Difference, Listing, ListingPlace, StockPush, ToldParcel
from marketplaces.port import Tracking
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.conftest import SECRET, adapter
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.misbehaving import before_work, fail, hang_up_after_work
from tests.marketplaces.shops import deliver_all, make_due
from tests.marketplaces.test_tracking import leave
from wms.core import outbox
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

WEST, EAST = str(HERE), str(ELSEWHERE)


@pytest.fixture
def shop(schema: GraphQLSchema) -> Iterator[ShopifyShop]:
    with ShopifyShop(schema) as shop:
        shop.points = shop.maximum = 100_000.0
        yield shop
        shop.check()


@dataclass
class Place:
    """The shop sells one sku at two locations; its warehouses have 10 and 4 of it."""

    shop: ShopifyShop
    channel: Channel
    west: Warehouse
    east: Warehouse
    thing: Sku

    def shown(self) -> tuple[int, int]:
        levels = self.shop.books.items[self.shop.books.by_sku(self.thing.code)]["levels"]
        return levels[HERE], levels[ELSEWHERE]

    def told(self) -> list[tuple[str, int, int | None]]:
        """(location, quantity, upon which number) of all pushes, in their order."""
        rows = [row for call in self.shop.made("SetQuantities") for row in call.variables["input"]["quantities"]]
        return [(row["locationId"].rpartition("/")[2], row["quantity"], row["changeFromQuantity"]) for row in rows]

    def known(self) -> dict[str, tuple[int | None, str]]:
        return {place.location: (place.pushed_quantity, place.last_error) for place in ListingPlace.objects.all()}

    def stock(self, house: Warehouse, quantity: int) -> None:
        make.stock(make.bin_of(house, "A-01"), self.thing, quantity)


def connect(shop: ShopifyShop, west: Warehouse, east: Warehouse, thing: Sku, **more: object) -> Channel:
    keys = {"access_token": shop.token, "client_secret": SECRET, "location_id": WEST}
    return channels.connect(
        merchant=thing.merchant, warehouse=west, further=[east], adapter="shopify", base_url=shop.url, credentials=keys,
        name="Shopify", code="SHO", **more,  # type: ignore[arg-type]
    )  # fmt: skip


def locate(channel: Channel, *houses: Warehouse, **locations: str) -> None:
    places.set_warehouses(channel=channel, warehouses=houses, routing="fallback", locations=locations)


@pytest.fixture
def two(shop: ShopifyShop) -> Place:
    west, east, thing = make.warehouse("WEST"), make.warehouse("EAST"), make.sku(make.merchant())
    item = shop.books.add_product(sku=thing.code, quantity=3)
    shop.books.items[item]["levels"][ELSEWHERE] = 0
    place = Place(shop, connect(shop, west, east, thing), west, east, thing)
    place.stock(west, 10)
    place.stock(east, 4)
    channels.fetch_listings(channel=place.channel)
    locate(place.channel, west, east, WEST=WEST, EAST=EAST)
    deliver_all()
    shop.calls.clear()
    return place


def settle() -> None:
    make_due()
    order_import.ask_all()
    for _round in range(4):
        make_due()
        deliver_all()
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


# Numbers


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


# What goes wrong at one of them


def test_a_sale_at_one_location_is_taken_in_before_its_number_is_told(two: Place) -> None:
    """4 are there; 3 are sold in the shop and 1 elsewhere in the same moment. The other location is not asked for anything."""
    number = two.shop.books.place_order([(two.thing.code, 3)], location=ELSEWHERE)
    orders.accept(merchant=two.thing.merchant, order=make.order(two.east, {two.thing: 1}))
    deliver_all()
    assert two.shown() == (10, 0)
    assert ChannelOrder.objects.get().external_id == str(number)
    assert two.told()[:2] == [(EAST, 3, 4), (EAST, 0, 1)], "refused, and computed again after the orders were read"
    settle()
    assert (two.shown(), two.known()) == ((10, 0), {WEST: (10, ""), EAST: (0, "")})


def test_stale_at_one_location_alone(two: Place) -> None:
    """Both are told in one call; one of them sells in that very moment."""
    sale = before_work(lambda: two.shop.books.place_order([(two.thing.code, 2)], location=ELSEWHERE))
    two.shop.misbehave("SetQuantities", sale, times=1)
    two.stock(two.west, 1)
    two.stock(two.east, 1)
    deliver_all()
    assert two.shown() == (11, 3)
    assert [row for row in two.told() if row[0] == EAST] == [(EAST, 5, 4), (EAST, 3, 2), (EAST, 3, 3)], "the last one by its order"
    # The shop takes all rows of a call or none, so that what was right goes out again without the stale one, and never a third time.
    assert [row for row in two.told() if row[0] == WEST] == [(WEST, 11, 10)] * 2
    settle()
    assert two.known() == {WEST: (11, ""), EAST: (3, "")}


def test_an_answer_that_was_lost_is_doubted_at_its_location(two: Place) -> None:
    two.shop.misbehave("SetQuantities", hang_up_after_work)
    two.stock(two.east, 4)
    deliver_all()
    two.shop.books.place_order([(two.thing.code, 4)], location=ELSEWHERE)
    two.stock(two.east, 4)
    make_due()
    deliver_all()
    assert two.shown() == (10, 8)
    assert Order.objects.get().warehouse == two.east


def test_only_the_location_that_failed_is_told_again_and_its_letter_can_die(two: Place) -> None:
    item = two.shop.books.items[two.shop.books.by_sku(two.thing.code)]
    del item["levels"][ELSEWHERE]
    two.stock(two.east, 1)
    two.stock(two.west, 1)
    deliver_all()
    assert item["levels"] == {HERE: 11}
    assert {location: error.partition(":")[0] for location, (_told, error) in two.known().items()} == {WEST: "", EAST: "refused"}
    assert Listing.objects.get().last_error.startswith("refused")
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists(), "useless to repeat"


def test_a_dead_letter_is_of_one_location_and_holds_up_no_other(two: Place) -> None:
    two.shop.misbehave("SetQuantities", fail(500))
    two.stock(two.east, 1)
    deliver_all()
    letter = OutboxEvent.objects.get(topic="channel.stale")
    assert (letter.payload["location"], letter.payload["listing_ids"]) == (EAST, [Listing.objects.get().pk])
    OutboxEvent.objects.filter(pk=letter.pk).update(dead_at=datetime.now(UTC))
    make_due()
    two.shop.calls.clear()
    two.stock(two.west, 1)
    deliver_all()
    assert (two.shown(), two.told()) == ((11, 4), [(WEST, 11, 10)])
    found = differing.run(two.channel)
    assert [(row.location, row.ours, row.theirs, row.why) for row in found.differences.all()] == [(EAST, 5, 4, "dead")]
    outbox.replay([letter.pk])
    make_due()
    deliver_all()
    assert (two.shown(), two.told()) == ((11, 5), [(WEST, 11, 10), (EAST, 5, 4)])


def test_what_drifts_at_one_location_is_explained_and_told_there(two: Place) -> None:
    two.shop.books.items[two.shop.books.by_sku(two.thing.code)]["levels"][ELSEWHERE] = 9
    found = differing.run(two.channel)
    [row] = found.differences.all()
    assert (found.listing_count, row.location, row.ours, row.theirs, row.why) == (1, EAST, 4, 9, "changed_there")
    assert (row.formula["on_hand"], row.formula["committed"]) == (4, 0)
    assert differing.tell_again(channel=two.channel) == 1
    deliver_all()
    settle()
    assert two.shown() == (10, 4)
    assert {location for location, _quantity, _expected in two.told()} == {EAST}
    differing.run(two.channel)
    assert not Difference.objects.exists()


def test_a_sale_explains_the_drift_of_its_own_location(two: Place) -> None:
    for location, quantity in ((HERE, 2), (ELSEWHERE, 1)):
        two.shop.books.place_order([(two.thing.code, quantity)], location=location)
    differing.run(two.channel)
    west, east = sorted(two.shop.books.orders)
    rows = Difference.objects.order_by("location").values_list("location", "why", "facts__orders")
    assert list(rows) == [(WEST, "sold", [str(west)]), (EAST, "sold", [str(east)])]
    assert Comparison.objects.get().listing_count == 1


def test_a_location_that_is_gone_at_the_shop_refuses_and_the_other_goes_on(two: Place) -> None:
    del two.shop.books.locations[ELSEWHERE]
    del two.shop.books.items[two.shop.books.by_sku(two.thing.code)]["levels"][ELSEWHERE]
    stock_sync.tell_all(channel=two.channel)
    deliver_all()
    assert {location: error.partition(":")[0] for location, (_told, error) in two.known().items()} == {WEST: "", EAST: "refused"}
    differing.run(two.channel)
    assert list(Difference.objects.values_list("location", "theirs", "why")) == [(EAST, None, "not_counted")]
    with pytest.raises(InvalidInput) as caught:
        locate(two.channel, two.west, two.east, WEST=WEST, EAST=EAST)
    assert caught.value.details["problems"] == [{"path": ["locations", "EAST"], "message": f"The shop has no location {EAST}."}]
    locate(two.channel, two.west, WEST=WEST)
    deliver_all()
    settle()
    assert two.known() == {WEST: (10, "")}, "nobody tells a place that is gone anything again"
    assert Listing.objects.get().last_error == ""


def test_a_location_that_is_left_and_then_goes_at_the_shop_is_forgotten_at_night(two: Place) -> None:
    two.shop.misbehave("SetQuantities", fail(500))
    locate(two.channel, two.west, WEST=WEST)
    deliver_all()
    item = two.shop.books.items[two.shop.books.by_sku(two.thing.code)]
    del item["levels"][ELSEWHERE]
    make_due()
    deliver_all()
    assert two.known()[EAST][1].startswith("refused"), "the shop may refuse for many reasons: it might still sell there"
    differing.mend(two.channel)
    deliver_all()
    assert EAST in two.known()
    del two.shop.books.locations[ELSEWHERE]
    differing.mend(two.channel)
    deliver_all()
    assert (two.known(), Listing.objects.get().last_error) == ({WEST: (10, "")}, "")


def test_a_location_that_is_left_is_told_nothing_and_forgotten(two: Place) -> None:
    locate(two.channel, two.west, WEST=WEST)
    deliver_all()
    assert (two.shown(), two.known()) == ((10, 0), {WEST: (10, "")})
    two.shop.calls.clear()
    stock_sync.tell_all(channel=two.channel)
    deliver_all()
    assert two.told() == [(WEST, 10, 10)]
    assert drift.compare(two.channel) == []


# Setting them


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


# Orders


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


# Statements


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
