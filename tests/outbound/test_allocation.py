"""Who gets what arrives."""

from threading import Thread

import pytest
from django.db import connection

from outbound import allocation, cancellation, orders
from outbound.models import Order
from tests import make
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

    monkeypatch.setattr(allocation, "_BATCH", 1)
    monkeypatch.setattr(allocation, "_in_line", read_and_lose_the_first)
    assert allocation.fill_short(warehouse_id=house.pk, sku_ids={thing.pk}) == 1
    assert dict(Order.objects.values_list("pk", "status")) == {first: "cancelled", second: "ready"}
    assert list(drifts()) == []
