"""An order that was begun before its shop said something else of it: whoever packs or ships it is told, and says himself that it is sent all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory.models import Sku, Warehouse
from marketplaces import order_book, order_import
from marketplaces.models import Channel, ChannelOrder
from outbound import orders, packing, picking, shipping, waves
from outbound.holds import ToBeDecided
from outbound.models import Order, Parcel, PickTask
from tests import make
from tests.floor.handheld import Handheld, Page
from tests.marketplaces.shops import sale
from wms.core import access
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


def say(channel: Channel, thing: Sku, minutes: int = 1, **more: Any) -> None:
    at = timezone.now()
    order_import.import_orders(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=minutes), **more)])


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
