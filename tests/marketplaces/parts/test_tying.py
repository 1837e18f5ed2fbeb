"""A worker that dies between taking an order in and tying it to the shop's leaves nothing undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketplaces import order_book, order_import, order_words, settling
from marketplaces.adapters.woocommerce import CAPABILITIES, WooCommerce
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelLine, ShipTo, UnreadableOrder
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.parts.houses import parts_of, stock, totals
from tests.marketplaces.shops import BUYER, poll, sale
from tests.marketplaces.test_tracking import leave, told
from wms.core import sealing
from wms.core.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


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
        patched.setattr(settling, "tie", dies)
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


@pytest.mark.parametrize("closed", ["completed", "pending", "cancelled"])
def test_a_crash_between_two_parts_of_an_order_that_is_closed_and_opened_again_ends_with_both(
    shop, channel, thing, other, monkeypatch, closed
):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    with monkeypatch.context() as patched:
        crash(patched, 2)
        poll()
    for state in (closed, "processing"):
        ChannelOrder.objects.update(shop_updated_at="2020-01-01T00:00:00Z")
        shop.books.change_order(int(number), {"status": state})
        poll()
    assert [part[1:] for part in parts_of(number)] == [("WEST", "ready", [("THING", 2)]), ("EAST", "ready", [("OTHER", 1)])]
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == ("imported", "")
    assert totals() == [("EAST", "OTHER", 1, 1), ("WEST", "THING", 2, 2)]


def test_so_does_one_of_which_a_part_has_left_when_the_shop_cancels_it(shop, channel, thing, other, monkeypatch):
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    with monkeypatch.context() as patched:
        crash(patched, 2)
        poll()
    leave(Order.objects.get(), "TRACK-1", 2)
    for state in ("cancelled", "processing"):
        ChannelOrder.objects.update(shop_updated_at="2020-01-01T00:00:00Z")
        shop.books.change_order(int(number), {"status": state})
        poll()
    assert sorted(part[2] for part in parts_of(number)) == ["ready", "shipped"]
    assert ChannelOrder.objects.get().status == "imported"


def test_parts_that_one_worker_is_refused_and_another_took_in_and_died_with_stay_tied(channel, thing, other, monkeypatch):
    """They were forgotten with what was taken in for them: decided anew it came to other parts, beside orders that were sent all the same."""
    stock(WEST={thing: 2}, EAST={other: 1})
    at = datetime.now(UTC)
    lines = tuple(ChannelLine(str(n), "", code, code, units, Decimal(5)) for n, (code, units) in enumerate([("THING", 2), ("OTHER", 1)]))
    said = sale("THING", at, lines=lines)
    real = orders.accept_many

    def refuses(*, merchant, orders: list):
        monkeypatch.setattr("outbound.orders.accept_many", real)
        with monkeypatch.context() as patched:
            patched.setattr(settling, "tie", lambda *_args: (_ for _ in ()).throw(ConnectionError("the worker is gone")))
            with pytest.raises(ConnectionError):
                order_import.import_orders(Channel.objects.get(), [said])
        return [NotFound(what="warehouse", key=order.warehouse) for order in orders]

    monkeypatch.setattr(orders, "accept_many", refuses)
    order_import.import_orders(Channel.objects.get(), [said])
    stock(WEST={other: 5})  # decided anew one warehouse would have all
    poll()
    order_import.retry_unmapped(Channel.objects.get())
    assert [part[1:] for part in parts_of("501")] == [("WEST", "ready", [("THING", 2)]), ("EAST", "ready", [("OTHER", 1)])]
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, Order.objects.count()) == ("imported", "", 2)


def meanwhile(monkeypatch, what, happens):
    """It happens once, to a worker that is about to do `what`, by another one."""
    real, done = getattr(settling, what), []

    def late(*args):
        if not done:
            done.append(True)
            happens()
        return real(*args)

    monkeypatch.setattr(settling, what, late)


def cancelled_and_opened(at):
    """That it is open again is written down, and nobody has looked at it yet."""
    order_import.import_orders(Channel.objects.get(), [sale("THING", at + timedelta(minutes=1), state=State.CANCELLED)])
    order_book.record(Channel.objects.get(), [sale("THING", at + timedelta(minutes=2))])


def test_a_late_worker_ties_nothing_to_an_order_that_was_cancelled_and_opened_again(channel, thing, monkeypatch):
    """Its order of ours is cancelled: the shop's, which is open, would never be sent."""
    stock(WEST={thing: 5})
    at = datetime.now(UTC).replace(microsecond=0)
    meanwhile(monkeypatch, "tie", lambda: cancelled_and_opened(at))
    order_import.import_orders(Channel.objects.get(), [sale("THING", at)])
    poll()
    assert parts_of("501") == [("WOO-501-2", "WEST", "ready", [("THING", 2)])]
    assert sorted(Order.objects.values_list("reference", "status")) == [("WOO-501", "cancelled"), ("WOO-501-2", "ready")]
    assert (ChannelOrder.objects.get().status, totals()) == ("imported", [("WEST", "THING", 5, 2)])


