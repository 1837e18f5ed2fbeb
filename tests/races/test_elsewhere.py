"""Two workers are at one order, each for a channel of its own, and both channels are the same shop: one of them takes it in."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from marketplaces import elsewhere, holding, order_book, order_import, same_shop, settling
from marketplaces.models import Channel, ChannelOrder
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.shops import sale
from tests.marketplaces.woo_shop import WooShop
from tests.races.stop import wait_until


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True])
def test_an_order_is_taken_in_once(together, monkeypatch, guarded):
    thing, house, at, both = make.sku(make.merchant()), make.warehouse(), timezone.now(), threading.Barrier(2)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    lock, taken = elsewhere.lock, elsewhere.taken

    def look_without_locking(channel, keys, _others):
        """The rows of the other channels are read, and not locked."""
        rows, _none = lock(channel, keys, [])
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


# Whoever writes down the younger one of two orders stands still, with its row locked, until somebody waits for what he holds.
_STANDS = """
CREATE FUNCTION tests_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    FOR look IN 1..6000 LOOP
        IF EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))) THEN
            RETURN NEW;
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE 'nobody ever waited';
END $$;
CREATE TRIGGER tests_stand BEFORE UPDATE ON marketplaces_channelorder FOR EACH ROW WHEN (OLD.id = {key}) EXECUTE FUNCTION tests_stand()
"""
_FORGOTTEN = "DROP TRIGGER tests_stand ON marketplaces_channelorder; DROP FUNCTION tests_stand"
_STAND = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')"


def one_stands() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_STAND)
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True])
def test_they_wait_for_each_other_one_after_the_other(together, monkeypatch, guarded):
    """One writes down what the shop says of two orders of his channel, in the order in which they lie in the table; the other one locks both by key."""
    thing, house, at = make.sku(make.merchant()), make.warehouse(), timezone.now()
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    with WooShop() as shop:
        for code in ("ONE", "TWO"):
            shops.connect(shop, thing.merchant, house, name=code, code=code)
    first, second = Channel.objects.select_related("merchant", "user").order_by("pk")
    sold = [sale(thing.code, at, order_id=number, number=number) for number in ("501", "502")]
    order_book.record(first, sold)
    keys = order_book.record(second, sold)
    first.orders.get(external_id="501").save()  # lies behind the other one from now on
    if not guarded:
        monkeypatch.setattr(holding, "hold_all", lambda channels: holding.hold(next(iter(channels)).pk))

    def record_as_they_lie():
        with connection.cursor() as cursor:
            cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")  # PostgreSQL finds rows in the order that it likes
        order_book.record(first, later)

    def settle_then():
        wait_until(one_stands)
        settling.settle(second, keys)

    later = [sale(thing.code, at, order_id=number, number=number, updated_at=at + timedelta(seconds=1)) for number in ("501", "502")]
    with connection.cursor() as cursor:
        cursor.execute(_STANDS.format(key=first.orders.get(external_id="502").pk))
        try:
            answers = together([record_as_they_lie, settle_then])
        finally:
            cursor.execute(_FORGOTTEN)
    deadlocks = [answer for answer in answers if isinstance(answer, OperationalError) and "deadlock" in str(answer)]
    assert (len(deadlocks), [answer for answer in answers if isinstance(answer, Exception) and answer not in deadlocks]) == (
        not guarded,
        [],
    )
    if guarded:
        assert list(second.orders.values_list("status", flat=True)) == ["imported"] * 2
