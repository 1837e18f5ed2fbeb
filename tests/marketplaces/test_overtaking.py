"""Two workers hear of one order at once: what the second one heard is not undone by the first one, which read the order before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces import buyer_data, cancelling, order_book, order_import, settling
from marketplaces.adapters.woocommerce import WooCommerce
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState as State
from marketplaces.port import ChannelRefused, ShipTo, UnreadableOrder
from outbound import cancellation, orders
from outbound.models import Order, OrderLine
from tests import make
from tests.marketplaces.shops import deliver_all, poll, sale, totals
from wms.core.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)
OPEN, PENDING, CANCELLED, SHIPPED = State.OPEN, State.PENDING, State.CANCELLED, State.SHIPPED


@pytest.fixture
def say(channel, thing) -> Callable[..., ChannelOrder]:
    """The shop's next word of its order 501, of a worker of its own; each a minute after the last. One that `dies` only writes it down."""
    minutes = iter(range(100))
    began = datetime.now(UTC).replace(microsecond=0)

    def say(state: State, *, dies: bool = False, **more: Any) -> ChannelOrder:
        at = began + next(minutes) * timedelta(minutes=1)
        worker = Channel.objects.select_related("merchant", "user").get(pk=channel.pk)
        (order_book.record if dies else order_import.import_orders)(worker, [sale(thing.code, began, updated_at=at, state=state, **more)])
        return ChannelOrder.objects.get()

    return say


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[..., None]:
    """Has another worker do something, once, before this one's next step of this name in marketplaces.settling, or after it has cancelled ours."""

    def arrange(step: str, do: Callable[[], object]) -> None:
        module = cancellation if step == "cancel" else settling
        real = getattr(module, step)

        def once(*args: object, **more: object) -> object:
            monkeypatch.setattr(module, step, real)
            if step != "cancel":
                do()
            answer = real(*args, **more)
            if step == "cancel":
                do()
            return answer

        monkeypatch.setattr(module, step, once)

    return arrange


def dies(*_arguments: object) -> None:
    raise ConnectionError("the worker is gone")


def found() -> list[tuple[str, str]]:
    return list(Order.objects.order_by("pk").values_list("reference", "status"))


def test_an_order_that_is_opened_again_while_it_is_dropped_comes_in_once(say, meanwhile, thing):
    meanwhile("_drop", lambda: say(OPEN))
    row = say(CANCELLED)
    assert (row.status, row.shop_state, found()) == ("imported", "open", [("WOO-501", "ready")])
    assert say(OPEN).status == "imported"
    assert (found(), totals(thing)) == ([("WOO-501", "ready")], (10, 2, 0))


def test_what_another_worker_has_tied_meanwhile_is_not_dropped_and_cancelled_when_that_one_dies(channel, house, thing, meanwhile):
    row = channel.orders.create(merchant=thing.merchant, external_id="501", status="seen", shop_state="cancelled")
    part = row.parts.create(number=1, warehouse=house, reference="WOO-501")

    def tie() -> None:
        taken = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}, "WOO-501"))
        row.parts.filter(pk=part.pk).update(order=taken.id)
        ChannelOrder.objects.update(status="imported")

    meanwhile("_drop", tie)
    settling.settle(channel, [row.pk])
    row.refresh_from_db()
    assert (row.status, found()) == ("imported", [("WOO-501", "ready")])
    assert list(order_book.unsettled(channel)) == [row]
    poll()
    row.refresh_from_db()
    assert (row.status, found()) == ("cancelled", [("WOO-501", "cancelled")])


def test_what_a_dead_worker_took_in_of_a_cancelled_order_is_cancelled_though_the_one_who_finds_it_fails(channel, house, thing, monkeypatch):
    row = channel.orders.create(merchant=thing.merchant, external_id="501", status="cancelled", shop_state="cancelled")
    part = row.parts.create(number=1, warehouse=house, reference="WOO-501")
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}, "WOO-501", taken_for=part.pk))
    with monkeypatch.context() as patched:
        patched.setattr(settling, "_follow", dies)
        poll()
    assert row.parts.get().order is not None
    poll()
    row.refresh_from_db()
    assert (row.status, found()) == ("cancelled", [("WOO-501", "cancelled")])


def test_what_the_shop_changes_while_an_order_is_taken_in_is_for_a_person(channel, say, meanwhile, thing):
    at = datetime.now(UTC) + timedelta(hours=1)
    meanwhile("tie", lambda: order_book.record(Channel.objects.get(), [sale(thing.code, at, quantity=3)]))
    row = say(OPEN)
    assert (row.status, row.problem, row.problem_detail, totals(thing)) == ("imported", "changed", "1: 2>3", (10, 2, 0))


