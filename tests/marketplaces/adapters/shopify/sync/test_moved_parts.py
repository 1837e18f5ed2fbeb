"""A part of an order that is moved to another location is not sent from here, however its shop said so."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from marketplaces import looking_over, order_asking
from marketplaces.adapters.shopify import Shopify
from marketplaces.models import ChannelOrder
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE
from tests.marketplaces.adapters.shopify.sync.messages import hook
from tests.marketplaces.shops import settle
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_part_that_moves_to_another_location_is_cancelled_here(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 2)])
    settle()
    shop.books.change_work(number, location=ELSEWHERE, updated=datetime.now(UTC) + timedelta(seconds=2))
    moved = {"original_fulfillment_order": {"id": f"gid://shopify/FulfillmentOrder/{shop.books.work(number)['id']}"}}
    assert hook(channel, "fulfillment_orders/moved", moved) == 200
    settle()
    assert Order.objects.get().status == "cancelled"


@pytest.mark.parametrize("ways", ["held before", "at once"])
@pytest.mark.parametrize("part", ["all of it", "one line"])
def test_so_it_is_after_the_night_where_the_message_was_lost(shop, channel, thing, monkeypatch, ways, part):
    """The order keeps its date, so no list of changed orders brings it."""
    shop.books.add_product(sku="OTHER")
    make.sku(thing.merchant, "OTHER")
    number = shop.books.place_order([(thing.code, 2), ("OTHER", 1)])
    settle()
    # Minutes pass: a poll does not read it again.
    monkeypatch.setattr("marketplaces.adapters.shopify.orders.OVERLAP", timedelta(seconds=-5))
    settle()
    if ways == "held before":  # what we know of it is younger than the order's own date
        for status in ("ON_HOLD", "OPEN"):
            shop.books.change_work(number, status=status, updated=datetime.now(UTC) + timedelta(seconds=2))
            with transaction.atomic():
                order_asking.ask_of(channel.pk, str(number))
            settle()
    if part == "one line":
        shop.books.split(number, ELSEWHERE)
    else:
        shop.books.change_work(number, location=ELSEWHERE)
    for work in shop.books.orders[number]["work"]:
        work["updated"] = datetime.now(UTC) + timedelta(seconds=4)
    settle()
    assert (Order.objects.get().status, ChannelOrder.objects.get().problem) == ("short", ""), "nobody knows"
    shop.calls.clear()
    looking_over.look_over(channel)
    settle()
    assert len(shop.made("LastChanges")) == 1
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == (("cancelled", "") if part == "all of it" else ("imported", "changed"))


def test_so_it_is_where_others_send_more_parts_of_it_than_the_first_page_holds(shop, channel, thing):
    """What moved away is on the second page, and younger than all that is left."""
    number = shop.books.place_order([(thing.code, 2)])
    order = shop.books.orders[number]
    order["work"] = [shop.books._add_work(order, [], ELSEWHERE) for _part in range(3)] + order["work"][:1]
    settle()
    for change, seconds in (({"status": "ON_HOLD"}, 2), ({"status": "OPEN"}, 4), ({"location": ELSEWHERE}, 6)):
        shop.books.change_work(number, 3, updated=datetime.now(UTC) + timedelta(seconds=seconds), **change)
        with transaction.atomic():
            order_asking.ask_of(channel.pk, str(number))
        settle()
    assert Order.objects.get().status == "cancelled"


def test_a_night_leaves_half_of_the_points_to_others(shop, channel, thing, monkeypatch):
    """And goes on when the shop grants all of them again."""
    monkeypatch.setattr(Shopify, "most_looked_at", 1)
    numbers = [shop.books.place_order([(thing.code, 1)]) for _order in range(3)]
    settle()
    shop.maximum, shop.points, shop.per_second = 1000.0, 500.0, 50.0
    shop.calls.clear()
    assert (rest := looking_over.look_over(channel)) is not None
    assert (rest.after, len(shop.made("LastChanges"))) == (ChannelOrder.objects.earliest("pk").pk, 1)
    assert 9 < rest.wait_s < 12
    shop.points = 1000.0
    assert looking_over.look_over(channel, rest.after) is None
    assert [call.variables["ids"] for call in shop.made("LastChanges")] == [[f"gid://shopify/Order/{number}"] for number in numbers]


def test_a_night_asks_for_nothing_that_is_as_it_was(shop, channel, thing):
    for _order in range(3):
        shop.books.place_order([(thing.code, 1)])
    settle()
    shop.calls.clear()
    looking_over.look_over(channel)
    assert [str(call) for call in shop.calls] == ["LastChanges"]
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()
