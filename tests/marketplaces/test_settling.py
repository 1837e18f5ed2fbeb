"""What becomes of an imported order that its shop changes, cancels or opens again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from inventory.models import StockMovement
from marketplaces import cancelling, order_asking, order_holds, order_import
from marketplaces.models import ChannelOrder
from marketplaces.port import ChannelOrderState as State
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import BUYER, hook, poll, sale, totals
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_cancelled_before_shipping_frees_the_goods(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    shop.books.change_order(number, {"status": "cancelled"})
    poll()
    poll()

    assert Order.objects.get().status == "cancelled"
    assert ChannelOrder.objects.get().status == "cancelled"
    assert (totals(thing), shop.books.stock()) == ((10, 0, 0), {thing.code: 10})


def test_a_cancellation_that_overtakes_its_order_wins(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    before = shop.books.order(number).copy()
    after = shop.books.change_order(number, {"status": "cancelled"})
    hook(channel, after)
    shops.deliver_all()
    hook(channel, before, topic="order.created")
    shops.deliver_all()

    assert not Order.objects.exists()
    assert ChannelOrder.objects.get().status == "cancelled"
    assert (totals(thing), shop.books.stock()) == ((10, 0, 0), {thing.code: 10})


@pytest.mark.parametrize(("status", "problem"), [("pending", "unpaid"), ("on-hold", "unpaid"), ("completed", "closed")])
def test_a_word_for_a_person_is_kept_though_the_worker_died_when_it_was_written_down(shop, channel, thing, monkeypatch, status, problem):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    # The shop counts in seconds.
    ChannelOrder.objects.update(shop_updated_at=F("shop_updated_at") - timedelta(minutes=1))

    def dies(*_arguments):
        raise ConnectionError("the worker is gone")

    assert hook(channel, shop.books.change_order(number, {"status": status})) == 200
    with monkeypatch.context() as patched:
        patched.setattr(order_import, "settle", dies)
        shops.deliver_all()
    poll()
    assert (ChannelOrder.objects.get().status, ChannelOrder.objects.get().problem) == ("imported", problem)
    assert Order.objects.get().status == "ready"


@pytest.mark.parametrize("again", ["the message", "a poll"])
def test_a_cancellation_is_followed_though_the_worker_died_when_it_was_written_down(shop, channel, thing, monkeypatch, again):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    cancelled = shop.books.change_order(number, {"status": "cancelled"})
    assert hook(channel, cancelled) == 200

    def dies(*_arguments):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(order_import, "settle", dies)
        shops.deliver_all()
    assert (ChannelOrder.objects.get().shop_state, Order.objects.get().status) == ("cancelled", "ready")
    if again == "the message":
        shops.make_due()
    else:
        OutboxEvent.objects.all().delete()
        shop.books.orders.clear()
        order_asking.ask_all()
    shops.deliver_all()

    assert (Order.objects.get().status, ChannelOrder.objects.get().status) == ("cancelled", "cancelled")
    assert totals(thing) == (10, 0, 0)


def test_cancelled_after_it_left_is_no_receipt_and_the_shop_hears_our_number_again(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], status="processing", shipping=BUYER)
    poll()
    ship_all(thing)
    shops.deliver_all()
    movements = StockMovement.objects.count()
    shop.books.change_order(number, {"status": "cancelled"})
    assert shop.books.stock() == {thing.code: 10}  # the shop puts back on sale what is on its way to the buyer
    poll()

    row = ChannelOrder.objects.get()
    assert (row.status, row.problem) == ("cancelled_late", "cancelled_late")
    assert StockMovement.objects.count() == movements
    assert (totals(thing), shop.books.stock()) == ((7, 0, 0), {thing.code: 7})


def test_so_it_does_though_the_worker_dies_when_that_is_written_down(shop, channel, thing, monkeypatch):
    """Nothing of ours has changed: nobody else would tell it before the night."""
    number = shop.books.place_order([(thing.code, 3)], status="processing", shipping=BUYER)
    poll()
    ship_all(thing)
    shops.deliver_all()
    shop.books.change_order(number, {"status": "cancelled"})

    def dies(*_arguments):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(cancelling, "publish", dies)
        poll()
    poll()
    assert ChannelOrder.objects.get().status == "cancelled_late"
    assert shop.books.stock() == {thing.code: 7}


def ship_all(sku):
    """The goods leave, without the floor's work."""
    from django.db import transaction

    from inventory import availability, ledger
    from inventory.models import Reason

    order = Order.objects.get()
    line = order.lines.get()
    place = make.bin_of(order.warehouse, "A-01")
    with transaction.atomic():
        ledger.post(
            warehouse_id=order.warehouse_id,
            legs=[ledger.Leg(ledger.Place(place.pk, sku.pk, None, "good", None), -line.quantity)],
            reason=Reason.SHIP,
            document="test",
            by=None,
        )
        availability.change(order.warehouse_id, {sku.pk: availability.Change(committed=-line.quantity)})
        order.lines.update(shipped=line.quantity)
        Order.objects.update(status="shipped", shipped_at=datetime.now(UTC))


