"""An order that was begun before its shop said something else of it: whoever picks it or comes upon it is told; whoever packs or ships it says himself
that it is sent all the same.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import order_book, order_import
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelLine
from outbound import holds, orders, packing, picking, shipping, waves
from outbound.holds import ToBeDecided
from outbound.models import Order, Parcel, PickTask
from tests import make
from tests.floor.handheld import Handheld, Page
from tests.marketplaces.holds.words import say
from tests.marketplaces.shops import sale
from wms.core import access, outbox
from wms.core.models import RequestOutcome, User
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)

WISH = "changed in the shop after it was imported (the buyer wants to cancel)"
QUESTION = f"Woo shop: {WISH}. Set WOO-501 aside until the desk has decided. Ship it all the same? The same again means yes."


@pytest.fixture
def by() -> User:
    user = make.user()
    user.groups.add(access.ensure_groups()["picker"])
    return user


@pytest.fixture
def handheld(by: User) -> Handheld:
    client = Client(headers={"accept-language": "en"})
    client.force_login(by)
    return Handheld(client)


@pytest.fixture
def picked(channel: Channel, house: Warehouse, thing: Sku, by: User) -> Order:
    """Two of one thing, in a tote at the pack desk."""
    Channel.objects.update(name="Woo shop")
    order_import.import_orders(channel, [sale(thing.code, datetime.now(UTC))])
    waves.release(warehouse_id=house.pk, by=by)
    order = Order.objects.get()
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=by)
    return order


def asked(page: Page) -> tuple[str, str]:
    return page.data["outcome"], page.data["error"]


def test_whoever_opens_its_tote_is_asked_and_nothing_is_lost(handheld, channel, thing, picked):
    say(channel, thing, cancellation_requested=True)
    handheld.open("pack")
    page = handheld.scan("TOTE-01")
    assert (page.screen, asked(page), QUESTION in page.text) == ("pack-tote", ("ask", "to_be_decided"), True)
    page = handheld.again()
    assert (page.screen, asked(page), QUESTION in page.text) == ("pack-tote", ("ask", "to_be_decided"), True)
    assert "action=undo" in page.buttons
    page = handheld.press("undo")
    assert (asked(page), "action=undo" in page.buttons) == (("", ""), False)
    assert asked(handheld.scan("TOTE-01")) == ("ask", "to_be_decided")
    assert handheld.scan("TOTE-01").screen == "pack-sku"
    assert handheld.again().screen == "pack-sku"
    assert handheld.scan(thing.code, "2", "300").data["outcome"] == "ok"
    parcel = Parcel.objects.get()
    assert asked(handheld.again()) == ("ok", "")
    assert Parcel.objects.count() == 1
    # Who ships it is not asked for the same again.
    handheld.open("ship")
    assert asked(handheld.scan(parcel.tracking_number)) == ("ok", "")
    parcel.refresh_from_db()
    assert parcel.status == "shipped"
    assert list(drifts()) == []


def test_of_what_is_left_in_the_tote_nobody_is_asked_again(handheld, channel, thing, picked):
    say(channel, thing, cancellation_requested=True)
    handheld.open("pack")
    handheld.scan("TOTE-01", "TOTE-01", thing.code, "1")
    handheld.press("close")
    assert handheld.scan("150").screen == "pack-tote"
    assert handheld.scan("TOTE-01").screen == "pack-sku"
    handheld.scan(thing.code, "150")
    despite = set(Parcel.objects.values_list("despite", flat=True))
    assert (Parcel.objects.count(), len(despite), "" in despite) == (2, 1, False)


def test_the_order_s_page_says_that_the_packer_went_on(admin_client, handheld, channel, thing, picked):
    words = "although its shop had said something else"
    say(channel, thing, cancellation_requested=True)
    handheld.open("pack")
    handheld.scan("TOTE-01", "TOTE-01", thing.code, "2")
    assert words not in admin_client.get(f"/desk/orders/{picked.pk}").content.decode()
    handheld.scan("300")
    assert words in admin_client.get(f"/desk/orders/{picked.pk}").content.decode()


def test_whoever_ships_a_parcel_is_asked_where_the_shop_spoke_after_it_was_packed(handheld, channel, thing, by, picked):
    parcel_id = packing.pack(order_id=picked.pk, by=by)["parcel_id"]
    say(channel, thing, cancellation_requested=True)
    handheld.open("ship")
    number = Parcel.objects.get().tracking_number
    page = handheld.scan(number)
    assert (asked(page), QUESTION in page.text, "action=undo" in page.buttons) == (("ask", "to_be_decided"), True, True)
    assert asked(handheld.again()) == ("ask", "to_be_decided")
    assert (Parcel.objects.get().status, RequestOutcome.objects.count()) == ("packed", 0)
    with pytest.raises(ToBeDecided):
        shipping.ship(parcel_id=parcel_id, by=by)
    # Yes was said to what stood there, and the shop has changed its word since.
    say(channel, thing, 2, quantity=1)
    page = handheld.scan(number)
    assert (asked(page), f"{thing.code}: 2 → 1" in page.text) == (("ask", "to_be_decided"), True)
    assert Parcel.objects.get().status == "packed"
    assert asked(handheld.scan(number)) == ("ok", "")
    assert Parcel.objects.get().status == "shipped"
    # The answer was lost, and the shop speaks before it is asked for again.
    say(channel, thing, 3, cancellation_requested=True)
    assert asked(handheld.again()) == ("ok", "")


@pytest.mark.parametrize("when", ["before", "after"])
def test_nobody_is_asked_once_a_person_has_dealt_with_it(handheld, channel, thing, by, picked, when):
    say(channel, thing, cancellation_requested=True)
    if when == "before":
        order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    handheld.open("pack")
    page = handheld.scan("TOTE-01")
    if when == "after":
        assert asked(page) == ("ask", "to_be_decided")
        order_book.dismiss(channel, ChannelOrder.objects.get().pk)
        page = handheld.scan("TOTE-01")
    assert page.screen == "pack-sku"
    handheld.scan(thing.code, "2", "300")
    handheld.open("ship")
    assert asked(handheld.scan(Parcel.objects.get().tracking_number)) == ("ok", "")


def test_another_order_is_neither_asked_about_nor_kept_back(handheld, channel, house, thing, by, picked):
    parcel_id = packing.pack(order_id=picked.pk, by=by)["parcel_id"]
    say(channel, thing, cancellation_requested=True)
    accepted = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    waves.release(warehouse_id=house.pk, by=by)
    picking.pick(task_id=PickTask.objects.get(order=accepted.id).pk, tote_code="TOTE-02", by=by)
    other = Parcel.objects.get(pk=packing.pack(order_id=accepted.id, by=by)["parcel_id"])
    handheld.open("ship")
    page = handheld.scan(Parcel.objects.get(pk=parcel_id).tracking_number)
    assert asked(page) == ("ask", "to_be_decided")
    assert asked(handheld.scan(other.tracking_number)) == ("ok", "")
    assert dict(Parcel.objects.values_list("pk", "status")) == {parcel_id: "packed", other.pk: "shipped"}


@pytest.fixture
def walking(handheld: Handheld, channel: Channel, house: Warehouse, thing: Sku, by: User) -> Sku:
    """A picker has one of the shop's two goods in a tote, and goes for the second, which is returned; behind it is another order of that."""
    Channel.objects.update(name="Woo shop")
    second = make.sku(thing.merchant)
    make.stock(make.bin_of(house, "A-02"), second, 5)
    channel.listings.create(merchant=thing.merchant, external_id="second", external_sku=second.code, sku=second)
    order_import.import_orders(channel, [sale(thing.code, datetime.now(UTC), lines=of_both(thing, second))])
    due = timezone.now() + timedelta(days=30)
    orders.accept(merchant=thing.merchant, order=make.order(house, {second: 1}, "OTHER", ship_by=due))
    waves.release(warehouse_id=house.pk, by=by)
    handheld.open("pick")
    handheld.press("claim")
    handheld.scan("A-01", thing.code, "TOTE-01")
    return second


