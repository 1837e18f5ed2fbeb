"""A channel that sells out of several warehouses: where its orders go, what they become, and what the shop is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Availability, Reach
from marketplaces import cancelled, channels, differing, order_import, oversold, places, settling, stock_sync
from marketplaces.adapters.woocommerce import CAPABILITIES, WooCommerce
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.numbers import numbers
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, poll
from tests.marketplaces.test_tracking import leave, told
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def west():
    return make.warehouse("WEST")


@pytest.fixture
def east():
    return make.warehouse("EAST")


@pytest.fixture
def thing():
    return make.sku(make.merchant(), "THING")


@pytest.fixture
def other(thing):
    return make.sku(thing.merchant, "OTHER")


def stock(**there):
    """stock(WEST={sku: 3}): goods in bins."""
    for code, goods in there.items():
        for sku, quantity in goods.items():
            make.stock(make.bin_of(make.Warehouse.objects.get(code=code), "A-01"), sku, quantity)


@pytest.fixture
def channel(shop, west, east, thing, other):
    for sku in (thing, other):
        shop.books.add_product(sku=sku.code, quantity=0)
    made = shops.connect(shop, thing.merchant, west, code="WOO", further=[east], routing="split")
    channels.fetch_listings(channel=made)
    shops.deliver_all()
    return made


def sell(shop, lines):
    number = shop.books.place_order([(sku.code, quantity) for sku, quantity in lines.items()], shipping=BUYER)
    poll()
    return str(number)


def parts_of(number):
    rows = ChannelOrderPart.objects.filter(channel_order__external_id=number).select_related("order", "warehouse")
    return [
        (row.reference, row.warehouse.code, row.order and row.order.status, [(line["sku"], line["quantity"]) for line in row.lines])
        for row in rows
    ]


def totals():
    rows = Availability.objects.order_by("warehouse__code", "sku__code").values_list("warehouse__code", "sku__code", "on_hand", "committed")
    return [row for row in rows if row[2:] != (0, 0)]


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


def crash(monkeypatch, at):
    """The worker is killed at the `at`th call of what takes the orders of one warehouse."""
    real, calls = orders._accept_together, []

    def dies(*args):
        calls.append(args[1])
        if len(calls) == at:
            raise ConnectionError("the worker is gone")
        return real(*args)

    monkeypatch.setattr(orders, "_accept_together", dies)


def poll_untied(monkeypatch):
    """The worker is killed when the warehouses have taken the orders in, before these are tied to the shop's."""

    def dies(*_args):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(settling, "_link", dies)
        poll()


@pytest.mark.parametrize("at", [1, 2])
def test_a_crash_between_two_parts_ends_with_the_same_orders(shop, channel, thing, other, monkeypatch, at):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    with monkeypatch.context() as patched:
        crash(patched, at)
        poll()
    assert Order.objects.count() == at - 1
    assert [part[:3] for part in parts_of(number)] == [(f"WOO-{number}", "WEST", None), (f"WOO-{number}-P2", "EAST", None)]
    stock(WEST={other: 5})  # now one warehouse would have all
    poll()
    assert [part[:3] for part in parts_of(number)] == [(f"WOO-{number}", "WEST", "ready"), (f"WOO-{number}-P2", "EAST", "ready")]
    assert totals() == [("EAST", "OTHER", 1, 1), ("WEST", "OTHER", 5, 0), ("WEST", "THING", 2, 2)]
    assert ChannelOrder.objects.get().status == "imported"


def test_a_crash_before_the_parts_are_tied_and_a_cancellation_leave_no_order_behind(shop, channel, thing, other, monkeypatch):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    poll_untied(monkeypatch)
    assert ([part[2] for part in parts_of(number)], Order.objects.filter(status="ready").count()) == ([None, None], 2)
    shop.books.change_order(int(number), {"status": "cancelled"})
    poll()
    assert sorted(Order.objects.values_list("status", flat=True)) == ["cancelled", "cancelled"]
    assert (ChannelOrder.objects.get().status, [row[3] for row in totals()]) == ("cancelled", [0, 0])


@pytest.mark.parametrize("closed", [False, True])
def test_what_left_before_its_parts_were_tied_is_told_when_they_are(shop, channel, thing, monkeypatch, closed):
    """The floor is faster than the next look at what a dead worker had in hand."""
    stock(WEST={thing: 2})
    number = int(shop.books.place_order([("THING", 2)], shipping=BUYER))
    poll_untied(monkeypatch)
    leave(Order.objects.get(), "TRACK-1", 2)
    shops.deliver_all()
    assert told(shop, number) == []
    if closed:
        ChannelOrder.objects.update(status="cancelled", shop_state="cancelled")
    poll()
    shops.deliver_all()
    assert told(shop, number) == ["TRACK-1"]


def test_what_was_cancelled_here_before_it_was_tied_is_told_when_it_is(shop, channel, thing, monkeypatch):
    stock(WEST={thing: 2})
    number = str(shop.books.place_order([("THING", 2)], shipping=BUYER))
    poll_untied(monkeypatch)
    cancellation.cancel(order_id=Order.objects.get().pk, by=make.user(is_staff=True))
    shops.deliver_all()
    heard = []
    monkeypatch.setattr(WooCommerce, "cancel", lambda _self, order_id: heard.append(order_id))
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", replace(CAPABILITIES, hears_cancellations=True))
    poll()
    shops.deliver_all()
    assert heard == [number]


def test_what_a_dead_worker_took_in_of_an_order_that_was_cancelled_meanwhile_is_found_by_the_next_poll(channel, thing):
    """It died between taking the order in and tying it, and whoever heard of the cancellation looked before that."""
    stock(WEST={thing: 1})
    row = channel.orders.create(merchant=thing.merchant, external_id="9", status="cancelled", shop_state="cancelled")
    row.parts.create(number=1, warehouse=channel.warehouse, reference="WOO-9")
    taken = orders.accept(merchant=thing.merchant, order=make.order(channel.warehouse, {thing: 1}, "WOO-9"))
    poll()
    assert (Order.objects.get(pk=taken.id).status, row.parts.get().order_id) == ("cancelled", taken.id)


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
    assert row.problem_detail == f"A parcel of order WOO-{number} has left already."
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
