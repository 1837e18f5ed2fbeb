"""Two workers are at one order, each for a channel of its own, and both channels are the same shop: one of them takes it in."""

import threading
from contextlib import suppress

import pytest
from django.utils import timezone

from marketplaces import elsewhere, order_import, same_shop
from marketplaces.models import Channel, ChannelOrder
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True])
def test_an_order_is_taken_in_once(together, monkeypatch, guarded):
    thing, house, at, both = make.sku(make.merchant()), make.warehouse(), timezone.now(), threading.Barrier(2)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    lock, taken = elsewhere.lock, elsewhere.taken

    def look_without_locking(channel, keys):
        """The rows of the other channels are read, and not locked."""
        rows, _none = lock(channel, keys)
        return rows, list(ChannelOrder.objects.exclude(channel=channel).select_related("channel"))

    def look_together(*known):
        found = taken(*known)
        with suppress(threading.BrokenBarrierError):  # with its guard nobody else looks meanwhile
            both.wait(timeout=1)
        return found

    monkeypatch.setattr(elsewhere, "taken", look_together)
    if not guarded:
        monkeypatch.setattr(same_shop, "may_be", lambda channel: [])
        monkeypatch.setattr(elsewhere, "lock", look_without_locking)
    with WooShop() as shop:
        for code in ("ONE", "TWO"):
            shops.connect(shop, thing.merchant, house, name=code, code=code)
        workers = list(Channel.objects.select_related("merchant", "user"))
        for worker in workers:  # both have heard of it
            with pytest.MonkeyPatch.context() as later:
                later.setattr(order_import, "settle", lambda channel, keys: None)
                order_import.import_orders(worker, [sale(thing.code, at)])
        assert (
            together([lambda worker=worker: order_import.import_orders(worker, [sale(thing.code, at)]) for worker in workers]) == [None] * 2
        )
    found = sorted(ChannelOrder.objects.values_list("status", "problem"))
    assert (Order.objects.count(), found) == ((1, [("imported", ""), ("left", "elsewhere")]) if guarded else (2, [("imported", "")] * 2))