@pytest.mark.parametrize(("state", "problem"), [(PENDING, "unpaid"), (SHIPPED, "closed")])
def test_so_is_what_it_closes_though_whoever_closed_it_found_nothing_of_ours(say, meanwhile, thing, state, problem):
    meanwhile(
        "tie", lambda: order_book.record(Channel.objects.get(), [sale(thing.code, datetime.now(UTC) + timedelta(hours=1), state=state)])
    )
    row = say(OPEN)
    assert (row.status, row.problem, found()) == ("imported", problem, [("WOO-501", "ready")])


@pytest.mark.parametrize("state", [PENDING, SHIPPED])
def test_what_is_open_again_is_not_shown_as_if_it_were_not(say, meanwhile, state):
    say(OPEN)
    meanwhile("_follow", lambda: say(OPEN))
    row = say(state)
    assert (row.status, row.shop_state, row.problem) == ("imported", "open", "")


def test_an_order_that_is_opened_again_while_ours_is_cancelled_is_taken_in_anew(say, meanwhile, thing):
    say(OPEN)
    meanwhile("cancel", lambda: say(OPEN))
    row = say(CANCELLED)
    assert (row.status, row.shop_state, row.problem, row.reopened) == ("imported", "open", "", 1)
    assert (found(), totals(thing)) == ([("WOO-501", "cancelled"), ("WOO-501-2", "ready")], (10, 2, 0))


ELSEWHERE = ShipTo("Grace Hopper", "2 Fortran Road", "Arlington", "22201", "US")


@pytest.mark.parametrize(("otherwise", "detail"), [({"quantity": 3}, "1: 2>3"), ({"ship_to": ELSEWHERE}, "line1")])
def test_what_it_was_opened_again_with_is_what_is_sent(channel, say, meanwhile, thing, monkeypatch, otherwise, detail):
    say(OPEN)
    meanwhile("cancel", lambda: say(OPEN, **otherwise))
    row = say(CANCELLED)
    # Nothing is sent as it was before, whoever looks at it.
    settling.settle(channel, [row.pk, *order_book.unsettled(channel).values_list("pk", flat=True)])
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail, found()) == ("seen", "changed", detail, [("WOO-501", "cancelled")])

    now = sale(thing.code, row.placed_at, updated_at=row.shop_updated_at, **otherwise)
    monkeypatch.setattr(WooCommerce, "order", lambda _self, _order_id: now)
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, row.reopened, found()) == ("imported", "", 1, [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])
    ours = Order.objects.get(status="ready")
    assert (ours.unit_count, ours.ship_to.opened()["line1"]) == (now.lines[0].quantity, now.ship_to.line1)


def test_a_shop_that_cannot_say_what_it_opened_again_is_asked_again_when_somebody_tries(channel, say, meanwhile, thing, monkeypatch):
    say(OPEN)
    meanwhile("cancel", lambda: say(OPEN, quantity=3))
    row = say(CANCELLED)

    def refuses(_self: object, _order_id: str) -> None:
        raise ChannelRefused(reason="no")

    with monkeypatch.context() as patched:
        patched.setattr(WooCommerce, "order", refuses)
        deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, found()) == ("seen", "changed", [("WOO-501", "cancelled")])
    with pytest.raises(NotFound):  # nobody would know any more that it is not taken in
        order_book.dismiss(channel, row.pk)
    row.refresh_from_db()
    assert row.problem == "changed"
    now = sale(thing.code, row.placed_at, updated_at=row.shop_updated_at, quantity=3)
    monkeypatch.setattr(WooCommerce, "order", lambda _self, _order_id: now)
    order_import.retry_unmapped(channel)
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, Order.objects.get(status="ready").unit_count) == ("imported", "", 3)


@pytest.mark.parametrize("otherwise", [{"quantity": 3}, {"ship_to": ELSEWHERE}, {"shipping_method": "Express", "quantity": 3}])
@pytest.mark.parametrize("before", [None, {"quantity": 5}])
def test_a_shop_that_cannot_be_asked_at_all_has_said_what_it_opened_again(say, meanwhile, thing, monkeypatch, otherwise, before):
    """It would else have to say it once more, and nobody tells it so."""
    say(OPEN)

    def cannot(_self: object, _order_id: str) -> None:
        raise ChannelRefused(reason="it answers no order.get", channel_code="not_possible")

    monkeypatch.setattr(WooCommerce, "order", cannot)
    meanwhile("cancel", lambda: [say(OPEN, dies=each is before, **each) for each in (before, otherwise) if each])
    row = say(CANCELLED)
    assert (row.status, found()) == ("seen", [("WOO-501", "cancelled")])
    deliver_all()
    row.refresh_from_db()
    assert (row.status, row.problem, row.problem_detail) == ("imported", "", "")
    assert (row.reopened, found()) == (1, [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])
    now = sale(thing.code, row.placed_at, **otherwise)
    ours = Order.objects.get(status="ready")
    assert (ours.unit_count, ours.ship_to.opened()["line1"], ours.service) == (
        now.lines[0].quantity,
        now.ship_to.line1,
        now.shipping_method,
    )
    assert set(row.raw.opened()) == {"ship_to", "note", "raw"}
    # Said once more it is no news.
    assert say(OPEN, **otherwise).problem == ""


