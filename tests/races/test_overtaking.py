"""An order of ours is cancelled for its shop while another worker writes down that the shop has opened its own again: both write its row."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from marketplaces import order_book, order_import, settling
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState as State
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
    stop = Stop()
    with WooShop() as shop:
        thing, at = make.sku(make.merchant()), datetime.now(UTC).replace(microsecond=0)
        shops.selling(shop, make.warehouse(), {thing: 10}, code="WOO")

        def worker():
            return Channel.objects.select_related("merchant", "user").get()

        order_import.import_orders(worker(), [sale(thing.code, at)])
        told = [sale(thing.code, at, updated_at=at + timedelta(minutes=1), state=State.CANCELLED)]
        keys = order_book.record(worker(), told)
        monkeypatch.setattr(order_book, "_renew", stop.before(order_book._renew))
        news = [sale(thing.code, at, updated_at=at + timedelta(minutes=2))]
        cancel = stop.second(lambda: settling.settle(worker(), keys))
        yield partial(together, [partial(order_import.import_orders, worker(), news), cancel])
        assert stop.ended.is_set()


def found():
    row = ChannelOrder.objects.get()
    return (row.status, row.shop_state), list(Order.objects.order_by("pk").values_list("reference", "status"))


def test_who_cancelled_it_waits_for_the_shops_word_and_takes_it_in_anew(cancel_while_recording):
    assert cancel_while_recording() == [None, None]
    assert found() == (("imported", "open"), [("WOO-501", "cancelled"), ("WOO-501-2", "ready")])


def test_without_the_channels_lock_nobody_would_send_it(cancel_while_recording, monkeypatch):
    monkeypatch.setattr(settling, "hold", lambda channel_id: None)
    assert cancel_while_recording() == [None, None]
    assert found() == (("imported", "open"), [("WOO-501", "cancelled")])
