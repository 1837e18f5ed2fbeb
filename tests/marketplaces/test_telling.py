"""A shop that is down heaps up no events, and none that waits swallows what it will not tell."""

import threading

import pytest
from django.db import connection, transaction

from marketplaces import stock_sync, telling
from marketplaces.models import ChannelOrder, Listing
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.woo_shop import fail
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel(shop, house, thing, other):
    return shops.selling(shop, house, {thing: 10, other: 10})


def waiting():
    return [event.payload["listing_ids"] for event in OutboxEvent.objects.filter(topic="channel.stale").order_by("pk")]


def key_of(sku):
    return Listing.objects.get(sku=sku).pk


def test_what_changes_while_the_shop_is_down_waits_once_for_each_listing(shop, channel, house, thing, other):
    shop.misbehave("POST products/batch", fail(503), times=2)
    for _round in range(2):
        for sku in (thing, thing, other, thing, other):
            make.stock(make.bin_of(house, "A-01"), sku, 1)
            shops.deliver_all()
        assert waiting() == [[key_of(thing)], [key_of(other)]]
        shops.make_due()
        shops.deliver_all()
    assert (shop.books.stock(), waiting()) == ({thing.code: 16, other.code: 14}, [])


@pytest.mark.parametrize("held", ["lease_until = now() + interval '1 hour'", "lease_until = now() - interval '1 hour'"])
def test_an_event_that_somebody_has_or_may_have_in_hand_swallows_nothing(channel, thing, held):
    stock_sync.tell_all(channel=channel)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_outboxevent SET {held} WHERE topic = 'channel.stale'")
    stock_sync.push_changed([{"warehouse_id": channel.warehouse.pk, "sku_ids": [thing.pk]}])
    assert waiting()[1:] == [[key_of(thing)]]


@pytest.mark.parametrize("state", ["due_at = now() + interval '10 minutes'", "dead_at = now()"])
def test_an_event_that_comes_late_or_never_swallows_nothing(channel, thing, state):
    stock_sync.tell_all(channel=channel)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_outboxevent SET {state} WHERE topic = 'channel.stale'")
    stock_sync.push_changed([{"warehouse_id": channel.warehouse.pk, "sku_ids": [thing.pk]}])
    assert waiting()[1:] == [[key_of(thing)]]


def sell_while_a_worker_looks(channel, sku):
    """Sold in the shop, not yet promised here: 4 units fewer to offer; a worker delivers between our look and our commit."""

    def deliver():
        try:
            taken.append(outbox.deliver(f"marketplaces.stock_sync.push_stale:{channel.pk}"))
        finally:
            connection.close()

    taken = []
    stock_sync.tell_all(channel=channel)
    with transaction.atomic():
        lines = [{"line_id": "1", "listing_id": "", "sku": sku.code, "quantity": 4, "components": [{"sku_id": sku.pk, "units": 1}]}]
        ChannelOrder.objects.create(
            channel=channel, merchant=channel.merchant, external_id="1", status="unmapped", shop_state="open", lines=lines
        )
        stock_sync.stale(channel.pk, [key_of(sku)], "import")
        worker = threading.Thread(target=deliver)
        worker.start()
        worker.join()
    shops.deliver_all()
    return taken


def test_without_the_lock_a_change_is_swallowed(shop, channel, thing, monkeypatch):
    """The race that the lock guards against is real."""
    monkeypatch.setattr(telling, "_LOCK", "")
    assert sell_while_a_worker_looks(channel, thing) == [1]
    assert shop.books.stock()[thing.code] == 10


def test_whoever_claims_an_event_that_took_up_a_change_sees_the_change(shop, channel, thing):
    assert sell_while_a_worker_looks(channel, thing) == [0]
    assert (shop.books.stock()[thing.code], waiting()) == (6, [])
