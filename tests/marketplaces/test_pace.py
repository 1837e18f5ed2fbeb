"""The bucket of a channel: shared by all workers, filled as the shop says; what is scarce goes to the numbers that fall."""

import threading
import time
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from marketplaces import order_asking, pace
from marketplaces.models import Channel, ChannelPace, Listing
from marketplaces.port import Allowance, Capabilities, Pace
from outbound import orders
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import fail
from wms.core.models import OutboxEvent
from wms.simulation.shop_server import Answer

pytestmark = pytest.mark.django_db(transaction=True)
BATCH = "POST products/batch"
SLOW = Capabilities(batch_size=100, pace=Pace(maximum=10, per_second=0.001, push=1, rows=1, poll=4))


@pytest.fixture
def channel(shop, house, thing):
    return shops.connect(shop, thing.merchant, house)


def time_passes(seconds):
    passed = timedelta(seconds=seconds)
    ChannelPace.objects.update(at=F("at") - passed)
    OutboxEvent.objects.update(due_at=F("due_at") - passed)


def test_before_the_first_answer_the_declared_bucket_counts(channel):
    assert pace.for_push(channel, SLOW, 7)[0] == 7
    row = ChannelPace.objects.get()
    assert (round(row.available), row.maximum, row.per_second) == (3, 10, 0.001)
    granted, _wait = pace.for_push(channel, SLOW, 7)
    assert granted == 3
    granted, wait_s = pace.for_push(channel, SLOW, 7)
    assert granted == 0
    assert wait_s == pytest.approx(7000, rel=0.01), "as long as seven together take"


def test_the_platform_s_word_replaces_the_declared_one(channel):
    pace.for_push(channel, SLOW, 10)
    pace.heard(channel, Allowance(available=5, maximum=40, per_second=0.002, at=timezone.now()))
    assert pace.for_push(channel, SLOW, 5)[0] == 5
    assert pace.for_push(channel, SLOW, 1)[0] == 0
    time_passes(600)
    assert pace.for_push(channel, SLOW, 5)[0] == 1


def test_a_call_too_many_empties_the_bucket_of_a_shop_that_does_not_say_what_is_left(shop, house, thing):
    """Somebody else takes from it, too."""
    channel = shops.selling(shop, house, {thing: 100})
    pace.heard(channel, Allowance(available=50, maximum=50, per_second=0.001, at=timezone.now()))
    shop.misbehave(BATCH, fail(429))
    orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
    shops.deliver_all()
    assert round(ChannelPace.objects.get().available) == 0


def test_a_shop_that_says_nothing_and_declares_nothing_is_asked_freely(channel):
    assert pace.for_push(channel, Capabilities(batch_size=100), 100) == (100, 0.0)
    assert pace.for_poll(channel, Capabilities(batch_size=100)) == 0.0
    assert not ChannelPace.objects.exists()


def test_a_bucket_that_is_lost_begins_as_declared(channel):
    pace.for_push(channel, SLOW, 10)
    ChannelPace.objects.all().delete()
    assert pace.for_push(channel, SLOW, 10)[0] == 10


def test_a_poll_that_was_sent_away_gets_its_share_before_the_next_push(channel):
    pace.for_push(channel, SLOW, 8)
    assert pace.for_poll(channel, SLOW) == pytest.approx(2000, rel=0.01)
    assert pace.for_push(channel, SLOW, 2)[0] == 0, "kept for the poll"
    ChannelPace.objects.update(available=4.5, at=timezone.now())
    assert pace.for_push(channel, SLOW, 1)[0] == 0
    assert pace.for_poll(channel, SLOW) == 0.0
    ChannelPace.objects.update(available=4.5, at=timezone.now())
    assert pace.for_push(channel, SLOW, 9)[0] == 4, "nobody waits any more"


def test_what_goes_another_way_costs_nothing(channel):
    amazon = Capabilities(batch_size=10_000, pace=Pace(maximum=5, per_second=5, bulk=51, poll=0))
    assert pace.for_push(channel, amazon, 51) == (51, 0.0)
    assert pace.for_poll(channel, amazon) == 0.0
    assert not ChannelPace.objects.exists()
    assert pace.for_push(channel, amazon, 50)[0] == 5


def test_the_few_that_are_urgent_do_not_go_that_way(channel):
    amazon = Capabilities(batch_size=10_000, pace=Pace(maximum=5, per_second=5, bulk=51, poll=0))
    assert pace.for_push(channel, amazon, 60, 3) == (3, 0.0)
    assert pace.for_push(channel, amazon, 60, 50)[0] == 2, "as many as are granted"
    assert pace.for_push(channel, amazon, 60, 51) == (60, 0.0), "so many are told as fast together"


