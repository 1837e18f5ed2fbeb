"""The sync benchmark in small: every figure that is asked for is there, and what cannot be true ends it."""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from marketplaces.models import WebhookDelivery
from wms.benchmark import publishing, sync, web, webhooks
from wms.benchmark.changes import Change
from wms.benchmark.storefronts import Told, storefronts
from wms.benchmark.timetable import Size, Timetable

SMALL = Size(channels=4, listings=40)


@pytest.fixture
def environment(transactional_db, monkeypatch) -> Iterator[None]:
    """What the benchmark's own processes are told: this test's database and broker."""
    parts = os.environ["DATABASE_URL"].partition("?")
    url = f"{parts[0].rpartition('/')[0]}/{connection.settings_dict['NAME']}{parts[1]}{parts[2]}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("BROKER_URL", settings.BROKER_URL)
    with connection.cursor() as cursor:
        cursor.execute(web.FLOOR_TABLE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE benchmark_order")


def test_the_figures(environment, monkeypatch):
    figures = sync.measure(SMALL, [Timetable(5, 1, 1), Timetable(100, 10, 1)], rounds=1, bulk_orders=200, bursts=[40, 60])
    assert set(figures) == {"channels", "listings", "skus", "rates", "publish", "publish_ratio", "intake", "intake_ratio", "webhooks"}
    assert (figures["channels"], figures["listings"], figures["skus"]) == (4, 40, 20)
    assert set(figures["rates"]) == {"5", "100"}
    for rate, row in figures["rates"].items():
        # A machine that cannot keep up makes fewer changes than planned.
        assert row["planned"] == int(rate)
        assert 0 < row["changes"] <= row["planned"]
        assert row["wanted"] == 2 * row["changes"]
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["max_ms"]
        assert 0 < row["calls"] <= row["pushes"]
        assert isinstance(row["reached"], bool)
        assert row["changes_per_s"] > 0 <= row["called_late_p95_ms"]
    for name in ("publish", "intake"):
        assert set(figures[name]) == {"floor", "project", "ratio"}
        assert figures[f"{name}_ratio"] == figures[name]["ratio"] > 0
    row = figures["webhooks"]
    assert (row["deliveries"], row["connections"]) == (100, webhooks.CONNECTIONS)
    assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["max_ms"]
    assert row["reached"] == (row["max_ms"] < webhooks.WANTED_MS)
    assert row["per_s"] > 0
    assert WebhookDelivery.objects.count() == 100 + webhooks.WARM_UP


def test_requests_are_due_by_the_timetable_alone():
    timetable = Timetable(per_second=1000, together=20, seconds=2)
    assert timetable.requests == 100
    assert [timetable.due(number) for number in (0, 1, 50)] == [0.0, 0.02, 1.0]


def test_a_wait_ends_with_the_number_of_that_moment_or_a_later_one():
    """Two shops of one merchant sell the second product: one hears of each change, the other of both at once."""
    size = Size(channels=2, listings=4)
    made = [Change(0, 1, 9, due=10.0, called=10.0), Change(0, 1, 7, due=11.0, called=11.5)]
    told = [Told(0, 10.5, [(12, 9)]), Told(1, 11.75, [(11, 10), (12, 7)]), Told(0, 12.0, [(12, 7)])]
    assert list(sync._waits(size, made, told, first_product=11)) == [0.5, 1.75, 1.0, 0.75]


def test_a_shop_that_heard_an_older_number_last_ends_the_benchmark():
    told = [Told(0, 1.0, [(11, 7)]), Told(0, 2.0, [(11, 9)])]
    with pytest.raises(RuntimeError, match="older number"):
        list(sync._waits(Size(2, 2), [], told, first_product=11))


def test_a_change_that_no_shop_heard_of_ends_the_benchmark():
    told = [Told(0, 1.0, [(11, 8)]), Told(1, 1.0, [(11, 7)])]
    with pytest.raises(RuntimeError, match="never heard that 7"):
        list(sync._waits(Size(2, 2), [Change(0, 0, 7, due=0.5, called=0.5)], told, first_product=11))


def test_shops_that_show_other_numbers_end_the_benchmark(environment):
    from wms.benchmark import listings

    listings.build(SMALL)
    with storefronts(SMALL.channels, SMALL.codes) as shops:
        channels = listings.connect(SMALL, shops)
        with pytest.raises(RuntimeError, match="shows None of"):
            publishing.check(channels, shops)
        publishing._send_bare(publishing._batches(channels))
        assert {len(batch.numbers) for batch in shops.told()} == {10}
        publishing.check(channels, shops)
        shops.shown[3, shops.first_product] -= 1
        with pytest.raises(RuntimeError, match=f"shows {listings.UNITS - 1} of {shops.first_product}, not {listings.UNITS}"):
            publishing.check(channels, shops)
