"""What was told to whom, when, upon which event, and what the shop answered."""

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory import counts
from inventory.models import Reason
from marketplaces import push_log, stock_sync, tasks
from marketplaces.models import Listing, StockChange, StockPush
from marketplaces.port import PushResult
from marketplaces.push_log import Answered, Since
from outbound import cancellation, orders
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.woo_shop import fail, row_errors

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"


@pytest.fixture
def channel(shop, house, thing):
    made = shops.selling(shop, house, {thing: 10})
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE marketplaces_stockpush, marketplaces_stockchange")
    return made


def told():
    rows = StockPush.objects.order_by("pk")
    return [(push.quantity, push.before, push.because, push.error) for push in rows]


def test_a_push_says_upon_which_event_and_how_long_it_took(shop, channel, house, thing):
    before = timezone.now()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 4}, reference="R-1"))
    accepted = timezone.now()
    shops.deliver_all()
    answered = timezone.now()

    [push] = StockPush.objects.all()
    assert (push.listing_id, push.quantity, push.before, push.because, push.error) == (Listing.objects.get().pk, 6, 10, "order R-1", "")
    assert before - timedelta(milliseconds=1) <= push.stale_at <= accepted <= push.sent_at <= push.answered_at <= answered


def test_every_kind_of_event_is_named(channel, house, thing):
    shelf = make.bin_of(house, "A-01")
    make.stock(shelf, thing, 1)
    order = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}, reference="R-1"))
    short = orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 100}, reference="R-2"))
    by = make.user()
    for order_id in (order.id, short.id):
        cancellation.cancel(order_id=order_id, by=by)
    counts.count(bin_id=shelf.pk, sku_id=thing.pk, counted=8, by=by)
    shops.deliver_all()
    assert [(change.by, change.because) for change in StockChange.objects.order_by("pk")] == [
        (1, f"{Reason.RECEIPT.value} opening"),
        (-2, "order R-1"),
        (-100, "order R-2"),
        (2, "cancelled R-1"),
        (100, "cancelled R-2"),
        (-3, f"{Reason.ADJUST.value} count A-01"),
    ]


def test_a_number_that_waited_is_stale_since_the_first_change(shop, channel, house, thing):
    shop.misbehave(BATCH, fail(500))
    start = timezone.now()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, reference="R-1"))
    accepted = timezone.now()
    shops.deliver_all()
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 2}, reference="R-2"))
    shops.deliver_all()
    shops.make_due()
    shops.deliver_all()

    assert told() == [(9, 10, "order R-1", "unavailable"), (7, 10, "order R-1", "")]
    failed, done = StockPush.objects.order_by("pk")
    assert failed.stale_at == done.stale_at
    assert start - timedelta(milliseconds=1) <= done.stale_at <= accepted <= failed.answered_at <= done.answered_at
    assert [change.because for change in StockChange.objects.order_by("at")] == ["order R-1", "order R-2"]


def test_what_one_listing_waited_for_is_not_lost_when_it_is_told_again_alone(shop, channel, house, thing):
    shop.misbehave(BATCH, row_errors({shop.books.by_sku(thing.code)["id"]: (503, "busy")}))
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}, reference="R-1"))
    shops.deliver_all()
    shops.make_due()
    shops.deliver_all()
    first, second = StockPush.objects.order_by("pk")
    assert (first.error, second.error, first.because, second.because) == ("unavailable", "", "order R-1", "order R-1")
    assert first.stale_at == second.stale_at
    assert first.message == "busy: No."


def test_telling_all_says_that_nothing_changed(channel):
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    assert told() == [(10, 10, "all", "")]


def test_skus_that_no_shop_sells_leave_no_trace(channel, house):
    make.stock(make.bin_of(house, "A-01"), make.sku(make.merchant()), 5)
    shops.deliver_all()
    assert not StockChange.objects.exists()


def test_the_log_cannot_be_changed(channel):
    stock_sync.tell_all(channel=channel)
    shops.deliver_all()
    for model in (StockPush, StockChange):
        with pytest.raises(DatabaseError, match="append-only"):
            model.objects.update(because="nothing")
    assert told() == [(10, 10, "all", "")]


def answers(count, days_ago=0):
    then = time.time() - timedelta(days=days_ago).total_seconds()
    return [Answered(number, 1, Since(time.time(), "order R-1"), then, then, PushResult(str(number), 2)) for number in range(count)]


def test_a_batch_is_one_statement_for_a_thousand_rows_as_for_one(db):
    for count in (1, 1000):
        with CaptureQueriesContext(connection) as captured:
            push_log.write(answers(count))
        assert len(captured) == 1
    assert StockPush.objects.count() == 1001


def test_old_rows_are_erased_in_batches_and_young_ones_stay(db, settings, monkeypatch):
    now = timezone.now()
    for days, count in ((31, 25), (29, 10)):
        push_log.write(answers(count, days))
        StockChange.objects.create(warehouse_id=1, sku_id=1, at=now - timedelta(days=days), by=-1, because="order R-1")
    monkeypatch.setattr("marketplaces.forgetting.BATCH", 10)
    with CaptureQueriesContext(connection) as captured:
        tasks.erase_old_pushes()
    assert (StockPush.objects.count(), StockChange.objects.count(), len(captured)) == (10, 1, 6)
    settings.KEEP_PUSH_DAYS = 28
    tasks.erase_old_pushes()
    assert (StockPush.objects.count(), StockChange.objects.count()) == (0, 0)


def test_the_clock_erases_them(settings):
    assert "marketplaces.tasks.erase_old_pushes" in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
