"""The real sync against a shop of which it knows nothing but what the shop declares."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from django.test import Client

from inventory.models import Availability
from marketplaces import channels, drift, order_import, pausing, stock_sync
from marketplaces.adapters.storefront import declaration
from marketplaces.models import Channel, ChannelOrder, Listing, ToldParcel, WebhookDelivery
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.storefront.shop import EVERYTHING, SECRET, StorefrontShop, message, only_taken, refuse, throttle
from tests.marketplaces.adapters.storefront.test_connection import OTHER
from tests.marketplaces.adapters.storefront.working import hook, tell
from tests.marketplaces.misbehaving import before_work, fail, hang_up, hang_up_after_work
from tests.marketplaces.shops import deliver_all, make_due, settle
from tests.marketplaces.test_tracking import leave
from wms.core import sealing
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The time of today: orders are taken in by the real sync."""
    return lambda: datetime.now(UTC)


def test_a_stock_change_is_shown_by_the_shop(shop, channel, house, thing):
    assert shop.books.stock() == {thing.code: 10}
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 15}
    assert [(row["quantity"], row["expected"]) for row in shop.made("stock.set")[-1].data["rows"]] == [(15, 10)]
    assert drift.compare(channel) == []


def test_a_worker_whose_clock_is_behind_is_not_taken_for_an_overtaken_one(shop, channel, house, thing, monkeypatch):
    """Workers run on several machines; there is one database, whose clock orders what they read."""
    monkeypatch.setattr("time.time_ns", lambda: 1)
    before = shop.made("stock.set")[-1].data["sequence"]
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.made("stock.set")[-1].data["sequence"] > before
    assert shop.books.stock() == {thing.code: 15}


def test_an_order_is_imported_shipped_and_its_tracking_is_there(shop, channel, thing):
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    order_id = shop.books.place_order([(thing.code, 4)], ship_by=due.isoformat())
    settle()
    row = ChannelOrder.objects.get()
    assert (row.status, row.external_id, row.ship_by) == ("imported", order_id, due)
    order = Order.objects.get()
    assert (order.reference, order.ship_by, order.lines.get().quantity) == (f"OWN-#{order_id}", due, 4)
    assert shop.books.stock() == {thing.code: 6}
    leave(order, "WMS-1", 4)
    settle()
    assert (shop.books.told(order_id), shop.books.orders[order_id]["state"]) == (["WMS-1"], "shipped")
    assert (ToldParcel.objects.get().error, ChannelOrder.objects.get().problem) == ("", "")


def test_a_message_brings_the_whole_order_at_once(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 1)])
    assert [tell(shop, channel, order_id, uid="msg_1") for _time in range(3)] == [200, 200, 200]
    deliver_all()
    assert Order.objects.get().reference == f"OWN-#{order_id}"
    assert WebhookDelivery.objects.get().delivery_id == "msg_1"
    assert not shop.made("order.get")


@pytest.mark.parametrize(("fields", "status"), [({"secret": OTHER}, 401), ({"age": timedelta(minutes=6)}, 401), ({}, 200)])
def test_the_hook_takes_only_what_is_signed_and_fresh(shop, channel, thing, fields, status):
    order_id = shop.books.place_order([(thing.code, 1)])
    assert tell(shop, channel, order_id, **fields) == status
    assert WebhookDelivery.objects.count() == Order.objects.count() + (status == 200)


def test_a_message_that_waits_for_hours_was_fresh_when_it_came(shop, channel, thing):
    """The channel's lane stood still; what came in time is not thrown away for it."""
    order_id = shop.books.place_order([(thing.code, 1)])
    assert tell(shop, channel, order_id) == 200
    record = WebhookDelivery.objects.get().raw
    raw = record.opened()
    headers, body = message_of(shop, order_id, age=timedelta(hours=3))
    came = datetime.now(UTC) - timedelta(hours=3)
    record.sealed = sealing.seal({"headers": {**raw["headers"], **headers, "received-at": came.isoformat()}, "body": body.decode()})
    record.save()
    calls = len(shop.calls)
    order_import.hear([{"channel_id": channel.pk, "delivery_id": WebhookDelivery.objects.get().pk}])
    assert len(shop.calls) == calls
    assert Order.objects.get().reference == f"OWN-#{order_id}"