def test_a_buyer_is_found_by_what_it_was_opened_again_with(say, meanwhile, monkeypatch):
    say(OPEN)
    meanwhile("cancel", lambda: say(OPEN, ship_to=replace(ELSEWHERE, email="grace@navy.example")))
    say(CANCELLED)
    assert buyer_data.forget(by=None, email="grace@navy.example").never_came_in == 1
    assert ChannelOrder.objects.get().raw is None


def test_a_word_that_cannot_be_read_is_shown_beside_what_is_shown_already(channel, say):
    say(OPEN)
    row = say(OPEN, quantity=3)
    changed = row.problem_detail
    for _time in range(2):
        order_book.record_unreadable(channel, [UnreadableOrder("501", "perhaps cancelled")])
    row.refresh_from_db()
    assert (row.problem, row.problem_detail) == ("changed", f"{changed}, perhaps cancelled")


@pytest.mark.parametrize("state", [PENDING, SHIPPED])
def test_what_is_cancelled_here_is_that_whatever_the_shop_says_meanwhile(say, meanwhile, state):
    say(OPEN)
    meanwhile("cancel", lambda: say(state))
    row = say(CANCELLED)
    assert (row.status, row.shop_state, row.problem) == ("cancelled", state, "")


def test_an_order_that_was_taken_in_by_another_worker_just_before_it_was_cancelled_stays(say, meanwhile, thing):
    meanwhile("adopt", lambda: say(OPEN))
    row = say(CANCELLED)
    assert (row.status, row.shop_state, row.problem, row.reopened) == ("imported", "open", "", 0)
    assert (found(), totals(thing)) == ([("WOO-501", "ready")], (10, 2, 0))


def test_an_order_that_was_opened_again_by_another_worker_is_not_opened_twice(say, meanwhile):
    row = say(OPEN)

    def catch_up() -> None:
        settling.settle(Channel.objects.select_related("merchant", "user").get(), [row.pk])
        say(OPEN)

    meanwhile("cancel", catch_up)
    row = say(CANCELLED)
    assert (row.status, row.reopened, found()) == ("imported", 1, [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])


def test_a_part_that_was_cancelled_is_shown_though_the_shop_has_opened_the_order_again(say, meanwhile, house, thing):
    row = say(OPEN)
    left = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501-P2"))
    OrderLine.objects.filter(order=left.id).update(shipped=1)
    row.parts.create(number=2, warehouse=house, reference="WOO-501-P2", order_id=left.id)
    meanwhile("cancel", lambda: say(OPEN))
    row = say(CANCELLED)
    assert (row.status, row.shop_state, row.problem) == ("cancelled_late", "open", "cancelled_late")
    assert row.problem_detail == "already_left: WOO-501-P2"
    assert found() == [("WOO-501", "cancelled"), ("WOO-501-P2", "ready")]


def test_what_was_changed_is_off_the_list_when_the_shop_no_longer_has_the_order(channel, say):
    say(OPEN)
    assert say(OPEN, quantity=3).problem == "changed"
    settling.settle(channel, order_book.record_deleted(channel, "501"))
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.problem_detail) == ("cancelled", "", "")


def test_a_worker_that_dies_with_an_order_opened_again_leaves_it_to_the_shops_next_word(say, meanwhile, monkeypatch):
    """What that says is what is taken in: nothing of it is a change any more."""
    say(OPEN)
    meanwhile("cancel", lambda: say(OPEN, quantity=3))
    monkeypatch.setattr(cancelling, "publish", dies)
    with pytest.raises(ConnectionError):
        say(CANCELLED)
    monkeypatch.undo()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.reopened, row.parts.count()) == ("seen", "changed", 1, 0)
    row = say(OPEN, quantity=3)
    assert (row.status, row.problem, row.parts.get().lines[0]["quantity"]) == ("imported", "", 3)


@pytest.mark.parametrize("between", [PENDING, SHIPPED])
def test_a_cancelled_order_that_is_paid_at_last_is_taken_in_anew(say, between):
    say(OPEN)
    say(CANCELLED)
    row = say(between)
    assert (row.status, row.problem) == ("cancelled", "")
    row = say(OPEN)
    assert (row.status, row.reopened, found()) == ("imported", 1, [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])
