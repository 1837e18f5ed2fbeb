"""A shop says that its buyer wants to cancel while a wave waits for another one's orders, or while a picker is given his walk: nobody goes by the word of
before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from inventory.models import Warehouse
from marketplaces import order_import
from outbound import holds, orders, picking, waves
from outbound.models import Order, PickTask
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import Stop
from wms.core import outbox

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Sold:
    """Two orders that are ready: the shop is about to say that the buyer of `doubted` wants to cancel."""

    house: Warehouse
    doubted: int
    other: int
    speak: Callable[[], None]


@pytest.fixture
def sold() -> Sold:
    at, house, thing = datetime.now(UTC), make.warehouse(), make.sku(make.merchant())
    with WooShop() as shop:
        channel = shops.selling(shop, house, {thing: 10})
        order_import.import_orders(channel, [sale(thing.code, at)])
    doubted = Order.objects.get().pk
    other = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1})).id
    word = sale(thing.code, at, updated_at=at + timedelta(minutes=1), cancellation_requested=True)
    return Sold(house, doubted, other, lambda: order_import.import_orders(channel, [word]))


@pytest.fixture
def overtaken(monkeypatch, together, sold):
    """The wave has found nothing against the order; when it is about to lock it the shop's word comes in. Ends with what went into the wave."""
    stop, house, by = Stop(), sold.house, make.user()
    monkeypatch.setattr(waves, "_wanted", stop.before(waves._wanted))

    def release():
        answers = together([lambda: waves.release(warehouse_id=house.pk, by=by), stop.second(sold.speak)])
        assert stop.ended.is_set() and answers[1] is None
        released = set(Order.objects.filter(wave=answers[0]["wave_id"]).values_list("pk", flat=True))
        assert sold.other in released
        return sold.doubted in released

    return release


def test_a_word_that_comes_before_the_orders_are_locked_counts(overtaken):
    assert overtaken() is False


def test_without_asking_again_the_order_would_be_released(overtaken, monkeypatch):
    monkeypatch.setattr(holds, "of_orders", lambda _order_ids: {})
    assert overtaken() is True


@pytest.fixture
def given(monkeypatch, together, sold):
    """A picker begins, and nothing is found against the order; before he is given it the word comes in, and whoever has it on his walk loses it. Ends
    with whether this one has it.
    """
    stop, house, by = Stop(), sold.house, make.user()
    waves.release(warehouse_id=house.pk, by=by)
    monkeypatch.setattr(holds, "in_warehouse", stop.behind(holds.in_warehouse))

    def speak():
        sold.speak()
        outbox.deliver("outbound.picking.put_aside")

    def claim():
        answers = together([lambda: picking.claim(warehouse_id=house.pk, by=by), stop.second(speak)])
        assert stop.ended.is_set() and answers[1] is None
        mine = set(PickTask.objects.filter(picker=by).values_list("order", flat=True))
        assert sold.other in mine and answers[0] == len(mine)
        return sold.doubted in mine

    return claim


def test_a_word_that_comes_before_the_walk_is_given_counts(given):
    assert given() is False


def test_without_asking_again_the_order_would_be_on_the_walk(given, monkeypatch):
    asked = holds.of_orders
    monkeypatch.setattr(holds, "of_orders", lambda order_ids: {} if PickTask.objects.exclude(picker=None).exists() else asked(order_ids))
    assert given() is True