def of_both(thing: Sku, second: Sku) -> tuple[ChannelLine, ...]:
    return ChannelLine("1", "", thing.code, "Mug", 2, Decimal(5)), ChannelLine("2", "", second.code, "Tea", 1, Decimal(5))


SIGN = f"WOO-501 is for the desk to decide on. Woo shop: {WISH}."


def test_a_picker_sees_that_nobody_wants_what_he_goes_for_and_leaves_it(handheld, channel, house, thing, by, walking):
    page = handheld.open("pick")
    assert (page.data["bin"], page.data["order"], "hold" in page.data, "action=leave" in page.buttons) == ("A-02", "WOO-501", False, False)
    say(channel, thing, lines=of_both(thing, walking), cancellation_requested=True)
    outbox.deliver("outbound.picking.put_aside")
    with CaptureQueriesContext(connection) as captured:
        page = handheld.scan("A-02")
    # As many as for one that is not held.
    assert len(captured) == 3
    row = ChannelOrder.objects.get()
    assert (page.screen, page.data["hold"]) == ("pick-sku", str(row.pk))
    assert f"{SIGN} Leave its goods in the bin. Set tote TOTE-01 aside." in page.text
    page = handheld.press("leave")
    assert (page.data["outcome"], page.data["order"], "hold" in page.data) == ("ok", "OTHER", False)
    assert "Order WOO-501 is left for the desk. Set its tote TOTE-01 aside." in page.text
    assert handheld.again().data["outcome"] == "ok"
    left = PickTask.objects.filter(order__reference="WOO-501", status="open")
    assert (left.get().picker, left.get().order.status) == (None, "picking")
    # He is sent for the other's alone, and so is everybody.
    assert handheld.scan(walking.code, "TOTE-02").screen == "pick-start"
    assert (handheld.page.data["waiting"], picking.claim(warehouse_id=house.pk, by=by)) == ("0", 0)
    order_book.dismiss(channel, row.pk)
    assert picking.claim(warehouse_id=house.pk, by=by) == 1


