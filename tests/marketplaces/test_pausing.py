"""A paused shop sells nothing, or what it was told last, as somebody chose and said why."""

import pytest
from django.test import Client

from marketplaces import channels, pausing
from marketplaces.models import Channel, ChannelOrder, Listing, StockPush
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, deliver_all, hook, poll
from tests.marketplaces.woo_shop import fail, row_errors
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


@pytest.fixture
def channel(shop, house, thing, other):
    return shops.selling(shop, house, {thing: 10, other: 4})


def test_a_paused_shop_is_told_to_sell_nothing_and_only_its_answer_is_believed(shop, channel, boss, thing, other):
    shop.misbehave(BATCH, row_errors({shop.books.by_sku(other.code)["id"]: (503, "busy")}))
    pausing.pause(channel=channel, by=boss, reason="stocktaking")
    channel.refresh_from_db()
    assert (channel.active, channel.sells_nothing, channel.paused_by, channel.pause_reason) == (False, True, boss, "stocktaking")
    assert pausing.told_nothing(channel) == (0, 2)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0, other.code: 4}
    assert pausing.told_nothing(channel) == (1, 2)
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0, other.code: 0}
    assert pausing.told_nothing(channel) == (2, 2)
    assert set(StockPush.objects.filter(quantity=0).values_list("because", flat=True)) == {"paused"}


def test_a_listing_that_stood_at_nothing_before_is_not_taken_for_told(shop, channel, house, boss, thing):
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 10}))
    shops.deliver_all()
    assert Listing.objects.get(sku=thing).pushed_quantity == 0
    shop.misbehave(BATCH, fail(503))
    pausing.pause(channel=channel, by=boss, reason="stocktaking")
    shops.deliver_all()
    channel.refresh_from_db()
    assert pausing.told_nothing(channel) == (0, 2)


def test_stock_that_comes_while_it_is_paused_is_not_offered_there(shop, channel, house, boss, thing, other):
    pausing.pause(channel=channel, by=boss, reason="stocktaking")
    shops.deliver_all()
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    shop.books.add_product(sku="LATE", quantity=3)
    channels.fetch_listings(channel=channel)
    late = make.sku(thing.merchant, "LATE")
    make.stock(make.bin_of(house, "A-01"), late, 3)
    channels.tie(listing=Listing.objects.get(external_sku="LATE"), sku=late)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0, other.code: 0, "LATE": 0}
    channel.refresh_from_db()
    pausing.resume(channel=channel)
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 15, other.code: 4, "LATE": 3}
    assert (channel.paused_at, channel.paused_by, channel.pause_reason, channel.sells_nothing) == (None, None, "", False)


def test_what_waited_for_goods_that_were_tied_during_the_pause_is_taken_in_when_it_goes_on(shop, channel, boss, thing):
    shop.books.add_product(sku="GIFT", quantity=9)
    channels.fetch_listings(channel=channel)
    shop.books.place_order([("GIFT", 2)], shipping=BUYER)
    poll()
    waiting = ChannelOrder.objects.get()
    assert waiting.status == "unmapped"
    pausing.pause(channel=channel, by=boss, reason="stocktaking")
    channels.tie(listing=Listing.objects.get(external_sku="GIFT"), sku=thing)
    shops.deliver_all()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.parts.exists()) == ("unmapped", False)
    pausing.resume(channel=channel)
    shops.deliver_all()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.problem, waiting.parts.get().order.status) == ("imported", "", "ready")


def test_who_ties_while_it_goes_on_has_it_told(shop, channel, boss, thing):
    """Read while it was still paused; what is tied after it went on is in none of what going on has told."""
    shop.books.add_product(sku="GIFT", quantity=9)
    channels.fetch_listings(channel=channel)
    shop.books.place_order([("GIFT", 2)], shipping=BUYER)
    poll()
    pausing.pause(channel=channel, by=boss, reason="holidays", keep=True)
    listing = Listing.objects.select_related("channel").get(external_sku="GIFT")
    pausing.resume(channel=Channel.objects.get(pk=channel.pk))
    shops.deliver_all()
    channels.tie(listing=listing, sku=thing)
    shops.deliver_all()
    assert ChannelOrder.objects.get().status == "imported"
    assert shop.books.stock()["GIFT"] == shop.books.stock()[thing.code] == 8


def test_one_that_keeps_its_last_numbers_is_not_called(shop, channel, house, boss, thing, other):
    pausing.pause(channel=channel, by=boss, reason="holidays", keep=True)
    shop.calls.clear()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 9}))
    shops.deliver_all()
    assert (shop.calls, shop.books.stock()) == ([], {thing.code: 10, other.code: 4})


def test_the_desk_asks_for_a_reason_and_shows_who_paused_and_how_far_it_is(shop, channel, desk):
    assert desk.post(f"/desk/channels/{channel.pk}/pause").status_code == 422
    channel.refresh_from_db()
    assert channel.active
    assert desk.post(f"/desk/channels/{channel.pk}/pause", {"reason": "stocktaking"}).status_code == 303
    page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
    assert 'data-paused="0/2"' in page
    shops.deliver_all()
    page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
    assert 'data-paused="2/2"' in page
    assert "stocktaking · boss" in page
    desk.post(f"/desk/channels/{channel.pk}/resume")
    assert desk.post(f"/desk/channels/{channel.pk}/pause", {"reason": "holidays", "sells": "last"}).status_code == 303
    channel.refresh_from_db()
    assert (channel.active, channel.sells_nothing) == (False, False)
    assert 'data-paused="last"' in desk.get(f"/desk/channels/{channel.pk}").content.decode()


def test_of_a_paused_shop_nobody_is_promised_that_its_orders_come_soon(channel, desk):
    address = f"/desk/channels/{channel.pk}"
    for does, paused, running in (
        ("poll", "The channel is paused: its orders are fetched when it goes on.", "The shop&#x27;s orders are fetched soon."),
        ("retry", "The channel is paused: the waiting orders are tried again when it goes on.", "The waiting orders are tried again soon."),
    ):
        desk.post(f"{address}/pause", {"reason": "moving"})
        assert paused in desk.post(f"{address}/{does}", follow=True).text
        desk.get(address)
        desk.post(f"{address}/resume", follow=True)
        assert running in desk.post(f"{address}/{does}", follow=True).text


def test_nobody_pauses_without_the_right(channel):
    desk = Client()
    desk.force_login(make.user("clerk", is_staff=True))
    assert desk.post(f"/desk/channels/{channel.pk}/pause", {"reason": "x"}).status_code == 403
    channel.refresh_from_db()
    assert channel.active


def test_what_no_poll_brings_is_asked_for_when_it_goes_on(shop, channel, boss, thing):
    """A shop lists no order that it has deleted: it says so once."""
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    pausing.pause(channel=channel, by=boss, reason="stocktaking")
    shop.books.orders.pop(number)
    assert [hook(channel, {"id": number}, topic="order.deleted") for _time in range(2)] == [200, 200]
    deliver_all()
    assert (Order.objects.get().status, OutboxEvent.objects.filter(topic="channel.heard").count()) == ("ready", 1)
    pausing.resume(channel=Channel.objects.get())
    deliver_all()
    assert (Order.objects.get().status, ChannelOrder.objects.get().status) == ("cancelled", "cancelled")
