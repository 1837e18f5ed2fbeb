"""Cancelled here, cancelled there, or asked for: who hears of it, and what becomes of the units."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from inventory.models import Availability
from marketplaces import pausing, reports
from marketplaces.models import ChannelOrder
from outbound import cancellation
from outbound.models import Order
from tests import make
from tests.marketplaces.adapters.storefront.shop import refuse
from tests.marketplaces.adapters.storefront.working import connected, hook, tell
from tests.marketplaces.misbehaving import Fault, fail, hang_up_after_work
from tests.marketplaces.shops import deliver_all, poll, settle
from tests.marketplaces.test_tracking import leave
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The time of today: orders are taken in by the real sync."""
    return lambda: datetime.now(UTC)


def test_messages_that_overtake_each_other(shop, channel, thing):
    """The cancellation comes first, then the order's older self."""
    order_id = shop.books.place_order([(thing.code, 4)])
    older = dict(shop.books.orders[order_id])
    shop.books.cancel(order_id)
    tell(shop, channel, order_id)
    deliver_all()
    assert hook(channel, "order.changed", older) == 200
    deliver_all()
    assert not Order.objects.exists()
    assert ChannelOrder.objects.get().status == "cancelled"


@pytest.mark.parametrize("compare_and_set", [True, False])
def test_a_phantom_of_a_cancelled_unit_is_taken_back(shop, house, thing, compare_and_set):
    """Seen on a running shop: cancelling a unit that never left raises what it shows by one more. The warehouse's number is the truth."""
    shop.declared["compare_and_set"] = compare_and_set
    channel = connected(shop, house, thing)
    order_id = shop.books.place_order([(thing.code, 4)])
    tell(shop, channel, order_id)
    settle()
    assert shop.books.stock() == {thing.code: 6}
    shop.books.cancel(order_id, phantom=1)
    assert shop.books.stock() == {thing.code: 11}
    tell(shop, channel, order_id)
    settle()
    assert Order.objects.get().status == "cancelled"
    assert (shop.books.stock(), Availability.objects.get().committed) == ({thing.code: 10}, 0)


def test_what_the_warehouse_cancels_is_cancelled_there(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 4)])
    settle()
    shop.misbehave("order.cancelled", hang_up_after_work)
    cancellation.cancel(order_id=Order.objects.get().pk, by=make.user(is_staff=True))
    settle()
    assert (shop.books.orders[order_id]["state"], shop.books.stock()) == ("cancelled", {thing.code: 10})
    assert ChannelOrder.objects.get().status == "cancelled"
    told = len(shop.made("order.cancelled"))
    settle()
    assert len(shop.made("order.cancelled")) == told == 2


def test_what_the_shop_puts_back_on_sale_beside_what_it_was_told_is_corrected_at_once(shop, channel, thing):
    """It hears of the free units first, and of the cancellation then: not a poll later."""
    order_id = shop.books.place_order([(thing.code, 4)])
    settle()
    cancellation.cancel(order_id=Order.objects.get().pk, by=make.user(is_staff=True))
    numbers = OutboxEvent.objects.filter(handler__startswith="marketplaces.stock_sync")
    while waiting := set(numbers.values_list("handler", flat=True)):
        for handler in sorted(waiting):
            outbox.deliver(handler)
    assert (shop.books.orders[order_id]["state"], shop.books.stock()) == ("open", {thing.code: 10})
    deliver_all()
    assert (shop.books.orders[order_id]["state"], shop.books.stock()) == ("cancelled", {thing.code: 10})


def test_what_was_cancelled_there_is_not_told_back(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 4)])
    settle()
    shop.books.cancel(order_id)
    settle()
    assert Order.objects.get().status == "cancelled"
    assert not shop.made("order.cancelled")


def test_a_shop_that_does_not_want_to_hear_of_it_is_not_told(shop, house, thing):
    shop.declared["answers"].remove("order.cancelled")
    connected(shop, house, thing)
    shop.books.place_order([(thing.code, 4)])
    settle()
    cancellation.cancel(order_id=Order.objects.get().pk, by=make.user(is_staff=True))
    settle()
    assert not shop.made("order.cancelled")


def test_what_was_cancelled_in_a_pause_is_told_after_it(shop, channel, thing):
    order_id = shop.books.place_order([(thing.code, 4)])
    settle()
    pausing.pause(channel=channel, by=make.user(), reason="Holidays", keep=True)
    cancellation.cancel(order_id=Order.objects.get().pk, by=make.user(is_staff=True))
    deliver_all()
    assert not shop.made("order.cancelled")
    pausing.resume(channel=channel)
    settle()
    assert shop.books.orders[order_id]["state"] == "cancelled"


