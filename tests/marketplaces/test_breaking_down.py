"""What a shop breaks down at, one order of many, holds up no other, and is seen when that does not end."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from marketplaces import channels, order_asking, refused_parcels
from marketplaces.adapters.woocommerce import CAPABILITIES, WooCommerce
from marketplaces.calling import SHOWN_AFTER, ChannelQuiet, aside_s
from marketplaces.models import Channel, ChannelOrder, ToldParcel
from outbound import cancellation
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import Fault, fail
from tests.marketplaces.shops import BUYER, deliver_all, make_due, poll
from tests.marketplaces.test_tracking import leave, told
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def place(shop, thing, count):
    return [shop.books.place_order([(thing.code, 1)], shipping=BUYER) for _order in range(count)]


def ask_for(channel, *numbers):
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=[str(number) for number in numbers])


def break_down(shop, *numbers, at=""):
    shop.misbehave(rf".* orders/({'|'.join(map(str, numbers))}){at}\b.*", fail(500), times=1000)


def pass_time(turns=1):
    for _turn in range(turns):
        make_due()
        deliver_all()


def here():
    return {int(row.external_id): row.status for row in ChannelOrder.objects.all()}


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_orders_that_are_asked_for_one_by_one_and_the_list_of_all(shop, channel, thing, broken):
    orders = place(shop, thing, 5)
    break_down(shop, *orders[:broken])
    ask_for(channel, *orders[:4])
    shop.misbehave("GET orders", fail(503))  # neither a poll brings them
    poll()
    pass_time(4)
    assert [here().get(number) for number in orders[broken:4]] == ["imported"] * (4 - broken)
    poll()
    assert here() == dict.fromkeys(orders, "imported"), "the list brings them whole"
    shop.behave()
    pass_time()
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()


def test_the_rest_of_an_order_in_a_list(shop, channel, thing):
    bad, good = place(shop, thing, 2)
    shop.books.order(bad)["line_items"][0]["quantity"] = 3
    shop.books.refund(bad, {shop.books.order(bad)["line_items"][0]["id"]: 1})
    break_down(shop, bad, at="/refunds")
    poll()
    assert here() == {good: "imported"}
    for _turn in range(SHOWN_AFTER):
        poll()
    row = ChannelOrder.objects.get(external_id=str(bad))
    assert (row.status, row.problem, row.problem_detail.startswith("channel_unavailable: HTTP 500")) == ("refused", "unreadable", True)
    shop.behave()
    poll()
    row.refresh_from_db()
    assert (row.status, row.problem, row.parts.get().order.unit_count) == ("imported", "", 2)


def test_a_parcel(shop, channel, thing):
    orders = place(shop, thing, 3)
    poll()
    for number in orders:
        leave(ChannelOrder.objects.get(external_id=str(number)).parts.get().order, f"T-{number}", 1)
    break_down(shop, orders[0])
    deliver_all()
    pass_time()
    assert [told(shop, number) for number in orders] == [[], [f"T-{orders[1]}"], [f"T-{orders[2]}"]]
    shop.behave()
    pass_time()
    assert told(shop, orders[0]) == [f"T-{orders[0]}"]


def test_a_parcel_that_never_goes_through_is_shown_and_told_less_often(shop, channel, thing):
    first, *others = place(shop, thing, SHOWN_AFTER + 1)
    poll()
    parcel = leave(ChannelOrder.objects.get(external_id=str(first)).parts.get().order, "T-BAD", 1)
    break_down(shop, first)
    for number in others:  # the shop works otherwise
        leave(ChannelOrder.objects.get(external_id=str(number)).parts.get().order, f"T-{number}", 1)
        pass_time()
    row = ToldParcel.objects.get(parcel=parcel)
    assert (row.tries, row.again_at is None, "HTTP 500" in row.error) == (1, False, True)
    shop.behave()
    make_due()
    refused_parcels.tell_due()
    deliver_all()
    assert told(shop, first) == ["T-BAD"]


def test_a_parcel_that_has_nothing_beside_it_is_shown_too(shop, channel, thing):
    """In its turn nothing says that the shop works otherwise: that its orders are fetched meanwhile does."""
    (number,) = place(shop, thing, 1)
    poll()
    parcel = leave(ChannelOrder.objects.get(external_id=str(number)).parts.get().order, "T-BAD", 1)
    break_down(shop, number)
    deliver_all()
    for _time in range(SHOWN_AFTER - 1):
        assert not ToldParcel.objects.exists()
        Channel.objects.update(quiet_until=None)
        with transaction.atomic():
            order_asking.ask(channel.pk)
        deliver_all()
        pass_time()
    assert "HTTP 500" in ToldParcel.objects.get(parcel=parcel).error
    shop.behave()


def test_an_order_that_cannot_be_cancelled_there_is_told_later_and_later(shop, channel, thing, monkeypatch):
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", replace(CAPABILITIES, hears_cancellations=True))
    first, *others = place(shop, thing, 4)
    poll()
    break_down(shop, first)
    for times, number in enumerate(others, start=1):  # the shop works otherwise
        for wanted in [first, number] if times == 1 else [number]:
            order = ChannelOrder.objects.get(external_id=str(wanted)).parts.get().order
            cancellation.cancel(order_id=order.pk, by=make.user())
        outbox.deliver("marketplaces.cancelled.tell_shops")
        pass_time()
        event = OutboxEvent.objects.get(topic="order.withdrawn")
        wait_s = (event.due_at - timezone.now()).total_seconds()
        assert wait_s == pytest.approx(aside_s(times), abs=10)
    shop.behave()
    pass_time()
    assert shop.books.order(first)["status"] == "cancelled"


def test_one_that_answers_nonsense(shop, channel, thing, monkeypatch):
    bad, good = place(shop, thing, 2)
    poll()
    for number in (bad, good):
        leave(ChannelOrder.objects.get(external_id=str(number)).parts.get().order, f"T-{number}", 1)
    real = WooCommerce.send_tracking

    def send(self, tracking):
        if tracking.order_id == str(bad):
            raise TypeError("'NoneType' object is not subscriptable")
        real(self, tracking)

    with monkeypatch.context() as patched:
        patched.setattr(WooCommerce, "send_tracking", send)
        deliver_all()
    assert [told(shop, number) for number in (bad, good)] == [[], [f"T-{good}"]]
    pass_time()
    assert told(shop, bad) == [f"T-{bad}"]


def test_a_shop_that_is_down_is_spared_and_nothing_is_shown_or_lost(shop, channel, thing):
    orders = place(shop, thing, 4)
    poll()
    for number in orders:
        leave(ChannelOrder.objects.get(external_id=str(number)).parts.get().order, f"T-{number}", 1)
    break_down(shop, *orders)
    shop.calls.clear()
    deliver_all()
    assert len(shop.calls) == 2
    assert Channel.objects.get().failures == 1
    pass_time(SHOWN_AFTER + 2)
    assert not ToldParcel.objects.exists()
    shop.behave()
    pass_time(2)
    assert [told(shop, number) for number in orders] == [[f"T-{number}"] for number in orders]


def breaks_down_at(*ids: int) -> Fault:
    return lambda call, proper: fail(500)(call, proper) if any(row["id"] in ids for row in call.body["update"]) else proper()


def test_a_product_s_number(shop, house):
    merchant = make.merchant()
    things = [make.sku(merchant, f"S{number}") for number in range(5)]
    channel = shops.selling(shop, house, dict.fromkeys(things, 10))
    bad = channel.listings.get(sku=things[2])
    shop.misbehave("POST products/batch", breaks_down_at(int(bad.external_id)), times=1000)
    for thing in things:
        make.stock(make.bin_of(house, "A-02"), thing, 1)
    deliver_all()
    assert shop.books.stock() == {"S0": 11, "S1": 11, "S2": 10, "S3": 11, "S4": 11}
    pass_time(3)
    bad.refresh_from_db()
    assert (Channel.objects.get().failures, bad.trouble) == (0, "The shop cannot be reached: HTTP 500 Internal Server Error")
    make.stock(make.bin_of(house, "A-02"), things[0], 1)
    deliver_all()
    assert shop.books.stock()["S0"] == 12, "nobody waits for it"
    shop.behave()
    pass_time()
    assert shop.books.stock()["S2"] == 11


def test_numbers_and_lists_that_are_answered_with_nonsense_are_seen_and_tried_again(shop, channel, thing, house, monkeypatch):
    def nonsense(*_asked, **_more):
        raise TypeError("'NoneType' object is not subscriptable")

    with monkeypatch.context() as patched:
        for call in ("push_stock", "listings"):
            patched.setattr(WooCommerce, call, nonsense)
        make.stock(make.bin_of(house, "A-02"), thing, 2)
        deliver_all()
        broken = Channel.objects.get()
        assert (broken.failures, broken.trouble) == (1, "The shop cannot be reached: its answer makes no sense (TypeError)")
        make_due()
        with pytest.raises(ChannelQuiet):
            channels.fetch_listings(channel=channel)
        pass_time(20)
    pass_time()
    assert (shop.books.stock(), Channel.objects.get().last_error) == ({thing.code: 12}, "")
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists()


def test_what_was_asked_for_twice_has_failed_as_often_as_either(shop, channel, thing):
    """A second event of the same order, which counts nothing, must not begin the count anew: nobody would ever be shown it."""
    good, bad = place(shop, thing, 2)
    break_down(shop, bad)
    for failed in (3, 0):
        with transaction.atomic():
            outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=[str(bad)], failed=failed)
    ask_for(channel, good)
    deliver_all()
    waiting = OutboxEvent.objects.get(topic="channel.heard", payload__order_ids=[str(bad)])
    assert waiting.payload["failed"] == 4
    shop.behave()


def test_an_order_that_every_page_breaks_down_at_is_put_aside_once(shop, channel, thing):
    (bad,) = place(shop, thing, 1)
    shop.books.refund(bad, {shop.books.order(bad)["line_items"][0]["id"]: 1})
    break_down(shop, bad, at="/refunds")
    for _minute in range(4):
        with transaction.atomic():
            order_asking.ask(channel.pk)
        deliver_all()
    waiting = OutboxEvent.objects.filter(topic="channel.heard", payload__order_ids=[str(bad)])
    assert waiting.count() == 1
    break_down(shop, bad)
    for _minute in range(3):  # it is asked for alone, beside the list
        poll()
    assert waiting.get().payload["failed"] == 4
    shop.behave()
    poll()
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()