def test_an_order_changed_after_its_import_is_for_a_person(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    shop.books.clock = lambda: datetime.now(UTC) + timedelta(seconds=5)
    line = shop.books.order(number)["line_items"][0]["id"]
    shop.books.refund(number, {line: 1})
    poll()

    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "changed", f"{line}: 3>2")
    assert totals(thing) == (10, 3, 0)


def test_an_unpaid_order_is_left_alone_until_it_is_paid(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], status="pending", shipping=BUYER)
    poll()
    waiting = ChannelOrder.objects.get()
    assert (waiting.parts.exists(), waiting.raw, waiting.problem, totals(thing)) == (False, None, "", (10, 0, 0))
    shop.books.change_order(number, {"status": "processing"})
    poll()
    assert totals(thing) == (10, 3, 0)


def test_a_deleted_order_is_cancelled(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    shop.books.delete_order(number)
    assert hook(channel, {"id": number}, topic="order.deleted") == 200
    shops.deliver_all()
    assert Order.objects.get().status == "cancelled"


def test_a_cancelled_order_that_the_shop_opens_again_is_taken_in_anew(shop, channel, thing):
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    poll()
    for seconds, status in enumerate(["cancelled", "processing", "cancelled", "processing"], start=5):
        shop.books.clock = lambda seconds=seconds: datetime.now(UTC) + timedelta(seconds=seconds * 2)
        shop.books.change_order(number, {"status": status})
        poll()
        poll()

    found = list(Order.objects.order_by("pk").values_list("reference", "status"))
    assert found == [(f"WOO-{number}", "cancelled"), (f"WOO-{number}-2", "cancelled"), (f"WOO-{number}-3", "ready")]
    row = ChannelOrder.objects.get()
    assert (row.parts.get().order.reference, row.status, row.problem) == (f"WOO-{number}-3", "imported", "")
    assert (totals(thing), shop.books.stock()) == ((10, 3, 0), {thing.code: 7})


def test_a_wish_to_cancel_that_comes_with_the_first_word_is_for_a_person(channel, thing):
    at = datetime.now(UTC)
    order_import.import_orders(channel, [sale(thing.code, at, cancellation_requested=True)])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "changed", "cancellation requested")
    assert (Order.objects.get().status, totals(thing)) == ("ready", (10, 2, 0))
    order_import.import_orders(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=1))])
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "", "")


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_wish_to_cancel_is_kept_until_the_order_can_be_taken_in(channel, house, thing, withdrawn):
    """Its goods were unknown when the buyer wished it."""
    at = datetime.now(UTC)
    order_import.import_orders(channel, [sale("NEW", at)])
    order_import.import_orders(channel, [sale("NEW", at, updated_at=at + timedelta(minutes=1), cancellation_requested=True)])
    if withdrawn:
        order_import.import_orders(channel, [sale("NEW", at, updated_at=at + timedelta(minutes=2))])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("unmapped", "unknown_goods", "NEW")
    make.stock(make.bin_of(house, "A-01"), make.sku(thing.merchant, "NEW"), 5)
    order_import.retry_unmapped(channel)
    row.refresh_from_db()
    assert (row.status, Order.objects.get().status) == ("imported", "ready")
    assert (row.problem, row.problem_detail) == (("", "") if withdrawn else ("changed", "cancellation requested"))


def test_an_unpaid_order_whose_buyer_wishes_to_cancel_it_binds_its_goods_until_it_is_over(channel, thing):
    at = datetime.now(UTC)
    order_import.import_orders(channel, [sale(thing.code, at, state=State.PENDING, cancellation_requested=True)])
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.held_until is None) == ("seen", "", False)
    order_import.import_orders(channel, [sale(thing.code, at, updated_at=at + timedelta(minutes=1), cancellation_requested=True)])
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "changed", "cancellation requested")


def test_an_order_that_goes_back_to_wait_within_its_second_is_not_sent(shop, channel, thing):
    """A plug-in that looks for fraud does that. Messages of the same second overtake each other; what the shop answers is what it is."""
    number = shop.books.place_order([(thing.code, 3)], shipping=BUYER)
    paid = dict(shop.books.order(number))
    waits = {**paid, "status": "on-hold"}
    assert [hook(channel, word) for word in (paid, waits)] == [200, 200]
    shops.deliver_all()
    assert ChannelOrder.objects.get().problem == ""
    shop.books.order(number)["status"] = "on-hold"
    poll()
    assert (ChannelOrder.objects.get().problem, set(order_holds.find(order_ids=[Order.objects.get().pk]))) == (
        "unpaid",
        {Order.objects.get().pk},
    )
    assert hook(channel, paid, delivery="late") == 200
    shop.books.order(number)["status"] = "processing"
    poll()
    assert (ChannelOrder.objects.get().problem, order_holds.find(order_ids=[Order.objects.get().pk])) == ("", {})
