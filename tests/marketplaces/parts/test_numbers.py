"""What several warehouses offer together, and the reasons of a difference."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from marketplaces import channels, differing, oversold, places, stock_sync
from marketplaces.models import Channel, ChannelOrderPart
from marketplaces.numbers import numbers
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.parts.houses import sell, stock
from tests.marketplaces.shops import BUYER, poll
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_other_warehouses_mean_other_numbers_and_none_is_refused(shop, channel, thing, west, east):
    stock(WEST={thing: 3}, EAST={thing: 4})
    shops.deliver_all()
    places.set_warehouses(channel=channel, warehouses=[east], routing="split")
    shops.deliver_all()
    assert shop.books.stock()["THING"] == 4
    with pytest.raises(InvalidInput):
        places.set_warehouses(channel=channel, warehouses=[], routing="fallback")
    channel = Channel.objects.get()
    assert ([house.code for house in channel.houses], channel.routing) == (["EAST"], "split")


def test_a_change_in_any_of_the_warehouses_is_told_and_one_elsewhere_is_not(channel, thing):
    elsewhere = make.warehouse("FAR")
    for code, told_of in (("WEST", 1), ("EAST", 1), ("FAR", 0)):
        OutboxEvent.objects.all().delete()
        house = elsewhere if code == "FAR" else next(house for house in channel.houses if house.code == code)
        stock_sync.push_changed([{"warehouse_id": house.pk, "sku_ids": [thing.pk]}])
        assert OutboxEvent.objects.filter(topic="channel.stale").count() == told_of, code


def test_what_another_merchant_sold_is_taken_from_nothing_of_ours(shop, channel, thing, west):
    stock(WEST={thing: 3})
    stranger = shops.connect(shop, make.merchant(), west, name="Theirs")
    lines = [{"line_id": "1", "listing_id": "", "sku": "THING", "quantity": 2, "components": [{"sku_id": thing.pk, "units": 1}]}]
    stranger.orders.create(merchant=stranger.merchant, external_id="1", status="unmapped", shop_state="open", lines=lines)
    assert {row.quantity for row in numbers(channel)} == {0, 3}


@pytest.mark.parametrize("routing", ["split", "fallback"])
def test_what_a_short_order_will_get_in_one_of_them_is_offered_neither_alone_nor_in_a_bundle(
    shop, channel, thing, other, west, east, routing
):
    shop.books.add_product(sku="SET", quantity=0)
    make.bundle(thing.merchant, {thing: 1, other: 1}, code="SET")
    places.set_warehouses(channel=channel, warehouses=[west, east], routing=routing)
    stock(WEST={thing: 9, other: 9}, EAST={thing: 4})
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {"THING": 13 if routing == "split" else 9, "OTHER": 9, "SET": 9}
    assert orders.accept(merchant=thing.merchant, order=make.order(west, {thing: 12})).status == "short"
    shops.deliver_all()
    assert shop.books.stock() == {"THING": 4, "OTHER": 9, "SET": 0}


@pytest.mark.parametrize(("routing", "formula"), [("split", (7, 1)), ("fallback", (4, 0))])
def test_a_difference_is_explained_by_the_warehouses_that_are_counted(shop, channel, thing, west, east, routing, formula):
    places.set_warehouses(channel=channel, warehouses=[west, east], routing=routing)
    stock(WEST={thing: 3}, EAST={thing: 4})
    orders.accept(merchant=thing.merchant, order=make.order(west, {thing: 1}))
    differing.run(channel)
    found = channel.comparison.differences.get(listing__sku=thing)
    assert (found.formula["on_hand"], found.formula["committed"]) == formula
    assert found.ours == formula[0] - formula[1]


def test_a_post_mortem_looks_at_all_warehouses_that_were_offered_together(shop, channel, thing, east):
    stock(WEST={thing: 1}, EAST={thing: 1})
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(east, {thing: 1}, "TAKER"))
    shops.deliver_all()
    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
    number = sell(shop, {thing: 2})
    story = oversold.explain(Order.objects.get(reference=f"WOO-{number}"))[0]
    assert (story.needed, story.kind) == (2, "shop_s_delay")
    assert any("TAKER" in moment.text for moment in story.moments)


def test_a_post_mortem_looks_at_the_warehouse_that_had_most_though_the_order_went_to_the_first(shop, channel, thing, east):
    """The shop is told 3, which are in the second warehouse; an order of 3 that finds 1 there goes to the first one, and is short."""
    Channel.objects.update(routing="fallback")
    stock(WEST={thing: 1}, EAST={thing: 3})
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(east, {thing: 2}, "TAKER"))
    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
    number = sell(shop, {thing: 3})
    order = Order.objects.get(reference=f"WOO-{number}")
    story = oversold.explain(order)[0]
    assert (order.warehouse.code, order.status, story.needed, story.kind) == ("WEST", "short", 3, "shop_s_delay")
    taken = next(moment for moment in story.moments if "TAKER" in moment.text)
    assert taken.text.endswith("-2, left 1")


def test_the_verdict_names_the_warehouse_that_was_emptied(shop, channel, thing, east):
    with translation.override("en"):
        stock(EAST={thing: 2})
        shops.deliver_all()
        orders.accept(merchant=thing.merchant, order=make.order(east, {thing: 1}, "TAKER"))
        time.sleep(1.1)  # the shop tells the time of an order in whole seconds
        number = str(shop.books.place_order([(thing.code, 2)], shipping=BUYER))
        poll()
        story = oversold.explain(Order.objects.get(reference=f"WOO-{number}"))[0]
        assert "order TAKER took the last units in EAST" in story.verdict


def test_a_bundle_leaves_one_warehouse_as_a_whole(shop, channel, thing, other):
    shop.books.add_product(sku="SET", quantity=0)
    make.bundle(thing.merchant, {thing: 1, other: 2}, code="SET")
    stock(WEST={thing: 2}, EAST={other: 9})
    channels.fetch_listings(channel=channel)
    shops.deliver_all()
    assert shop.books.stock()["SET"] == 0, "all components are there, and nowhere together"
    stock(WEST={other: 2}, EAST={thing: 1})
    shops.deliver_all()
    assert shop.books.stock()["SET"] == 2

    number = str(shop.books.place_order([("SET", 2)], shipping=BUYER))
    poll()
    taken = [(part.reference, sorted(part.order.lines.values_list("sku__code", "quantity"))) for part in ChannelOrderPart.objects.all()]
    assert taken == [(f"WOO-{number}", [("OTHER", 2), ("THING", 1)]), (f"WOO-{number}-P2", [("OTHER", 2), ("THING", 1)])]