def message_of(shop: StorefrontShop, order_id: str, **more: Any) -> tuple[dict[str, str], bytes]:
    return message("order.changed", shop.books.orders[order_id], **more)


def test_nobody_sends_a_moment_of_his_own(shop, channel, thing):
    """`received-at` is ours: with it in the request an old message is as old as without."""
    headers, body = message_of(shop, shop.books.place_order([(thing.code, 1)]), age=timedelta(hours=3))
    headers["received-at"] = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    answer = Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers)
    assert (answer.status_code, WebhookDelivery.objects.count()) == (401, 0)


def test_a_paused_shop_is_told_to_say_it_again(shop, channel, thing):
    """It may be one that nobody can ask afterwards."""
    order_id = shop.books.place_order([(thing.code, 1)])
    pausing.pause(channel=channel, by=make.user(), reason="Holidays", keep=True)
    assert (tell(shop, channel, order_id, uid="msg_1"), tell(shop, channel, order_id, secret=OTHER)) == (503, 401)
    assert not WebhookDelivery.objects.exists()
    pausing.resume(channel=channel)
    assert tell(shop, channel, order_id, uid="msg_1") == 200
    deliver_all()
    assert Order.objects.get().reference == f"OWN-#{order_id}"


def test_an_order_that_makes_no_sense_is_on_the_work_list(shop, channel):
    shop.declared["answers"].remove("order.get")
    shop.declared["answers"].remove("orders.list")
    declaration.forget()
    assert hook(channel, "order.changed", {"id": "77", "state": "perhaps"}) == 200
    deliver_all()
    row = ChannelOrder.objects.get()
    assert (row.external_id, row.status, row.problem) == ("77", "refused", "unreadable")


def test_a_sale_that_is_not_imported_yet_is_not_offered_again(shop, channel, house, thing):
    """10 here; 4 are sold in the shop, and at the same moment 3 elsewhere. To say 7 there would sell 3 of the 4 twice."""
    order_id = shop.books.place_order([(thing.code, 4)])
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}))
    deliver_all()
    assert shop.books.stock() == {thing.code: 3}
    assert ChannelOrder.objects.get().external_id == order_id
    told = [row["quantity"] for call in shop.made("stock.set") for row in call.data["rows"]]
    # The same number may be told twice, where its second reason came while the first was in hand.
    assert [number for number, _again in groupby(told)] == [10, 7, 3], "refused, and computed again after the orders were read"
    settle()
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 3}, 3)


def test_without_compare_and_set_the_same_sale_would_be_offered_twice(shop, channel, house, thing, monkeypatch):
    """What the guard of the test above is good for."""
    blind = stock_sync.Told.level
    monkeypatch.setattr(stock_sync.Told, "level", lambda told, _expected: blind(told, None))
    shop.books.place_order([(thing.code, 4)])
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 3}))
    deliver_all()
    assert shop.books.stock() == {thing.code: 7}


def test_a_sale_in_the_very_moment_of_the_push(shop, channel, house, thing):
    shop.misbehave("stock.set", before_work(lambda: shop.books.place_order([(thing.code, 2)])), times=2)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    settle()
    assert shop.books.stock() == {thing.code: 11}
    assert Order.objects.count() == 2


def test_a_push_whose_answer_is_lost_sells_nothing_twice(shop, channel, house, thing):
    shop.misbehave("stock.set", hang_up_after_work)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    shop.books.place_order([(thing.code, 6)])
    settle()
    assert (shop.books.stock(), Listing.objects.get().pushed_quantity) == ({thing.code: 9}, 9)


@pytest.mark.parametrize("fault", [throttle("3"), fail(500), refuse("unavailable")])
def test_a_shop_in_trouble_hears_later(shop, channel, house, thing, fault):
    shop.misbehave("stock.set", fault)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    deliver_all()
    assert shop.books.stock() == {thing.code: 10}
    settle()
    assert shop.books.stock() == {thing.code: 15}


