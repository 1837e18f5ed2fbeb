"""Buyers who want to cancel at a shop that answers no order.get: it is told what became of that, and asked for nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory.models import Sku, Warehouse
from marketplaces import reports
from marketplaces.models import Channel, ChannelOrder
from marketplaces.order_asking import put_aside
from marketplaces.port import ChannelUnavailable
from outbound.models import Order
from tests.marketplaces.adapters.storefront.shop import StorefrontShop
from tests.marketplaces.adapters.storefront.working import connected, hook, tell
from tests.marketplaces.misbehaving import fail
from tests.marketplaces.shops import deliver_all, make_due, poll, settle
from tests.marketplaces.test_tracking import leave
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The time of today: orders are taken in by the real sync."""
    return lambda: datetime.now(UTC)


def selling(shop: StorefrontShop, house: Warehouse, thing: Sku, *answers: str) -> Channel:
    shop.declared["answers"] = list(answers)
    return connected(shop, house, thing)


def say(shop: StorefrontShop, channel: Channel, order_id: str, came: str = "by message", **changed: Any) -> None:
    """The shop says by itself what its order is now."""
    shop.books.change(order_id, **changed)
    if came == "by message":
        assert tell(shop, channel, order_id) == 200
    else:
        reports.take_orders(channel=channel, documents=[shop.books.orders[order_id]])
    deliver_all()


def become(shop: StorefrontShop) -> tuple[str, str]:
    row = ChannelOrder.objects.get()
    assert not OutboxEvent.objects.filter(topic="channel.heard").exists()
    assert not shop.made("order.get")
    return row.status, row.problem


@pytest.mark.parametrize("came", ["by message", "by the API"])
@pytest.mark.parametrize("answers", [(), ("cancellation.answer",), ("order.cancelled",), ("cancellation.answer", "orders.list")], ids=str)
@pytest.mark.parametrize("taken", [False, True])
def test_what_can_be_cancelled_is_and_the_shop_hears_so(shop, house, thing, came, answers, taken):
    channel = selling(shop, house, thing, *answers)
    order_id = shop.books.place_order([(thing.code, 2)])
    if taken:
        say(shop, channel, order_id)
    say(shop, channel, order_id, came, cancellation_requested=True)
    assert become(shop) == ("cancelled", "")
    assert list(Order.objects.values_list("status", flat=True)) == ["cancelled"] * taken
    assert shop.books.answered == ({order_id: True} if "cancellation.answer" in answers else {})
    assert shop.books.orders[order_id]["state"] == ("cancelled" if answers else "open")


@pytest.mark.parametrize("came", ["by message", "by the API"])
@pytest.mark.parametrize("answers", [("cancellation.answer",), ("order.cancelled",)], ids=str)
def test_what_has_left_is_not_cancelled_and_the_shop_hears_so_where_it_has_a_message_for_it(shop, house, thing, came, answers):
    channel = selling(shop, house, thing, *answers)
    order_id = shop.books.place_order([(thing.code, 2)])
    say(shop, channel, order_id)
    shop.misbehave("parcel.shipped", fail(500))  # the shop has not heard of the parcel when it asks
    leave(Order.objects.get(), "WMS-1", 2)
    deliver_all()
    make_due()
    say(shop, channel, order_id, came, cancellation_requested=True)
    assert become(shop) == ("cancelled_late", "cancelled_late")
    assert shop.books.answered == ({order_id: False} if "cancellation.answer" in answers else {})
    assert not shop.made("order.cancelled")


def test_who_does_not_want_to_cancel_any_more_gets_the_order(shop, house, thing):
    """Its later word comes before the shop was told anything: it waits for no answer any more."""
    channel = selling(shop, house, thing, "cancellation.answer")
    order_id = shop.books.place_order([(thing.code, 2)])
    say(shop, channel, order_id)
    reports.take_orders(channel=channel, documents=[shop.books.change(order_id, cancellation_requested=True)])
    reports.take_orders(channel=channel, documents=[shop.books.change(order_id, cancellation_requested=False)])
    deliver_all()
    assert become(shop) == ("imported", "")
    assert not shop.made("cancellation.answer")
    assert sorted(Order.objects.values_list("status", flat=True)) == ["cancelled", "ready"]


def test_an_answer_at_which_the_shop_breaks_down_is_given_later(shop, house, thing):
    channel = selling(shop, house, thing, "cancellation.answer", "orders.list")
    order_id = shop.books.place_order([(thing.code, 2)])
    say(shop, channel, order_id)
    shop.misbehave("cancellation.answer", fail(500), times=1000)
    say(shop, channel, order_id, cancellation_requested=True)
    for _turn in range(3):
        poll()
    shop.behave()
    settle()
    assert become(shop) == ("cancelled", "")
    assert shop.books.answered == {order_id: True}


@pytest.mark.parametrize("first", ["its wish", "what cannot be read"])
def test_a_message_that_cannot_be_read_is_shown_beside_a_wish(shop, house, thing, first):
    """Both come before either is heard."""
    channel = selling(shop, house, thing, "cancellation.answer")
    order_id = shop.books.place_order([(thing.code, 2)])
    say(shop, channel, order_id)
    wish = dict(shop.books.change(order_id, cancellation_requested=True))
    for document in (wish, {**wish, "state": "exploded"})[:: 1 if first == "its wish" else -1]:
        assert hook(channel, "order.changed", document) == 200
    deliver_all()
    assert become(shop) == ("cancelled", "unreadable")
    assert shop.books.answered == {order_id: True}


@pytest.mark.parametrize("first", ["its wish", "what cannot be read"])
def test_a_wish_that_comes_beside_what_cannot_be_read_is_answered_also_where_the_shop_breaks_down(shop, house, thing, first):
    channel = selling(shop, house, thing, "cancellation.answer")
    order_id = shop.books.place_order([(thing.code, 2)])
    say(shop, channel, order_id)
    shop.misbehave("cancellation.answer", fail(500))
    wish = dict(shop.books.change(order_id, cancellation_requested=True))
    for document in (wish, {**wish, "state": "exploded"})[:: 1 if first == "its wish" else -1]:
        assert hook(channel, "order.changed", document) == 200
    deliver_all()
    make_due()
    deliver_all()
    assert become(shop) == ("cancelled", "unreadable")
    assert shop.books.answered == {order_id: True}


def test_a_wish_and_a_question_that_were_put_aside_do_not_stand_for_each_other(shop, house, thing):
    channel = selling(shop, house, thing, "cancellation.answer")
    broke_down = ChannelUnavailable(reason="HTTP 500", answered=True)
    for wished in (False, True, False, True):
        put_aside(channel, "1001", broke_down, wished=wished)
    put_aside(channel, "1001", broke_down, failed=1, wished=True)
    waiting = OutboxEvent.objects.filter(topic="channel.heard").order_by("pk")
    assert [(each.payload.get("wished", False), each.payload["failed"]) for each in waiting] == [(False, 1), (True, 2)]
