"""A shop's order comes to the reference of an order that the merchant has entered himself, with other goods."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces import order_book, order_import, settling
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState as State
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.shops import poll, sale, totals

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def row(channel, house, thing, at) -> ChannelOrder:
    """Of the shop's order 501, which was taken for the merchant's own."""
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))
    order_import.import_orders(channel, [sale(thing.code, at)])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.parts.get().order) == ("imported", "other_content", Order.objects.get())
    return row


def say(row: ChannelOrder, code: str, at: datetime, **more: Any) -> ChannelOrder:
    order_import.import_orders(Channel.objects.get(), [sale(code, at, **more)])
    row.refresh_from_db()
    return row


def test_it_is_shown_until_a_person_has_dealt_with_it_whatever_the_shop_says(channel, row, thing, at):
    for minute, (said, detail) in enumerate(
        [({}, ""), ({"quantity": 3}, "1: 2>3"), ({"state": State.PENDING}, "pending"), ({"state": State.SHIPPED}, "shipped")], start=1
    ):
        say(row, thing.code, at + minute * MINUTE, **said)
        assert (row.status, row.problem, row.problem_detail) == ("imported", "other_content", detail)
    order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "", "")


@pytest.mark.parametrize("deleted", [False, True])
def test_a_cancellation_in_the_shop_leaves_the_merchants_own_order_alone(channel, row, thing, at, deleted):
    if deleted:
        settling.settle(channel, order_book.record_deleted(channel, "501"))
    else:
        say(row, thing.code, at + MINUTE, state=State.CANCELLED)
        assert row.problem_detail == "cancelled"
        say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    row.refresh_from_db()
    assert (row.status, row.problem, row.shop_state) == ("imported", "other_content", "cancelled")
    # Nothing is left half done: no later poll has another try.
    assert not order_book.unsettled(channel).exists()
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 1, 0))

    order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("cancelled", "", "")
    say(row, thing.code, at + 2 * MINUTE, state=State.CANCELLED)
    poll()
    assert (row.status, Order.objects.get().status) == ("cancelled", "ready")
    # Of the shop's order nothing is here: opened again, it comes in by itself.
    say(row, thing.code, at + 3 * MINUTE)
    assert (row.status, row.problem, row.parts.get().order.reference) == ("imported", "", "WOO-501-2")
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == ["ready", "ready"]


def test_an_order_that_was_there_before_is_not_tied_when_the_shop_closes_its_own(channel, house, thing, at, monkeypatch):
    """The worker died between deciding and asking the warehouse."""
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))

    def dies(**_arguments):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(settling.orders, "accept_many", dies)
        order_import.import_orders(channel, [sale(thing.code, at)])
    row = ChannelOrder.objects.get()
    assert row.parts.get().order is None
    say(row, thing.code, at + MINUTE, state=State.CANCELLED)
    assert (row.status, row.parts.get().order) == ("cancelled", None)
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 1, 0))