def test_an_order_that_is_paid_without_a_new_time(shop, channel, thing):
    """Seen on a running shop: `updated_at` does not move when an order is paid."""
    order_id = shop.books.place_order([(thing.code, 4)], state="pending")
    settle()
    assert not Order.objects.exists()
    shop.books.change(order_id, moves=False, state="open")
    Channel.objects.update(order_cursor="")
    settle()
    assert Order.objects.get().lines.get().quantity == 4


def test_a_header_that_says_shipped_while_units_are_left(shop, channel, thing):
    """Seen on a running shop: two of three units have left, the order says `shipped`."""
    order_id = shop.books.place_order([(thing.code, 3)])
    shop.books.orders[order_id]["lines"][0]["shipped"] = 2
    shop.books.change(order_id, state="shipped")
    tell(shop, channel, order_id)
    deliver_all()
    assert Order.objects.get().lines.get().quantity == 1


def test_our_own_first_parcel_is_no_change_of_the_order_but_a_refund_is(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 5)])
    settle()
    leave(Order.objects.get(), "WMS-1", 2, last=False)
    deliver_all()
    line = shop.books.orders[order_id]["lines"][0]
    assert line["shipped"] == 2
    settle()
    assert ChannelOrder.objects.get().problem == ""
    line["cancelled"] = 1
    shop.books.change(order_id)
    settle()
    row = ChannelOrder.objects.get()
    assert (row.problem, row.problem_detail) == ("changed", f"{line['id']}: 5>2")


def test_a_number_that_somebody_raised_is_told_again(shop, channel, thing):
    listing = shop.books.by_sku(thing.code)
    listing["quantity"] = 12
    assert hook(channel, "listing.changed", listing) == 200
    settle()
    assert shop.books.stock() == {thing.code: 10}
    pushes = len(shop.made("stock.set"))
    for quantity in (10, 9, None):  # ours, one that was sold, one that is not counted
        assert hook(channel, "listing.changed", {**listing, "quantity": quantity}) == 200
    settle()
    assert len(shop.made("stock.set")) == pushes


def test_signs_that_no_column_takes_hold_up_nothing(shop, channel, thing):
    odd = "a\ud800b\x00c"
    order_id = shop.books.place_order([(thing.code, 1)])
    good = shop.books.orders[order_id]
    line = good["lines"][0]
    for number, change in enumerate(
        ({"id": odd}, {"number": odd}, {"note": odd}, {"state": odd}, {"lines": [{**line, "listing_id": odd, "sku": odd}]}, {"lines": odd})
    ):
        answer = hook(channel, "order.changed", {**good, "id": f"odd-{number}", "number": f"odd-{number}", **change})
        assert answer == (422 if "id" in change else 200)
    assert hook(channel, "listing.changed", {"id": odd, "sku": "X"}) == 422
    assert hook(channel, "listing.changed", {"id": "5", "sku": odd, "title": odd, "quantity": 1}) == 200
    shop.books.place_order([(thing.code, 2)])
    for order in list(shop.books.orders.values())[1:]:
        order["number"] = odd
    assert hook(channel, "order.changed", good) == 200
    settle()
    assert channel.orders.get(external_id=order_id).status == "imported"
    assert channel.orders.get(external_id="odd-1").number == "abc"
    assert channel.orders.get(external_id="odd-2").raw.opened()["note"] == "abc"
    assert channel.orders.get(external_id="odd-4").status == "unmapped"
    assert channel.listings.get(external_id="5").external_sku == "abc"
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces", attempts__gt=0).exists()


def test_a_new_offer_that_a_message_brings_is_kept_tied_and_told_its_number(shop, channel, house, thing):
    other = make.sku(thing.merchant)
    make.stock(make.bin_of(house, "A-02"), other, 4)
    new = shop.books.listings[shop.books.add_listing(sku=other.code, quantity=0, title="New here")]
    for _twice in range(2):
        assert hook(channel, "listing.changed", new) == 200
    assert hook(channel, "listing.changed", {"id": "99", "sku": "NOBODY-S", "quantity": None}) == 200
    settle()
    assert shop.books.stock() == {thing.code: 10, other.code: 4}
    kept = channel.listings.filter(external_id__in=[new["id"], "99"]).order_by("sku")
    assert list(kept.values_list("external_id", "title", "sku")) == [(new["id"], "New here", other.pk), ("99", "", None)]
    Channel.objects.update(active=False)
    assert hook(channel, "listing.changed", {"id": "100", "sku": "LATER"}) == 503
    assert not channel.listings.filter(external_id="100").exists()


