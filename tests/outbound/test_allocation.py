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


def test_who_stands_behind_orders_that_vanish_from_the_line_is_served(monkeypatch):
    """The first of the line is cancelled after the line was read and before it is locked."""
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    thing = make.sku(shop)
    first, second = (orders.accept(merchant=shop, order=make.order(house, {thing: 2})).id for _order in range(2))
    make.stock(make.bin_of(house, "A-01"), thing, 5)
    read = allocation._in_line

    def cancel():
        cancellation.cancel(order_id=first, by=by)
        connection.close()

    def read_and_lose_the_first(*args):
        turns = read(*args)
        if [order_id for _ship_by, order_id in turns] == [first]:
            other = Thread(target=cancel)
            other.start()
            other.join()
        return turns

    monkeypatch.setattr(allocation, "BATCH", 1)
    monkeypatch.setattr(allocation, "_in_line", read_and_lose_the_first)
    assert allocation.fill_short(warehouse_id=house.pk, sku_ids={thing.pk}) == 1
    assert dict(Order.objects.values_list("pk", "status")) == {first: "cancelled", second: "ready"}
    assert list(drifts()) == []


def test_a_new_order_passes_nobody_in_a_line_that_is_longer_than_one_look(monkeypatch):
    """Goods arrive, and before a worker has handed them out the next order comes in."""
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    waiting = [orders.accept(merchant=shop, order=make.order(house, {thing: 1})).id for _order in range(3)]
    monkeypatch.setattr(allocation, "BATCH", 2)
    make.stock(make.bin_of(house, "A-01"), thing, 3)

    late = orders.accept(merchant=shop, order=make.order(house, {thing: 1}))

    assert late.status == "short"
    assert sorted(Order.objects.filter(status="ready").values_list("pk", flat=True)) == waiting[:2]
    while outbox.deliver("outbound.allocation.fill_arrived"):
        pass
    assert sorted(Order.objects.filter(status="ready").values_list("pk", flat=True)) == waiting
    assert list(drifts()) == []


def test_goods_that_nobody_in_a_long_line_can_use_go_to_the_new_order(monkeypatch):
    shop, house = make.merchant(), make.warehouse()
    thing, missing = make.sku(shop), make.sku(shop)
    for _order in range(2):
        orders.accept(merchant=shop, order=make.order(house, {thing: 1, missing: 1}))
    monkeypatch.setattr(allocation, "BATCH", 2)
    make.stock(make.bin_of(house, "A-01"), thing, 2)
    OutboxEvent.objects.all().delete()

    late = orders.accept(merchant=shop, order=make.order(house, {thing: 2}))

    assert late.status == "short"
    while outbox.deliver("outbound.allocation.fill_arrived"):
        pass
    assert list(Order.objects.filter(status="ready").values_list("pk", flat=True)) == [late.id]
    assert list(drifts()) == []
