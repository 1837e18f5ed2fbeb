"""A platform moves the ship-by of an order that the warehouse has already."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces import deadlines, order_book, order_import, settling, tying
from marketplaces.models import Channel, ChannelOrder
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces.shops import deliver_all, sale
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def test_our_order_follows_a_ship_by_that_the_platform_moves(channel, thing, at):
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    before = Order.objects.get()
    for minute, hours in enumerate((24, 72), start=1):
        moved = sale(thing.code, at, ship_by=at + hours * HOUR, updated_at=at + timedelta(minutes=minute))
        order_import.import_orders(channel, [moved])
        deliver_all()
        order, row = Order.objects.get(), ChannelOrder.objects.get()
        assert (order.ship_by, row.ship_by, row.problem) == (at + hours * HOUR, at + hours * HOUR, "")
        assert order.updated_at > before.updated_at
        due = deadlines.due(warehouse_id=channel.warehouse.pk, now=at, until=at + 25 * HOUR)[channel.pk]
        assert due.soon == (1 if hours == 24 else 0)


def test_it_follows_though_the_worker_died_when_it_was_written_down(channel, thing, at, monkeypatch):
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    monkeypatch.setattr(order_import, "settle", lambda *_arguments: None)
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + HOUR, updated_at=at + HOUR)])
    deliver_all()
    assert Order.objects.get().ship_by == at + HOUR


@pytest.mark.parametrize(("module", "step"), [(orders, "accept_many"), (settling, "tie")])
def test_an_order_that_is_planned_and_not_tied_follows_too(channel, thing, at, monkeypatch, module, step):
    """The worker died before it had asked the warehouse, or after it. A repetition asks for the same, or there would be two."""

    def dies(*_arguments, **_more):
        raise ConnectionError("the worker is gone")

    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(module, step, dies)
        order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + HOUR, updated_at=at + HOUR)])
    deliver_all()
    row = ChannelOrder.objects.get()
    assert (row.status, row.problem, row.ship_by) == ("imported", "", at + HOUR)
    assert (row.parts.get().order, Order.objects.get().ship_by) == (Order.objects.get(), at + HOUR)


def test_a_ship_by_that_moves_while_the_order_is_tied_is_followed_when_it_is(channel, thing, at, monkeypatch):
    """Whoever was to follow it found no order of ours yet."""
    real = settling.tie

    def tie(*arguments):
        order_book.record(Channel.objects.get(), [sale(thing.code, at, ship_by=at + HOUR, updated_at=at + HOUR)])
        deliver_all()
        assert Order.objects.get().ship_by == at + 48 * HOUR
        return real(*arguments)

    monkeypatch.setattr(settling, "tie", tie)
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    monkeypatch.undo()
    deliver_all()
    assert (Order.objects.get().ship_by, ChannelOrder.objects.get().ship_by) == (at + HOUR, at + HOUR)


def test_so_is_that_of_a_part_which_is_tied_when_the_other_one_is(channel, house, thing, at):
    """That one was adopted meanwhile: the shop had closed its order, and has opened it again."""
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    row = ChannelOrder.objects.get()
    late = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501-P2"))
    part = row.parts.create(number=2, warehouse=house, reference="WOO-501-P2", ship_by=at + 48 * HOUR)
    ChannelOrder.objects.update(ship_by=at + HOUR)
    part.order_id = late.id
    tying.tie(channel, {row: [part]}, {})
    deliver_all()
    assert Order.objects.get(pk=late.id).ship_by == at + HOUR


@pytest.mark.parametrize("status", ["shipped", "cancelled"])
def test_what_is_out_keeps_its_ship_by(channel, thing, at, status):
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    Order.objects.update(status=status)
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + HOUR, updated_at=at + HOUR)])
    deliver_all()
    assert (Order.objects.get().ship_by, ChannelOrder.objects.get().ship_by) == (at + 48 * HOUR, at + HOUR)


def test_a_word_without_a_ship_by_moves_none(channel, thing, at):
    order_import.import_orders(channel, [sale(thing.code, at, ship_by=at + 48 * HOUR)])
    order_import.import_orders(channel, [sale(thing.code, at, updated_at=at + HOUR)])
    assert not OutboxEvent.objects.filter(topic="ship_by.moved").exists()
    assert (Order.objects.get().ship_by, ChannelOrder.objects.get().ship_by) == (at + 48 * HOUR, at + 48 * HOUR)
