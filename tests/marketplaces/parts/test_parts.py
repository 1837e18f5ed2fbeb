"""A channel that sells out of several warehouses: where its orders go, what they become, and what the shop is told."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import skus_by_code
from inventory.models import Reach
from marketplaces import cancelled, order_import, places
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.numbers import numbers
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.parts.houses import parts_of, sell, stock, totals
from tests.marketplaces.shops import BUYER, poll
from tests.marketplaces.test_tracking import leave, told
from wms.core.models import OutboxEvent
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_goes_whole_to_the_nearest_warehouse_that_has_it(shop, channel, thing, east):
    stock(WEST={thing: 5}, EAST={thing: 5})
    assert parts_of(number := sell(shop, {thing: 2})) == [(f"WOO-{number}", "WEST", "ready", [("THING", 2)])]
    Reach.objects.create(warehouse=east, country="US", postcode_prefix="222", days=1)
    assert parts_of(number := sell(shop, {thing: 2})) == [(f"WOO-{number}", "EAST", "ready", [("THING", 2)])]
    assert parts_of(number := sell(shop, {thing: 4})) == [
        (f"WOO-{number}", "EAST", "ready", [("THING", 3)]),
        (f"WOO-{number}-P2", "WEST", "ready", [("THING", 1)]),
    ]
    assert totals() == [("EAST", "THING", 5, 5), ("WEST", "THING", 5, 3)]
    assert shop.books.stock()["THING"] == 2


def test_an_order_that_nobody_has_whole_is_split_and_each_part_keeps_the_ship_by(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = sell(shop, {thing: 2, other: 1})
    assert parts_of(number) == [
        (f"WOO-{number}", "WEST", "ready", [("THING", 2)]),
        (f"WOO-{number}-P2", "EAST", "ready", [("OTHER", 1)]),
    ]
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, Order.objects.count()) == ("imported", "", 2)
    assert len({part.order.ship_to.opened()["postcode"] for part in row.parts.all()}) == 1
    poll()
    assert Order.objects.count() == 2
    assert list(drifts()) == []


def test_without_splitting_it_goes_whole_to_the_first_and_the_shop_is_told_the_largest(shop, channel, thing, west, east):
    places.set_warehouses(channel=channel, warehouses=[east, west], routing="fallback")
    stock(WEST={thing: 3}, EAST={thing: 4})
    shops.deliver_all()
    assert shop.books.stock()["THING"] == 4
    assert parts_of(number := sell(shop, {thing: 6})) == [(f"WOO-{number}", "EAST", "short", [("THING", 6)])]
    shops.deliver_all()
    assert shop.books.stock()["THING"] == 3, "what the other warehouse has"


def test_what_all_have_together_is_offered_where_orders_are_split(shop, channel, thing):
    stock(WEST={thing: 3}, EAST={thing: 4})
    shops.deliver_all()
    assert shop.books.stock()["THING"] == 7
    orders.accept(merchant=thing.merchant, order=make.order(channel.warehouse, {thing: 5}))
    shops.deliver_all()
    assert shop.books.stock()["THING"] == 4, "what one warehouse owes is not taken from the other"


def test_what_waits_to_be_taken_in_is_taken_from_what_all_have(shop, channel, thing):
    stock(WEST={thing: 3}, EAST={thing: 4})
    lines = [{"line_id": "1", "listing_id": "", "sku": "THING", "quantity": 2, "components": [{"sku_id": thing.pk, "units": 1}]}]
    channel.orders.create(merchant=thing.merchant, external_id="1", status="unmapped", shop_state="open", lines=lines)
    assert {row.external_id: row.quantity for row in numbers(channel)}[channel.listings.get(sku=thing).external_id] == 5


def test_what_the_shop_cancels_when_one_part_has_left_is_cancelled_as_far_as_it_can_be(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = sell(shop, {thing: 2, other: 1})
    first, second = (part.order for part in ChannelOrderPart.objects.select_related("order"))
    leave(first, "TRACK-1", 2)
    first.lines.update(shipped=2)
    shop.books.change_order(int(number), {"status": "cancelled"})
    poll()
    second.refresh_from_db()
    row = ChannelOrder.objects.get()
    assert (second.status, row.status, row.problem) == ("cancelled", "cancelled_late", "cancelled_late")
    assert row.detail == f"a parcel of order WOO-{number} has left already"
    assert not Order.objects.filter(pk=first.pk, status="cancelled").exists()


def test_each_parcel_tells_its_own_lines_and_the_last_part_completes_the_order(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = int(sell(shop, {thing: 2, other: 1}))
    first, second = (part.order for part in ChannelOrderPart.objects.select_related("order"))
    leave(second, "TRACK-1", 1)
    shops.deliver_all()
    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1"], "processing")
    leave(first, "TRACK-2", 2)
    shops.deliver_all()
    assert (told(shop, number), shop.books.order(number)["status"]) == (["TRACK-1", "TRACK-2"], "completed")
    if shop.fulfilments:
        ids = {line["sku"]: line["id"] for line in shop.books.order(number)["line_items"]}
        items = [meta["value"] for row in shop.books.fulfilments[number] for meta in row["meta_data"] if meta["key"] == "_items"]
        assert [[(item["item_id"], item["qty"]) for item in parcel] for parcel in items] == [[(ids["OTHER"], 1)], [(ids["THING"], 2)]]


def test_the_shop_hears_of_a_cancellation_when_all_parts_are_cancelled(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    sell(shop, {thing: 2, other: 1})
    by = make.user(is_staff=True)
    heard = []
    for part in ChannelOrderPart.objects.all():
        cancellation.cancel(order_id=part.order_id, by=by)
        cancelled.tell_shops([{"order_id": part.order_id}])
        heard.append(OutboxEvent.objects.filter(topic="order.withdrawn").count())
    assert heard[0] == 0
    assert heard[1] > 0


def test_a_part_that_a_warehouse_refuses_is_shown_and_tried_again_alone(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    order_import.import_orders(channel, [open_shop(channel).order(number)])
    row = ChannelOrder.objects.get()
    ChannelOrder.objects.filter(pk=row.pk).update(status="refused")
    second = row.parts.get(number=2)
    Order.objects.filter(pk=second.order_id).update(reference="GONE")
    ChannelOrderPart.objects.filter(pk=second.pk).update(order=None)
    order_import.retry_unmapped(channel)
    assert [part[:3] for part in parts_of(number)] == [(f"WOO-{number}", "WEST", "ready"), (f"WOO-{number}-P2", "EAST", "short")]
    assert ChannelOrder.objects.get().status == "imported"


def test_an_order_that_is_opened_again_is_routed_anew(shop, channel, thing, other):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = sell(shop, {thing: 2, other: 1})
    stock(EAST={thing: 2})
    row = ChannelOrder.objects.get()
    for state in ("cancelled", "processing"):
        ChannelOrder.objects.update(shop_updated_at="2020-01-01T00:00:00Z")
        shop.books.change_order(int(number), {"status": state})
        poll()
    row.refresh_from_db()
    assert (row.status, row.reopened) == ("imported", 1)
    assert parts_of(number) == [(f"WOO-{number}-2", "EAST", "ready", [("THING", 2), ("OTHER", 1)])]


def test_importing_costs_the_same_number_of_statements_for_any_number_of_split_orders(shop, channel, thing, other):
    stock(WEST={thing: 500}, EAST={other: 500})
    skus_by_code.find(thing.merchant_id, {thing.code, other.code})
    counts = []
    for count in (2, 40):
        ids = [str(shop.books.place_order([("THING", 1), ("OTHER", 1)], shipping=BUYER)) for _order in range(count)]
        said = [open_shop(channel).order(key) for key in ids]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            order_import.import_orders(Channel.objects.select_related("merchant", "user").get(), said)
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert Order.objects.filter(status="ready").count() == 84
