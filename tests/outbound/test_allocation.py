"""Who gets what arrives."""

from threading import Thread

import pytest
from django.db import connection

from outbound import allocation, cancellation, orders
from outbound.models import Order
from tests import make
from wms.core import outbox
from wms.core.models import OutboxEvent
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def losing(monkeypatch):
    """The line is read so many orders at a time, and this first one of it is cancelled after it was read and before it is locked."""
    by, read = make.user(), allocation._in_line

    def lose(first, *, batch):
        def cancel():
            cancellation.cancel(order_id=first, by=by)
            connection.close()

        def read_and_lose_the_first(*args):
            turns = read(*args)
            if turns and turns[0][1] == first:
                other = Thread(target=cancel)
                other.start()
                other.join()
            return turns

        monkeypatch.setattr(allocation, "_BATCH", batch)
        monkeypatch.setattr(allocation, "_in_line", read_and_lose_the_first)

    return lose


def test_who_stands_behind_orders_that_vanish_from_the_line_is_served(losing):
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    first, second = (orders.accept(merchant=shop, order=make.order(house, {thing: 2})).id for _order in range(2))
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    losing(first, batch=1)
    assert allocation.fill_short(warehouse_id=house.pk, sku_ids={thing.pk}) == 1
    assert dict(Order.objects.values_list("pk", "status")) == {first: "cancelled", second: "ready"}
    assert list(drifts()) == []


def test_a_new_order_passes_nobody_in_a_line_that_is_longer_than_one_look(monkeypatch):
    """Goods arrive, and before a worker has handed them out the next order comes in."""
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    waiting = [orders.accept(merchant=shop, order=make.order(house, {thing: 1})).id for _order in range(3)]
    monkeypatch.setattr(allocation, "_BATCH", 2)
    make.stock(make.bin_of(house, "A-01"), thing, 3)

    late = orders.accept(merchant=shop, order=make.order(house, {thing: 1}))

    assert late.status == "short"
    assert sorted(Order.objects.filter(status="ready").values_list("pk", flat=True)) == waiting[:2]
    while outbox.deliver("outbound.allocation.fill_arrived"):
        pass
    assert sorted(Order.objects.filter(status="ready").values_list("pk", flat=True)) == waiting
    assert list(drifts()) == []


def test_nor_where_one_of_those_that_were_looked_at_vanishes(losing):
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    first, second, third = (orders.accept(merchant=shop, order=make.order(house, {thing: 1})).id for _order in range(3))
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    losing(first, batch=2)

    late = orders.accept(merchant=shop, order=make.order(house, {thing: 1}))

    while outbox.deliver("outbound.allocation.fill_arrived"):
        pass
    assert dict(Order.objects.values_list("pk", "status")) == {first: "cancelled", second: "ready", third: "ready", late.id: "short"}
    assert list(drifts()) == []


def test_goods_that_nobody_in_a_long_line_can_use_go_to_the_new_order(monkeypatch):
    shop, house = make.merchant(), make.warehouse()
    thing, missing = make.sku(shop), make.sku(shop)
    for _order in range(2):
        orders.accept(merchant=shop, order=make.order(house, {thing: 1, missing: 1}))
    monkeypatch.setattr(allocation, "_BATCH", 2)
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    OutboxEvent.objects.all().delete()

    late = orders.accept(merchant=shop, order=make.order(house, {thing: 2}))

    assert late.status == "short"
    while outbox.deliver("outbound.allocation.fill_arrived"):
        pass
    assert list(Order.objects.filter(status="ready").values_list("pk", flat=True)) == [late.id]
    assert list(drifts()) == []
