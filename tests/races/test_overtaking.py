"""An order is settled while another worker writes down what its shop says now: both write its row."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from marketplaces import cancelling, holding, order_book, order_import, settling, tying
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState as State
from outbound import cancellation, orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cancel_while_recording(monkeypatch, together):
    """Answers the two outcomes. The shop's news is read beside what is known of the order, and before it is written down ours is cancelled."""
    reading = Stop()
    ending = Stop(ended=reading.reached)
    with WooShop() as shop:
        thing, at = make.sku(make.merchant()), datetime.now(UTC).replace(microsecond=0)
        shops.selling(shop, make.warehouse(), {thing: 10}, code="WOO")

        def worker():
            return Channel.objects.select_related("merchant", "user").get()

        order_import.import_orders(worker(), [sale(thing.code, at)])
        told = [sale(thing.code, at, updated_at=at + timedelta(minutes=1), state=State.CANCELLED)]
        keys = order_book.record(worker(), told)
        monkeypatch.setattr(order_book, "_renew", reading.before(order_book._renew))
        monkeypatch.setattr(cancellation, "cancel", ending.before(cancellation.cancel))
        news = [sale(thing.code, at, updated_at=at + timedelta(minutes=2))]

        def cancel():
            try:
                settling.settle(worker(), keys)
            finally:
                reading.ended.set()

        yield partial(together, [ending.second(partial(order_import.import_orders, worker(), news)), cancel])
        assert reading.ended.is_set()


def found():
    row = ChannelOrder.objects.get()
    return (row.status, row.shop_state), list(Order.objects.order_by("pk").values_list("reference", "status"))


def test_who_cancelled_it_waits_for_the_shops_word_and_takes_it_in_anew(cancel_while_recording):
    assert cancel_while_recording() == [None, None]
    assert found() == (("imported", "open"), [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])


def test_without_the_channels_lock_and_a_mark_on_what_is_being_cancelled_nobody_would_send_it(cancel_while_recording, monkeypatch):
    monkeypatch.setattr(cancelling, "_begin", lambda *_order: True)
    monkeypatch.setattr(cancelling, "hold", lambda channel_id: None)
    assert cancel_while_recording() == [None, None]
    assert found() == (("imported", "open"), [("WOO-501", "cancelled")])


@pytest.fixture
def take_in_while_recording(monkeypatch, together):
    """Answers the two outcomes. The shop says that it is three; when that is read beside what is known of the order, it is taken in.

    `own`: where the merchant has entered another order of that number himself.
    """
    stop = Stop()
    with WooShop() as shop:
        thing, house, at = make.sku(make.merchant()), make.warehouse(), datetime.now(UTC).replace(microsecond=0)
        shops.selling(shop, house, {thing: 10}, code="WOO")

        def worker():
            return Channel.objects.select_related("merchant", "user").get()

        def run(*, own=False):
            if own:
                orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, "WOO-501"))
            keys = order_book.record(worker(), [sale(thing.code, at)])
            if own:
                settling._plan(worker(), keys)  # decided before the shop's next word
            monkeypatch.setattr(order_book, "_renew", stop.before(order_book._renew))
            news = [sale(thing.code, at, updated_at=at + timedelta(minutes=1), quantity=3)]
            take_in = stop.second(lambda: settling.settle(worker(), keys))
            return together([partial(order_book.record, worker(), news), take_in])

        yield run
        assert stop.ended.is_set()


def taken():
    row, order = ChannelOrder.objects.get(), Order.objects.get()
    return row.status, row.problem, order.unit_count


def test_what_is_taken_in_is_what_the_shop_says(take_in_while_recording):
    assert take_in_while_recording()[1] is None
    assert taken() == ("imported", "", 3)


def test_without_the_channels_lock_the_shops_word_would_be_lost(take_in_while_recording, monkeypatch):
    monkeypatch.setattr(holding, "hold_all", lambda channels: None)
    monkeypatch.setattr(tying, "hold", lambda channel_id: None)
    assert take_in_while_recording()[1] is None
    assert taken()[1:] == ("", 2)


def test_that_a_number_is_another_orders_is_shown_though_the_shop_speaks_meanwhile(take_in_while_recording):
    assert take_in_while_recording(own=True)[1] is None
    assert taken() == ("imported", "other_content", 1)


def test_without_the_channels_lock_it_would_not_be(take_in_while_recording, monkeypatch):
    monkeypatch.setattr(holding, "hold_all", lambda channels: None)
    monkeypatch.setattr(tying, "hold", lambda channel_id: None)
    assert take_in_while_recording(own=True)[1] is None
    assert taken() == ("seen", "changed", 1)
