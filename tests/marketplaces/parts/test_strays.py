"""An order of ours that a worker took in and did not live to tie is never sent beside the one that its shop's order has become since."""

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from marketplaces import order_holds, order_import
from marketplaces.models import Channel, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.parts.houses import parts_of, stock, totals
from tests.marketplaces.shops import deliver_all, make_due, poll, sale

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime.now(UTC).replace(microsecond=0)


def say(state: State, minute: int, **more) -> None:
    order_import.import_orders(Channel.objects.get(), [sale("THING", AT, updated_at=AT + timedelta(minutes=minute), state=state, **more)])


class Dead(Exception):
    pass


def dies(**_what):
    raise Dead


def take_in_and_die(monkeypatch, meanwhile) -> None:
    """A worker is about to have the order taken in when other things happen; it is, and the worker dies before it is tied."""
    real = orders.accept_many

    def accept_many(**what):
        monkeypatch.setattr(orders, "accept_many", real)
        meanwhile()
        real(**what)
        raise Dead

    monkeypatch.setattr(orders, "accept_many", accept_many)
    with pytest.raises(Dead):
        say(State.OPEN, 0)


@pytest.mark.parametrize("opened", ["after it died", "before it had the order"])
@pytest.mark.parametrize("quantity", [2, 3])
def test_it_is_cancelled_when_the_shop_has_cancelled_its_order_and_opened_it_again(channel, thing, monkeypatch, opened, quantity):
    stock(WEST={thing: 9})
    again = lambda: say(State.OPEN, 2, quantity=quantity)  # noqa: E731

    def meanwhile():
        say(State.CANCELLED, 1)
        if opened == "before it had the order":
            again()
            deliver_all()

    take_in_and_die(monkeypatch, meanwhile)
    if opened == "after it died":
        again()
        deliver_all()
    else:
        make_due()
        deliver_all()
    assert sorted(Order.objects.values_list("reference", "status")) == [("WOO-501", "cancelled"), ("WOO-501-2", "ready")]
    assert parts_of("501") == [("WOO-501-2", "WEST", "ready", [("THING", quantity)])]
    assert totals() == [("WEST", "THING", 9, quantity)]


@pytest.mark.parametrize("again", [False, True])
def test_an_order_that_the_merchant_enters_because_the_shop_s_does_not_come_is_his_own(channel, thing, monkeypatch, again):
    """The worker dies before the warehouse has it, so there is nothing of ours; the shop then cancels its order, or opens it again, too."""
    stock(WEST={thing: 9})
    with monkeypatch.context() as patched:
        patched.setattr(orders, "accept_many", dies)
        with pytest.raises(Dead):
            say(State.OPEN, 0)
    assert parts_of("501")[0][:3] == ("WOO-501", "WEST", None)
    mine = orders.accept(merchant=thing.merchant, order=make.order(channel.warehouse, {thing: 1}, "WOO-501"))
    say(State.CANCELLED, 1)
    assert order_holds.find(order_ids=[mine.id]) == {}
    if again:
        say(State.OPEN, 2)
    deliver_all()
    poll()
    make_due()
    deliver_all()
    assert Order.objects.get(pk=mine.id).status == "ready"
    assert [part[:3] for part in parts_of("501")] == ([("WOO-501-2", "WEST", "ready")] if again else [("WOO-501", "WEST", None)])


@pytest.mark.parametrize("late", [False, True])
def test_what_was_half_done_before_there_was_a_mark_is_marked(channel, thing, monkeypatch, late):
    stock(WEST={thing: 9})
    take_in_and_die(monkeypatch, lambda: None)
    part = ChannelOrderPart.objects.get()
    assert Order.objects.get().taken_for == part.pk
    Order.objects.update(taken_for=None, created_at=part.created_at + timedelta(hours=2 if late else 0))
    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("marketplaces.migrations.0008_taken_for").HALF_DONE)
    assert Order.objects.get().taken_for == (None if late else part.pk)


def test_the_merchant_s_own_order_of_that_number_is_let_be(channel, thing, monkeypatch):
    stock(WEST={thing: 9})
    mine = orders.accept(merchant=thing.merchant, order=make.order(channel.warehouse, {thing: 1}, "WOO-501"))
    row = channel.orders.create(merchant=thing.merchant, external_id="501", number="501", status="cancelled", shop_state="cancelled")
    row.parts.create(number=1, warehouse=channel.warehouse, reference="WOO-501")
    say(State.OPEN, 2)
    make_due()
    poll()
    deliver_all()
    assert Order.objects.get(pk=mine.id).status == "ready"
    assert parts_of("501")[0][:3] == ("WOO-501-2", "WEST", "ready")