def test_goods_that_are_in_no_tote_yet_go_back_into_the_bin(handheld, channel, house, thing, by):
    Channel.objects.update(name="Woo shop")
    order_import.import_orders(channel, [sale(thing.code, datetime.now(UTC))])
    waves.release(warehouse_id=house.pk, by=by)
    handheld.open("pick")
    handheld.press("claim")
    handheld.scan("A-01")
    say(channel, thing, cancellation_requested=True)
    assert f"{SIGN} Leave its goods in the bin." in handheld.open("pick").text
    handheld.scan("A-01")
    page = handheld.scan(thing.code)
    assert (page.screen, f"{SIGN} Put its goods back into the bin." in page.text) == ("pick-tote", True)
    page = handheld.press("leave")
    assert (page.screen, "Order WOO-501 is left for the desk." in page.text) == ("pick-start", True)


def test_what_the_desk_has_decided_meanwhile_is_not_left(handheld, channel, thing, walking):
    say(channel, thing, lines=of_both(thing, walking), cancellation_requested=True)
    handheld.open("pick")
    order_book.dismiss(channel, ChannelOrder.objects.get().pk)
    page = handheld.press("leave")
    assert (asked(page), page.data["order"], "hold" in page.data) == (("error", "decided"), "WOO-501", False)
    assert not PickTask.objects.filter(status="open", picker=None).exists()


def test_whoever_picks_on_all_the_same_is_not_kept_back(handheld, channel, thing, walking):
    say(channel, thing, lines=of_both(thing, walking), cancellation_requested=True)
    handheld.open("pick")
    assert handheld.scan("A-02", walking.code).data["outcome"] == "ok"
    assert Order.objects.get(reference="WOO-501").status == "picked"


@pytest.mark.parametrize(("code", "meanwhile"), [("WOO-501", " Set tote TOTE-01 aside."), ("TOTE-01", " Set tote TOTE-01 aside.")])
def test_whoever_looks_it_up_is_told(handheld, channel, thing, picked, code, meanwhile):
    handheld.open("look-up")
    page = handheld.scan(code)
    assert ("hold" in page.data, "to decide" in page.text) == (False, False)
    say(channel, thing, cancellation_requested=True)
    page = handheld.scan(code)
    assert (page.data["hold"], f"{SIGN}{meanwhile}" in page.text) == (str(ChannelOrder.objects.get().pk), True)


def test_whoever_looks_up_its_parcel_is_told_until_it_has_left(handheld, channel, thing, by, picked):
    parcel_id = packing.pack(order_id=picked.pk, by=by)["parcel_id"]
    say(channel, thing, cancellation_requested=True)
    handheld.open("look-up")
    for code in (Parcel.objects.get().tracking_number, "WOO-501"):
        assert f"{SIGN} Set its parcels aside." in handheld.scan(code).text
    word = holds.of_orders([picked.pk])[picked.pk].word
    shipping.ship(parcel_id=parcel_id, by=by, despite=word)
    page = handheld.scan("WOO-501")
    assert ("hold" in page.data, "to decide" in page.text) == (False, False)


def test_of_one_that_nobody_has_begun_it_says_that_its_goods_stay(handheld, channel, house, thing, by):
    Channel.objects.update(name="Woo shop")
    order_import.import_orders(channel, [sale(thing.code, datetime.now(UTC))])
    handheld.open("look-up")
    say(channel, thing, cancellation_requested=True)
    assert handheld.scan("WOO-501").text.count(SIGN) == 1
    Order.objects.update(status="released")
    assert f"{SIGN} Leave its goods in the bin." in handheld.scan("WOO-501").text
    Order.objects.update(status="ready")
