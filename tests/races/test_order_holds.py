"""A shop says that its buyer wants to cancel while a wave waits for another one's orders: it is not released on the word of before."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplaces import order_import
from outbound import holds, orders, waves
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def overtaken(monkeypatch, together):
    """The wave has found nothing against the order; when it is about to lock it the shop's word comes in. Ends with what went into the wave."""
    stop, at = Stop(), datetime.now(UTC)
    house, by = make.warehouse(), make.user()
    thing = make.sku(make.merchant())
    with WooShop() as shop:
        channel = shops.selling(shop, house, {thing: 10})
        order_import.import_orders(channel, [sale(thing.code, at)])
    doubted = Order.objects.get().pk
    other = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1})).id
    monkeypatch.setattr(waves, "_wanted", stop.before(waves._wanted))
    word = sale(thing.code, at, updated_at=at + timedelta(minutes=1), cancellation_requested=True)

    def release():
        answers = together(
            [lambda: waves.release(warehouse_id=house.pk, by=by), stop.second(lambda: order_import.import_orders(channel, [word]))]
        )
        assert stop.ended.is_set() and answers[1] is None
        released = set(Order.objects.filter(wave=answers[0]["wave_id"]).values_list("pk", flat=True))
        assert other in released
        return doubted in released

    return release


def test_a_word_that_comes_before_the_orders_are_locked_counts(overtaken):
    assert overtaken() is False


def test_without_asking_again_the_order_would_be_released(overtaken, monkeypatch):
    monkeypatch.setattr(holds, "of_orders", lambda _order_ids: {})
    assert overtaken() is True
