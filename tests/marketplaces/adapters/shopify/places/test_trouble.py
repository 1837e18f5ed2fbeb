"""What goes wrong at one of two locations does not at the other."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from django.utils import translation

from marketplaces import differing, drift, oversold, stock_sync
from marketplaces.models import ChannelOrder, Comparison, Difference, Listing
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.places.two import EAST, WEST, Place, locate
from tests.marketplaces.misbehaving import before_work, fail, hang_up_after_work
from tests.marketplaces.shops import deliver_all, make_due, settle
from wms.core import outbox
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


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
    two.shop.misbehave("SetQuantities", fail(503))
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


def test_the_post_mortem_names_the_location_that_sold_and_the_warehouse_that_was_emptied(two: Place) -> None:
    orders.accept(merchant=two.thing.merchant, order=make.order(two.east, {two.thing: 3}, "TAKER"))
    time.sleep(1.1)  # shops tell the time of an order in whole seconds
    two.shop.books.place_order([(two.thing.code, 2)], location=ELSEWHERE)
    deliver_all()
    settle()
    with translation.override("en"):
        [story] = oversold.explain(Order.objects.get(status="short"))
    assert story.verdict.startswith(f"Sold on {two.channel.name} ({EAST}) ")
    assert "order TAKER took the last units in EAST" in story.verdict