def test_a_refusal_of_one_cancellation_holds_up_no_other(shop, channel, thing):
    first, second = (shop.books.place_order([(thing.code, 1)]) for _order in range(2))
    settle()
    shop.misbehave("order.cancelled", refuse("order_shipped", status=409))
    for order in Order.objects.order_by("pk"):
        cancellation.cancel(order_id=order.pk, by=make.user(is_staff=True))
    settle()
    assert (shop.books.orders[first]["state"], shop.books.orders[second]["state"]) == ("open", "cancelled")


def breaks_down_at(order_id: str) -> Fault:
    return lambda call, proper: fail(500)(call, proper) if call.data["order_id"] == order_id else proper()


def test_one_at_which_the_shop_breaks_down_holds_up_no_other(shop, channel, thing):
    first, second = (shop.books.place_order([(thing.code, 1)]) for _order in range(2))
    settle()
    shop.misbehave("order.cancelled", breaks_down_at(first), times=1000)
    for order in Order.objects.order_by("pk"):
        cancellation.cancel(order_id=order.pk, by=make.user(is_staff=True))
    deliver_all()
    assert (shop.books.orders[first]["state"], shop.books.orders[second]["state"]) == ("open", "cancelled")
    shop.behave()
    settle()
    assert shop.books.orders[first]["state"] == "cancelled"


def test_an_answer_at_which_the_shop_breaks_down_holds_up_no_order(shop, channel, thing):
    first, second = (shop.books.place_order([(thing.code, 1)]) for _order in range(2))
    settle()
    for order_id in (first, second):
        shop.books.change(order_id, cancellation_requested=True)
    shop.misbehave("cancellation.answer", breaks_down_at(first), times=1000)
    third = shop.books.place_order([(thing.code, 1)])
    for _turn in range(2):
        poll()
    assert (shop.books.answered, ChannelOrder.objects.get(external_id=third).status) == ({second: True}, "imported")
    shop.behave()
    settle()
    assert shop.books.answered == {first: True, second: True}


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("pushed", [False, True])
def test_a_request_to_cancel_is_answered_by_what_the_warehouse_could_do(shop, channel, thing, left, pushed):
    order_id = shop.books.place_order([(thing.code, 2)])
    settle()
    if left:
        shop.misbehave("parcel.shipped", fail(500))  # the shop has not heard of the parcel when it asks
        leave(Order.objects.get(), "WMS-1", 2)
        deliver_all()
    shop.books.change(order_id, cancellation_requested=True)
    if pushed:
        tell(shop, channel, order_id)
        deliver_all()
    settle()
    assert shop.books.answered == {order_id: not left}
    assert Order.objects.get().status == ("shipped" if left else "cancelled")


@pytest.mark.parametrize("came", ["by message", "by poll", "by the API"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_shop_without_a_message_for_the_answer_hears_that_its_order_is_cancelled(shop, house, thing, came, taken):
    """It waits for an answer to what it asked, and so does its buyer."""
    shop.declared["answers"].remove("cancellation.answer")
    channel = connected(shop, house, thing)
    order_id = shop.books.place_order([(thing.code, 2)])
    if taken:
        settle()
    shop.books.change(order_id, cancellation_requested=True)
    if came == "by message":
        tell(shop, channel, order_id)
    elif came == "by the API":
        reports.take_orders(channel=channel, documents=[shop.books.orders[order_id]])
    deliver_all() if came != "by poll" else poll()
    assert (shop.books.orders[order_id]["state"], shop.books.stock()) == ("cancelled", {thing.code: 10})
    assert ChannelOrder.objects.get().status == "cancelled"
    settle()
    assert len(shop.made("order.cancelled")) == 1


def test_it_hears_nothing_of_one_that_has_left(shop, house, thing):
    shop.declared["answers"].remove("cancellation.answer")
    connected(shop, house, thing)
    order_id = shop.books.place_order([(thing.code, 2)])
    settle()
    shop.misbehave("parcel.shipped", fail(500))
    leave(Order.objects.get(), "WMS-1", 2)
    deliver_all()
    shop.books.change(order_id, cancellation_requested=True)
    settle()
    assert not shop.made("order.cancelled")
    assert ChannelOrder.objects.get().status == "cancelled_late"