def test_a_shop_that_declares_nothing_works_by_what_it_says_itself(house, thing):
    """Numbers and parcels go out, orders come in by its messages: the smallest shop there is."""
    with StorefrontShop(answers=(), compare_and_set=False) as shop:
        shop.misbehave("shop.describe", only_taken)
        shop.misbehave("stock.set", only_taken, times=9)
        make.stock(make.bin_of(house, "A-01"), thing, 10)
        channel = channels.connect(
            merchant=thing.merchant, warehouse=house, adapter="storefront", base_url=shop.url,
            credentials={"secret": SECRET}, name="Small", code="S",
        )  # fmt: skip
        shop.books.add_listing(sku=thing.code, quantity=0)
        order_id = shop.books.place_order([(thing.code, 4)])
        assert tell(shop, channel, order_id) == 200
        settle()
        order = Order.objects.get()
        leave(order, "WMS-1", 4)
        settle()
        assert shop.books.told(order_id) == ["WMS-1"]
        assert not [call for call in shop.calls if call.kind in EVERYTHING]


def test_an_ill_mannered_shop_sells_nothing_twice_and_loses_nothing(shop, channel, house, thing):
    """Buyers take what the shop shows while its answers fail, get lost and come twice; goods arrive; parcels leave; orders are cancelled."""
    rng = random.Random(20261125)
    faults = [
        throttle("1"), throttle(RateLimit='"default";r=0;t=1'), fail(500), fail(200), refuse("unavailable"), hang_up, hang_up_after_work,
        hang_up_after_work,
    ]  # fmt: skip
    sold, arrived, parcels = 0, 10, 0
    for _step in range(40):
        if rng.random() < 0.5:
            shop.misbehave("(?!shop).*", rng.choice(faults))
        shown = shop.books.stock()[thing.code]
        match rng.randrange(5):
            case 0:
                make.stock(make.bin_of(house, "A-01"), thing, 4)
                arrived += 4
            case 1 | 2 if shown > 0:
                quantity = rng.randint(1, min(shown, 4))
                order_id = shop.books.place_order([(thing.code, quantity)])
                sold += quantity
                for _time in range(rng.randrange(3)):
                    tell(shop, channel, order_id)
            case 3 if ready := Order.objects.filter(status="ready").select_related("channel_part__channel_order").order_by("-pk").first():
                shop.books.cancel(ready.channel_part.channel_order.external_id)
                sold -= ready.lines.get().quantity
                tell(shop, channel, ready.channel_part.channel_order.external_id)
            case _ if ready := Order.objects.filter(status="ready").order_by("pk").first():
                parcels += 1
                leave(ready, f"WMS-{parcels}", ready.lines.get().quantity)
        make_due()
        deliver_all()
        assert shop.books.stock()[thing.code] <= arrived - sold, "the shop offers what is sold already"
    shop.behave()
    settle()
    settle()

    assert shop.books.stock() == {thing.code: arrived - sold}
    wanted = {order_id: order for order_id, order in shop.books.orders.items() if order["state"] != "cancelled"}
    ours = Order.objects.exclude(status="cancelled")
    assert sorted(ours.values_list("channel_part__channel_order__external_id", flat=True)) == sorted(wanted)
    assert sum(order.lines.get().quantity for order in ours) == sold
    assert Availability.objects.get().backordered == 0
    assert sorted(shop.books.parcels) == sorted(f"WMS-{n}" for n in range(1, parcels + 1))
    assert ToldParcel.objects.filter(error="").count() == parcels
    assert not ChannelOrder.objects.exclude(problem="").exists()
