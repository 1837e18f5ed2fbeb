"""A shop that declares that it keeps a number for each of its locations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from inventory.models import Warehouse
from marketplaces import channels, differing, drift, pace, places, stock_sync
from marketplaces.abilities import ShopPlace
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, Difference, Listing, ListingPlace
from marketplaces.port import ChannelListing, ChannelUnavailable
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.storefront.conftest import Connect
from tests.marketplaces.adapters.storefront.shop import StorefrontShop, only_taken
from tests.marketplaces.adapters.storefront.two import Place, locate
from tests.marketplaces.adapters.storefront.working import tell
from tests.marketplaces.misbehaving import change_answer
from tests.marketplaces.shops import deliver_all, settle
from tests.marketplaces.test_tracking import leave
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


def test_each_location_has_its_own_number(two: Place) -> None:
    assert two.shown() == {"leipzig": 10, "hamburg": 4}
    assert drift.compare(two.channel) == []
    two.stock(two.east, 5)
    deliver_all()
    assert (two.shown(), two.told()) == ({"leipzig": 10, "hamburg": 9}, [("hamburg", 9, 4)])


def test_what_a_short_order_will_get_is_not_offered_at_its_location(two: Place) -> None:
    assert orders.accept(merchant=two.thing.merchant, order=make.order(two.west, {two.thing: 13})).status == "short"
    deliver_all()
    assert (two.shown(), two.told()) == ({"leipzig": 0, "hamburg": 4}, [("leipzig", 0, 10)])


def test_the_database_says_which_message_is_the_later_one(two: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the worker that sends the later one has a clock that is behind."""
    two.stock(two.east, 5)
    deliver_all()
    monkeypatch.setattr("time.time_ns", lambda: 1)
    two.stock(two.east, 1)
    deliver_all()
    first, second = (call.data["sequence"] for call in two.shop.made("stock.set"))
    assert 1_700_000_000_000_000 < first < second
    assert two.shown() == {"leipzig": 10, "hamburg": 10}


def test_a_shop_that_answers_nothing_but_done_has_taken_all_places(two: Place) -> None:
    two.shop.misbehave("stock.set", only_taken)
    two.stock(two.west, 1)
    two.stock(two.east, 1)
    deliver_all()
    known = dict(ListingPlace.objects.values_list("location", "pushed_quantity"))
    assert (two.shown(), known) == ({"leipzig": 11, "hamburg": 5}, {"leipzig": 11, "hamburg": 5})


def test_stale_at_one_location_alone(two: Place) -> None:
    two.shop.books.place_order([(two.thing.code, 2)], at="hamburg")
    orders.accept(merchant=two.thing.merchant, order=make.order(two.east, {two.thing: 1}))
    deliver_all()
    assert two.told()[:2] == [("hamburg", 3, 4), ("hamburg", 1, 2)]
    settle()
    assert two.shown() == {"leipzig": 10, "hamburg": 1}
    assert {location for location, _quantity, _expected in two.told()} == {"hamburg"}


def test_drift_at_one_location(two: Place) -> None:
    two.shown()["hamburg"] = 9
    differing.run(two.channel)
    assert list(Difference.objects.values_list("location", "ours", "theirs", "why")) == [("hamburg", 4, 9, "changed_there")]
    differing.tell_again(channel=two.channel)
    settle()
    assert two.shown() == {"leipzig": 10, "hamburg": 4}


@pytest.mark.parametrize("by_message", [True, False])
def test_an_order_of_a_location_goes_to_its_warehouse_and_its_parcel_says_so(two: Place, by_message: bool) -> None:
    order_id = two.shop.books.place_order([(two.thing.code, 2)], at="hamburg")
    if by_message:
        assert tell(two.shop, two.channel, order_id) == 200
    settle()
    order = Order.objects.get()
    assert (order.warehouse, two.shown()) == (two.east, {"leipzig": 10, "hamburg": 2})
    leave(order, "WMS-1", 2)
    settle()
    [parcel] = two.shop.made("parcel.shipped")
    assert (parcel.data["location"], parcel.data["lines"]) == ("hamburg", [])
    assert two.shop.books.orders[order_id]["state"] == "shipped"


