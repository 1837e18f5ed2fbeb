"""A real Celery worker on real Valkey beside the shop: how fast a shop hears, and what a killed worker leaves behind."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from inventory.models import Availability
from marketplaces import channels, order_asking
from marketplaces.models import Channel
from outbound import orders
from outbound.models import Order
from tests import make
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import slow
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.woo_shop import WooShop
from tests.marketplaces.worker import Worker, eventually, quiet
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(tmp_path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def impatient_worker(tmp_path) -> Iterator[Worker]:
    """What a dead worker has claimed is claimed again after seconds."""
    worker = Worker(tmp_path, lease_seconds=6)
    worker.start()
    yield worker
    worker.stop()


def test_a_healthy_shop_hears_at_once_beside_a_dead_one(worker, shop, capsys):
    house, merchant = make.warehouse(), make.merchant()
    thing = make.sku(merchant)
    with WooShop() as dead:
        dead.books.add_product(sku=thing.code)
        sick = shops.connect(dead, merchant, house, name="Dead")
        channels.fetch_listings(channel=sick)
        shops.selling(shop, house, {thing: 1}, name="Well")
        assert eventually(lambda: dead.books.stock() == {thing.code: 1} and quiet())
        dead.misbehave(".*", slow(30), times=100)
        took = []
        for quantity in range(2, 22):
            began = time.monotonic()
            make.stock(make.bin_of(house, "A-01"), thing, 1)
            assert eventually(lambda wanted=quantity: shop.books.stock() == {thing.code: wanted}, 30)
            took.append(time.monotonic() - began)
            time.sleep(0.15)
    took.sort()
    line = f"p50 {took[10] * 1000:.0f} ms, p95 {took[18] * 1000:.0f} ms, max {took[-1] * 1000:.0f} ms"
    with capsys.disabled():
        sys.stdout.write(f" from a stock change to the shop beside a dead one: {line} ")
    assert took[18] < 10


def test_a_worker_killed_between_claim_and_answer_loses_nothing(impatient_worker, shop):
    house, merchant = make.warehouse(), make.merchant()
    thing, other = make.sku(merchant), make.sku(merchant)
    channel = shops.selling(shop, house, {thing: 100, other: 50}, code="WOO")
    assert eventually(quiet)
    shop.misbehave("POST products/batch", slow(4), times=2)
    shop.hooks.repeats = 1
    for _time in range(2):
        asked = len(shop.made("POST products/batch"))
        make.stock(make.bin_of(house, "A-01"), thing, 5)
        assert eventually(lambda before=asked: len(shop.made("POST products/batch")) > before)
        impatient_worker.kill()  # the shop has worked, nobody has heard its answer
        number = shop.books.place_order([(thing.code, 3), (other.code, 1)], shipping=BUYER)
        for delivery in ("one", "one", "two"):
            assert hook(channel, shop.books.order(number), delivery=f"{number}-{delivery}") == 200
        orders.accept(merchant=merchant, order=make.order(house, {other: 2}))
        impatient_worker.start()
        order_asking.ask_all()
        assert eventually(quiet, 90), list(OutboxEvent.objects.values())

    assert Order.objects.filter(reference__startswith="WOO-").count() == 2
    ours = {row.sku.code: row.on_hand - row.committed - row.backordered for row in Availability.objects.select_related("sku")}
    assert ours == {thing.code: 104, other.code: 44}
    assert shop.books.stock() == ours
    assert Channel.objects.get().failures == 0
    assert OutboxEvent.objects.count() == 0


def test_many_changes_at_once_never_leave_an_older_number_in_the_shop(worker, shop):
    house, merchant = make.warehouse(), make.merchant()
    things = [make.sku(merchant) for _ in range(4)]
    shops.selling(shop, house, dict.fromkeys(things, 10))

    def busy(thing):
        try:
            for _time in range(25):
                make.stock(make.bin_of(house, "A-01"), thing, 1)
        finally:
            connection.close()

    threads = [threading.Thread(target=busy, args=[thing]) for thing in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert eventually(quiet, 60)
    assert shop.books.stock() == {thing.code: 35 for thing in things}