def test_nor_sends_it_twice_what_it_takes_in_after_that(channel, thing, monkeypatch):
    stock(WEST={thing: 5})
    at = datetime.now(UTC).replace(microsecond=0)
    real, done = orders.accept_many, []

    def late(**what):
        if not done:
            done.append(True)
            cancelled_and_opened(at)
        return real(**what)

    monkeypatch.setattr(orders, "accept_many", late)
    order_import.import_orders(Channel.objects.get(), [sale("THING", at)])
    poll()
    assert parts_of("501") == [("WOO-501-2", "WEST", "ready", [("THING", 2)])]
    assert sorted(Order.objects.values_list("reference", "status")) == [("WOO-501", "cancelled"), ("WOO-501-2", "ready")]
    assert totals() == [("WEST", "THING", 5, 2)]


def test_a_word_that_cannot_be_read_and_comes_while_its_order_is_taken_in_stays_on_the_list(channel, thing, monkeypatch):
    """It may say that the order is cancelled."""
    stock(WEST={thing: 5})
    unreadable = [UnreadableOrder("501", "order 501: KeyError: 'status'")]
    meanwhile(monkeypatch, "tie", lambda: order_book.record_unreadable(channel, unreadable))
    order_import.import_orders(Channel.objects.get(), [sale("THING", datetime.now(UTC))])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "unreadable", "order 501: KeyError: 'status'")


def test_one_that_came_before_ends_when_a_person_has_the_order_tried_again(channel, thing):
    stock(WEST={thing: 5})
    order_import.import_orders(Channel.objects.get(), [sale("THING", datetime.now(UTC), ship_to=ShipTo("", "", "", "", "US"))])
    ChannelOrder.objects.update(status="refused", problem="unreadable", problem_detail="ValueError: once")
    row = ChannelOrder.objects.select_related("raw").get()
    row.raw.sealed = sealing.seal(order_words.personal(sale("THING", datetime.now(UTC))))
    row.raw.save()
    order_import.retry_unmapped(Channel.objects.get())
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "", "")


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
    part = row.parts.create(number=1, warehouse=channel.warehouse, reference="WOO-9")
    taken = orders.accept(merchant=thing.merchant, order=make.order(channel.warehouse, {thing: 1}, "WOO-9", taken_for=part.pk))
    poll()
    assert (Order.objects.get(pk=taken.id).status, row.parts.get().order_id) == ("cancelled", taken.id)


def test_an_order_of_which_one_part_fails_however_often_it_is_tried_is_sent_once(shop, channel, thing, other, monkeypatch):
    """Of the other part the warehouse had taken the order in: decided anew, its goods would be sent twice."""
    stock(WEST={thing: 2}, EAST={other: 1})
    number = str(shop.books.place_order([("THING", 2), ("OTHER", 1)], shipping=BUYER))
    real = orders._accept_together

    def fails(*args):
        if args[1] == "WEST":
            raise ValueError("no number")
        return real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(orders, "_accept_together", fails)
        poll()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == ("refused", "unreadable")
    stock(WEST={other: 5})
    order_import.retry_unmapped(Channel.objects.get())
    row.refresh_from_db()
    assert (row.status, row.problem) == ("imported", "")
    assert sorted(Order.objects.values_list("reference", "status")) == [(f"WOO-{number}", "ready"), (f"WOO-{number}-P2", "ready")]
    assert parts_of(number) == [
        (f"WOO-{number}", "WEST", "ready", [("THING", 2)]),
        (f"WOO-{number}-P2", "EAST", "ready", [("OTHER", 1)]),
    ]
    assert totals() == [("EAST", "OTHER", 1, 1), ("WEST", "OTHER", 5, 0), ("WEST", "THING", 2, 2)]