class Limited:
    """Answers as a proxy that grants so many calls in a window, and says so; one more gets 429. `passed_s` have passed beside what really has."""

    def __init__(self, limit, window_s):
        self.limit, self.window_s, self.passed_s = limit, window_s, 0.0
        self.opened_at, self.used, self.refused = 0.0, 0, 0
        self.lock = threading.Lock()

    def __call__(self, call, proper):
        with self.lock:
            now = time.monotonic() + self.passed_s
            if now > self.opened_at + self.window_s:
                self.opened_at, self.used = now, 0
            self.used += 1
            left, reset = self.limit - self.used, max(1, round(self.opened_at + self.window_s - now + 0.5))
        if left < 0:
            self.refused += 1
            return Answer(429, {"code": "too_many", "message": "Slow down."}, {"Retry-After": str(reset)})
        answer = proper()
        answer.headers["RateLimit"] = f'"default";r={left};t={reset}'
        return answer


def test_a_shop_that_says_its_limits_never_has_to_refuse(shop, house, thing):
    channel = shops.selling(shop, house, {thing: 100})
    limited = Limited(limit=3, window_s=1.0)
    shop.misbehave(".*", limited, times=10_000)
    for seconds in (*[0.1] * 50, 2.0):
        orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
        shops.deliver_all()
        limited.passed_s += seconds
        time_passes(seconds)
    shops.deliver_all()
    shop.behave()
    assert limited.refused == 0
    assert len(shop.made(BATCH)) > 5
    assert shop.books.stock() == {thing.code: Listing.objects.get().pushed_quantity}
    channel.refresh_from_db()
    assert channel.failures == 0


def test_without_the_bucket_the_same_load_is_refused(shop, house, thing, monkeypatch):
    """What the bucket guards against is real."""
    monkeypatch.setattr(pace, "heard", lambda channel, allowance: None)
    shops.selling(shop, house, {thing: 100})
    limited = Limited(limit=3, window_s=3600.0)
    shop.misbehave(".*", limited, times=10_000)
    for _time in range(5):
        orders.accept(merchant=thing.merchant, order=make.order(house, {thing: 1}))
        shops.deliver_all()
    shop.behave()
    assert limited.refused > 0


def test_what_is_scarce_goes_to_the_numbers_that_fall(shop, house, thing, monkeypatch):
    """Three may be told now: the two that fall, lowest first, and the emptiest of those that rise. The others wait, and are told."""
    skus = [make.sku(thing.merchant, code) for code in ("RISE-9", "FALL-1", "RISE-6", "FALL-4", "RISE-8")]
    channel = shops.selling(shop, house, dict.fromkeys(skus, 5))
    slow = Capabilities(batch_size=100, pace=Pace(maximum=3, per_second=0.01, push=1, rows=1))
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", slow)
    shelf = make.bin_of(house, "A-01")
    for sku, change in zip(skus, (4, -4, 1, -1, 3), strict=True):
        if change > 0:
            make.stock(shelf, sku, change)
        else:
            orders.accept(merchant=sku.merchant, order=make.order(house, {sku: -change}))
    shops.deliver_all()
    assert shop.books.stock() == {"RISE-9": 5, "FALL-1": 1, "RISE-6": 6, "FALL-4": 4, "RISE-8": 5}
    [waiting] = OutboxEvent.objects.filter(topic="channel.stale")
    assert (len(waiting.payload["listing_ids"]), waiting.payload["waits"]) == (2, "tokens")
    make.stock(shelf, skus[0], 1)
    shops.deliver_all()
    pace.heard(channel, Allowance(available=3, maximum=3, per_second=1, at=timezone.now()))
    shops.make_due()
    shops.deliver_all()
    assert shop.books.stock() == {"RISE-9": 10, "FALL-1": 1, "RISE-6": 6, "FALL-4": 4, "RISE-8": 8}
    assert not OutboxEvent.objects.filter(topic="channel.stale").exists()


def test_a_poll_waits_without_calling_and_without_blame(shop, channel, monkeypatch):
    monkeypatch.setattr("marketplaces.adapters.woocommerce.CAPABILITIES", SLOW)
    pace.for_push(channel, SLOW, 10)
    shop.calls.clear()
    order_asking.ask_all()
    shops.deliver_all()
    assert shop.calls == []
    channel.refresh_from_db()
    assert (channel.failures, channel.quiet_until) == (0, None)
    ChannelPace.objects.update(available=10)
    shops.make_due()
    shops.deliver_all()
    assert shop.made("GET orders")
    assert Channel.objects.get().last_poll_at is not None
