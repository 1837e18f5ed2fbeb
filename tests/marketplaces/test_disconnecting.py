"""A channel is taken away for good: nothing that its shop sold is lost, nothing is sent twice, and its keys are gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from marketplaces import buyer_data, channels, disconnecting, order_import, pausing, standings, stock_sync
from marketplaces.gone import ChannelGone
from marketplaces.models import Channel, ChannelOrder, Listing, SellerRule, StockPush
from outbound import cancellation
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, hook, poll
from tests.marketplaces.test_tracking import leave, sold
from tests.marketplaces.woo_shop import fail
from wms.core import sealing
from wms.core.models import PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


def now(channel: Channel) -> Channel:
    return Channel.objects.get(pk=channel.pk)


def test_its_shop_sells_nothing_first_and_then_its_keys_are_gone(shop, channel, boss, thing):
    shop.misbehave(BATCH, fail(500))
    assert not disconnecting.disconnect(channel=channel, by=boss)
    shops.deliver_all()
    assert (disconnecting.finish_all(), now(channel).gone, disconnecting.of(now(channel)).offered) == (0, False, 1)
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {thing.code: 0}
    assert disconnecting.finish_all() == 1
    gone = now(channel)
    assert (gone.gone, gone.active, gone.hears, bytes(gone.credentials), bytes(gone.webhook_secret)) == (True, False, False, b"", b"")
    assert (gone.disconnected_by, gone.opened_credentials(), disconnecting.finish_all()) == (boss, {}, 0)
    assert StockPush.objects.filter(quantity=0, because="disconnected").exists()


def test_the_page_of_one_that_waits_for_nothing_any_more_names_nothing(shop, channel, boss, desk):
    page = f"/desk/channels/{channel.pk}"
    disconnecting.disconnect(channel=channel, by=boss)
    waits = desk.get(page).text
    assert ('data-keeps="0/0/1"' in waits, "data-ends" in waits) == (True, False)
    shops.deliver_all()
    ends = desk.get(page).text
    assert ("data-keeps" in ends, "when nothing of this is left" in ends, "ends by itself within a minute" in ends) == (False, False, True)


def test_one_whose_shop_keeps_its_numbers_goes_at_once_and_is_called_no_more(shop, channel, house, boss, thing):
    shops.deliver_all()
    shop.calls.clear()
    assert disconnecting.disconnect(channel=channel, by=boss, keep=True)
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    with transaction.atomic():
        stock_sync.stale(channel.pk, [Listing.objects.get().pk], "all")
    shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    assert (shop.calls, shop.books.stock()[thing.code], Order.objects.exists()) == ([], 9, False)


def test_what_was_sold_until_then_is_still_sent_and_told(shop, channel, boss, thing):
    number, order = sold(shop, channel, thing, 2)
    disconnecting.disconnect(channel=channel, by=boss)
    late = shop.books.place_order([(thing.code, 1)], shipping=BUYER)  # in the moment before its shop is told 0
    poll()
    second = ChannelOrder.objects.get(external_id=str(late)).parts.get().order
    assert (shop.books.stock()[thing.code], disconnecting.of(now(channel)).orders, disconnecting.finish_all()) == (0, 2, 0)
    cancellation.cancel(order_id=second.pk, by=boss)
    leave(order, "WMX1", 2)
    assert (disconnecting.of(now(channel)).parcels, disconnecting.finish_all()) == (1, 0)
    shops.until_quiet()
    assert (disconnecting.finish_all(), now(channel).gone) == (1, True)
    assert shop.books.orders[number]["status"] == "completed"


def test_with_open_orders_or_untold_parcels_none_goes_at_once(shop, channel, boss, thing):
    _number, order = sold(shop, channel, thing, 2)
    with pytest.raises(disconnecting.OrdersOpen) as caught:
        disconnecting.disconnect(channel=channel, by=boss, keep=True)
    assert caught.value.details["orders"] == 1
    pausing.pause(channel=now(channel), by=boss, reason="moving")
    shops.deliver_all()
    with pytest.raises(disconnecting.OrdersOpen):  # paused, its shop would hear of nothing
        disconnecting.disconnect(channel=channel, by=boss)
    leave(order, "WMX1", 2)
    shops.deliver_all()
    with pytest.raises(disconnecting.ParcelsUntold) as untold:
        disconnecting.disconnect(channel=channel, by=boss)
    assert (untold.value.details["parcels"], now(channel).disconnecting_since, now(channel).opened_credentials() != {}) == (1, None, True)
    assert disconnecting.disconnect(channel=channel, by=boss, untold=True)


def test_an_order_that_was_never_taken_in_is_left_to_the_shop_and_holds_no_goods(shop, channel, house, boss, thing):
    shop.books.add_product(sku="GIFT", quantity=9)
    shop.books.place_order([(thing.code, 3), ("GIFT", 1)], shipping=BUYER)
    poll()
    other = shops.connect(shop, thing.merchant, house, name="Other", code="OTHER")
    channels.fetch_listings(channel=other)
    shops.deliver_all()
    listing = other.listings.get(sku=thing)
    assert (disconnecting.of(now(channel)).untaken, listing.pushed_quantity) == (1, 7)
    assert disconnecting.disconnect(channel=channel, by=boss, keep=True)
    assert [(row.status, row.problem) for row in channel.orders.all()] == [("left", "")]
    shops.deliver_all()
    listing.refresh_from_db()
    assert listing.pushed_quantity == 10


def test_connected_again_nothing_is_sent_twice(shop, channel, house, boss, thing):
    number, order = sold(shop, channel, thing, 2)
    leave(order, "WMX1", 2)
    shops.until_quiet()
    shop.books.add_product(sku="GIFT", quantity=9)
    never = shop.books.place_order([("GIFT", 1)], shipping=BUYER)
    poll()
    assert disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    again = shops.connect(shop, thing.merchant, house, name="WOO")
    assert again.code == "WOO2"
    channels.fetch_listings(channel=again)
    channels.tie(listing=again.listings.get(external_sku="GIFT"), sku=thing)
    shop.books.orders[number]["status"] = "processing"  # somebody has set it back
    for changed in (number, never):
        shop.books.orders[changed]["date_modified_gmt"] = "2030-01-01T00:00:00"
    new = shop.books.place_order([(thing.code, 1)], shipping=BUYER)
    poll()
    found = {row.external_id: row.status for row in again.orders.all()}
    assert found == {str(number): "left", str(never): "imported", str(new): "imported"}
    assert sorted(Order.objects.values_list("reference", flat=True)) == sorted([f"WOO-{number}", f"WOO2-{never}", f"WOO2-{new}"])
    shop.books.orders[number]["date_modified_gmt"] = "2030-01-02T00:00:00"  # its next word
    poll()
    assert (again.orders.get(external_id=str(number)).status, Order.objects.count()) == ("left", 3)


def test_an_order_of_a_shop_that_was_set_up_anew_is_another_one(shop, channel, house, boss, thing):
    number, order = sold(shop, channel, thing, 2)
    leave(order, "WMX1", 2)
    shops.until_quiet()
    disconnecting.disconnect(channel=now(channel), by=boss, keep=True)
    again = shops.connect(shop, thing.merchant, house, name="Again")
    channels.fetch_listings(channel=again)
    shop.books.orders[number] |= {
        "status": "processing",
        "date_created_gmt": "2031-01-01T00:00:00",
        "date_modified_gmt": "2031-01-01T00:00:00",
    }
    poll()
    assert again.orders.get().status == "imported"


def test_what_is_of_another_place_of_the_same_shop_is_sent_from_there(thing, house, boss):
    """Each of two channels that are places of one shop has its own part of the order."""
    shop = {"merchant": thing.merchant, "warehouse": house, "adapter": "shopify", "base_url": "https://mugs.example"}
    keys = {"access_token": "t", "client_secret": "s"}
    first, other = (channels.connect(credentials={**keys, "location_id": place}, name=place, code=place, **shop) for place in ("1", "2"))
    at = timezone.now()
    order_import.import_orders(Channel.objects.select_related("merchant", "user").get(pk=first.pk), [shops.sale(thing.code, at)])
    disconnecting.disconnect(channel=first, by=boss)
    order_import.import_orders(Channel.objects.select_related("merchant", "user").get(pk=other.pk), [shops.sale(thing.code, at)])
    assert (other.orders.get().status, Order.objects.count()) == ("imported", 2)


def test_what_a_worker_had_in_hand_is_not_taken_in(channel, boss, thing):
    before = Channel.objects.select_related("merchant", "user").get()
    disconnecting.disconnect(channel=channel, by=boss, keep=True)
    order_import.import_orders(before, [shops.sale(thing.code, timezone.now())])
    assert (ChannelOrder.objects.exists(), Order.objects.exists()) == (False, False)


def test_what_was_never_taken_in_is_neither_late_nor_kept_for_ever(channel, boss):
    """Its shop says it is open, and will never say anything else."""
    long_ago = timezone.now() - timedelta(days=400)
    SellerRule.objects.create(channel=channel, measure="late", days=10, limit_percent=4)
    row = channel.orders.create(
        merchant=channel.merchant, external_id="1", status="left", shop_state="open", ship_by=timezone.now() - timedelta(days=1), placed_at=long_ago,
        raw=PersonalRecord.objects.create(merchant=channel.merchant, kind="channel_order", sealed=sealing.seal({})), updated_at=long_ago,
    )  # fmt: skip
    standings.count()
    assert SellerRule.objects.get().counted == 0
    buyer_data.erase_kept_long_enough()
    row.refresh_from_db()
    assert row.raw is None


def test_its_messages_are_answered_as_of_no_channel(shop, channel, boss):
    secret = channel.opened_secret()
    disconnecting.disconnect(channel=channel, by=boss, keep=True)
    assert [hook(channel, {"id": 1}, secret=each) for each in (secret, "other")] == [404, 404]
    assert Client().get(f"/hooks/{channel.pk}").status_code == 404


BACK: list[Callable[[Channel], object]] = [
    lambda channel: pausing.resume(channel=channel),
    lambda channel: pausing.pause(channel=channel, by=make.user(), reason="x"),
    lambda channel: channels.change_credentials(channel=channel, credentials={"consumer_key": "c", "consumer_secret": "s"}),
    lambda channel: disconnecting.disconnect(channel=channel, by=make.user(), keep=True),
    lambda channel: channels.fetch_listings(channel=now(channel)),
]


@pytest.mark.parametrize("bring_back", BACK)
def test_nobody_brings_it_back(channel, boss, bring_back):
    """Also who has read it before: it still looks connected to him."""
    before = now(channel)
    disconnecting.disconnect(channel=channel, by=boss, keep=True)
    with pytest.raises(ChannelGone):
        bring_back(before)
    before.active = True
    with pytest.raises(IntegrityError, match="channel_disconnected_is_gone"):
        before.save(update_fields=["active"])
    assert (now(channel).active, bytes(now(channel).credentials)) == (False, b"")


def test_one_that_stays_goes_on(shop, channel, boss, thing):
    disconnecting.disconnect(channel=channel, by=boss)
    shops.deliver_all()
    with pytest.raises(pausing.BeingDisconnected):
        pausing.pause(channel=now(channel), by=boss, reason="x")
    pausing.resume(channel=now(channel))
    shops.deliver_all()
    assert (disconnecting.finish_all(), now(channel).disconnecting_since, shop.books.stock()) == (0, None, {thing.code: 10})


def test_the_desk_says_what_will_happen_and_what_was(shop, channel, desk, thing):
    _number, order = sold(shop, channel, thing, 2)
    page = f"/desk/channels/{channel.pk}"
    asked = desk.get(f"{page}/disconnect").text
    assert ('data-keeps="1/0/1"' in asked, f"/desk/orders?state=open&amp;merchant={thing.merchant.code}&amp;q=WOO-" in asked) == (
        True,
        True,
    )
    refused = desk.post(f"{page}/disconnect", {"sells": "last"})
    assert (refused.status_code, 'data-error="orders_open"' in refused.text, now(channel).gone) == (409, True, False)
    assert desk.post(f"{page}/disconnect", {"sells": "nothing"}).status_code == 303
    assert "data-disconnecting" in desk.get(page).text
    leave(order, "WMX1", 2)
    shops.until_quiet()
    disconnecting.finish_all()
    shown = desk.get(page).text
    assert ("data-gone" in shown, "data-listing" in shown, "channel_keys" in shown, f"{page}/keys" in shown) == (True, True, False, False)
    assert desk.get(f"{page}/disconnect").status_code == 409
    for does in ("push", "poll", "resume", "pause", "keys", "try", "warehouses", "tie", "drift/run", "places/set"):
        assert desk.post(f"{page}/{does}", {"reason": "x"}).status_code == 409, does
    assert [f'data-channel="{channel.pk}"' in desk.get(f"/desk/channels{show}").text for show in ("", "?show=disconnected")] == [
        False,
        True,
    ]
    assert (desk.get(f"/desk/orders/{order.pk}").status_code, desk.get(f"{page}/drift").status_code) == (200, 200)


def test_the_administration_shows_it_and_changes_nothing(channel, boss, desk):
    disconnecting.disconnect(channel=channel, by=boss, keep=True)
    address = f"/admin/marketplaces/channel/{channel.pk}/change/"
    assert [desk.get(address).status_code, desk.post(address, {"name": "Other"}).status_code] == [200, 403]


def test_nobody_disconnects_without_the_right(channel):
    client = Client()
    client.force_login(make.user("clerk", is_staff=True))
    for answer in (client.get(f"/desk/channels/{channel.pk}/disconnect"), client.post(f"/desk/channels/{channel.pk}/disconnect")):
        assert answer.status_code == 403
    assert not now(channel).gone