def test_no_call_tells_more_numbers_than_were_granted(two: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One listing changed at three locations and two others at one each: a batch of three listings is more than three numbers."""
    north, others = make.warehouse("NORTH"), [make.sku(two.thing.merchant) for _ in range(2)]
    two.shop.books.locations.append("kiel")
    for other in others:
        two.shop.books.add_listing(sku=other.code, quantity=0)
    channels.fetch_listings(channel=two.channel)
    locate(two.channel, two.west, two.east, north, WEST="leipzig", EAST="hamburg", NORTH="kiel")
    settle()
    two.shop.declared["batch_size"] = 2
    declaration.forget()
    two.shop.calls.clear()
    for house in (two.west, two.east, north):
        two.stock(house, 1)
    for quantity, other in enumerate(others, start=7):
        make.stock(make.bin_of(two.west, "A-01"), other, quantity)
    grants: list[int] = []

    def for_push(*wanted: Any) -> tuple[int, float]:
        grants.append(2 if len(grants) < 2 else 0)
        return grants[-1], 60.0

    with monkeypatch.context() as patched:
        patched.setattr(pace, "for_push", for_push)
        deliver_all()
    assert [len(call.data["rows"]) for call in two.shop.made("stock.set")] == [2, 2]
    [waiting] = OutboxEvent.objects.filter(topic="channel.stale")
    assert (waiting.payload["waits"], len(waiting.payload["listing_ids"])) == ("tokens", 1)
    assert len(two.told()) == len({*two.told()}) == 4
    settle()
    assert len(two.told()) == 5, "what was told already is not told again"
    assert two.shown() == {"leipzig": 11, "hamburg": 5, "kiel": 1}
    assert drift.compare(two.channel) == []


def test_an_untied_listing_sells_at_no_location_any_more(two: Place) -> None:
    channels.tie(listing=Listing.objects.get())
    deliver_all()
    assert two.shown() == {"leipzig": 0, "hamburg": 0}
    two.shown()["hamburg"] = 9
    stock_sync.tell_all(channel=two.channel)
    deliver_all()
    assert two.shown() == {"leipzig": 0, "hamburg": 9}, "somebody else sells it there now"


def test_what_was_untied_in_silence_is_told_0_when_a_location_is_left(two: Place) -> None:
    Listing.objects.update(sku=None)
    locate(two.channel, two.west, WEST="leipzig")
    deliver_all()
    assert (two.shown(), ListingPlace.objects.get().location) == ({"leipzig": 0, "hamburg": 0}, "leipzig")


def test_an_untied_listing_of_which_one_location_fails_is_told_there_again(two: Place) -> None:
    two.shop.books.locations.remove("hamburg")
    channels.tie(listing=Listing.objects.get())
    deliver_all()
    assert two.shown() == {"leipzig": 0, "hamburg": 4}
    two.shop.books.locations.append("hamburg")
    differing.mend(two.channel)
    deliver_all()
    assert two.shown() == {"leipzig": 0, "hamburg": 0}


def test_an_order_without_a_location_is_routed(two: Place) -> None:
    two.shop.books.place_order([(two.thing.code, 6)])
    settle()
    assert Order.objects.get().warehouse == two.west


def test_a_line_of_another_location_is_not_ours(two: Place) -> None:
    two.shop.books.there[two.shop.books.by_sku(two.thing.code)["id"]]["berlin"] = 9
    order_id = two.shop.books.place_order([(two.thing.code, 6)], at="berlin")
    settle()
    assert not Order.objects.exists()
    assert two.shop.books.orders[order_id]["state"] == "open"


def test_a_location_that_the_shop_does_not_name_is_refused_and_one_that_is_left_told_nothing(two: Place) -> None:
    with pytest.raises(InvalidInput) as caught:
        locate(two.channel, two.west, two.east, WEST="leipzig", EAST="berlin")
    assert [problem["message"] for problem in caught.value.details["problems"]] == ["The shop has no location berlin."]
    locate(two.channel, two.west, WEST="leipzig")
    deliver_all()
    assert (two.shown(), ListingPlace.objects.get().location) == ({"leipzig": 10, "hamburg": 0}, "leipzig")


def test_a_shop_that_lists_none_has_them_typed(two: Place) -> None:
    two.shop.declared["answers"].remove("locations.list")
    declaration.forget()
    two.shop.books.locations.append("berlin")
    assert places.of_shop(two.channel) == []
    locate(two.channel, two.west, two.east, WEST="leipzig", EAST="berlin")
    deliver_all()
    assert two.shown() == {"leipzig": 10, "hamburg": 0, "berlin": 4}
    assert two.shop.made("locations.list") == []


def test_a_shop_that_declares_no_locations_has_none(shop: StorefrontShop, channel: Channel, house: Warehouse) -> None:
    assert places.of_shop(channel) is None
    with pytest.raises(InvalidInput):
        locate(channel, house, **{house.code: "leipzig"})
    assert not Channel.objects.get().located


def lies_with(lie: Any, answer: dict[str, Any]) -> None:
    answer["items"].append(lie)


def shows(row: dict[str, Any], answer: dict[str, Any]) -> None:
    answer["items"][0]["locations"] = [row]


def test_locations_and_listings_that_lie(two: Place, connect: Connect) -> None:
    shop = connect(base_url=two.shop.url).at(["leipzig", "berlin"])
    assert shop.places() == [ShopPlace("leipzig", "Leipzig"), ShopPlace("hamburg", "Hamburg")]
    assert [(row.location, row.quantity) for row in shop.listings().listings] == [("leipzig", 10), ("berlin", None)]
    lies: list[Any] = [{"location": ""}, {"location": 7}, {"name": "Berlin"}, 7, {"location": "x" * 101}]
    for lie in lies:
        two.shop.misbehave("locations.list", change_answer(partial(lies_with, lie)))
        with pytest.raises(ChannelUnavailable):
            shop.places()
    two.shop.misbehave("locations.list", change_answer(lambda answer: answer.update(next_cursor="2")))
    two.shop.misbehave("locations.list", change_answer(lambda answer: answer.update(next_cursor="2")))
    assert (shop.places() or [])[:2] == [ShopPlace("leipzig", "Leipzig"), ShopPlace("hamburg", "Hamburg")], "the same page for ever"
    rows: list[dict[str, Any]] = [{"quantity": 1}, {"location": "leipzig", "quantity": "x"}]
    for bad in rows:
        two.shop.misbehave("listings.list", change_answer(partial(shows, bad)))
        assert shop.listings().listings == ()
    assert shop.read_listing({"id": "7", "locations": [{"location": "a", "quantity": 2}, {"location": "b", "quantity": 3}]}) == (
        ChannelListing("7", "", "", 5)
    )
