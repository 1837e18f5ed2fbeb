"""Four shops share the goods of one merchant; all of them fail, word of orders is late, lost and repeated, and workers are killed.

No unit is sold twice but by a platform's own delay, in the end all four show the right numbers, each order is here once and each tracking
number there once.
"""

import json
import random
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from inventory.models import Bin, Sku, Warehouse
from marketplaces import numbers, order_import
from marketplaces.models import Channel, ChannelOrder, ToldParcel
from outbound import packing, picking, shipping, waves
from outbound.models import Order, OrderLine, Parcel, PickTask
from tests import make
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.worker import Worker, eventually, quiet
from tests.scenarios.corners import Corner, Sale, delivery_id, four_corners
from wms.core.models import OutboxEvent, User
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)

SEED = 20_261_120
SKUS, UNITS_A_SKU, ORDERS = 200, 22, 2000
DROPPED, REPEATED, LATEST_WORD_S = 0.15, 0.15, 3.0
KILLS, LEASE_S = 4, 20
# From what we know to what a shop shows, where neither it nor a worker was down.
QUICK = timedelta(seconds=5)
# A shop that failed is left alone for a while.
CONVALESCENCE = timedelta(seconds=30)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_four_shops_in_trouble_sell_nothing_twice(tmp_path: Path, shared_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(SEED)
    house, merchant = make.warehouse(), make.merchant()
    things = [make.sku(merchant) for _ in range(SKUS)]
    for thing in things:
        make.stock(make.bin_of(house, "A-01"), thing, UNITS_A_SKU)
    worker = Worker(tmp_path, LEASE_S, {"marketplaces.tasks.poll_orders": 5.0, "marketplaces.tasks.empty_queues": 2.0})
    with four_corners(Contracts(shared_path / "contracts" / "amazon-spapi"), dice) as corners:
        for corner in corners:
            corner.connect(things, house)
        worker.start()
        try:
            assert eventually(lambda: all(set(corner.shown().values()) == {UNITS_A_SKU} for corner in corners), 120)
            with floor(house):
                down = trade(corners, things, worker)
                settle(corners)
        finally:
            worker.stop()
        sales = [(corner, sale) for corner in corners for sale in corner.sales]
        assert len(sales) == ORDERS
        check_orders(corners)
        check_numbers(corners)
        check_tracking(corners)
        assert list(drifts()) == []
        reasons = Counter(why_oversold(corner, sale, order, down) for corner, sale, order in oversold(corners))
    with capsys.disabled():
        sys.stdout.write(f" {len(sales)} orders, oversold: {dict(reasons)}, shops failed {sum(len(c.sick_at) for c in corners)} times ")
    assert reasons["no reason"] == 0, reasons


def trade(corners: list[Corner], things: list[Sku], worker: Worker) -> list[tuple[datetime, datetime]]:
    """All buyers of all shops at once, and workers killed meanwhile; answers from when to when nobody worked."""
    for corner in corners:
        corner.fall_ill()
    threads = [threading.Thread(target=shoppers, args=(corner, things, SEED + place)) for place, corner in enumerate(corners)]
    for thread in threads:
        thread.start()
    down: list[tuple[datetime, datetime]] = []
    while any(thread.is_alive() for thread in threads):
        time.sleep(15)
        if len(down) < KILLS:
            killed_at = datetime.now(UTC)
            worker.kill()
            worker.start()
            # Until it is up, and until what the dead one had in hand is let go.
            down.append((killed_at, datetime.now(UTC) + timedelta(seconds=LEASE_S + 10)))
    for thread in threads:
        thread.join()
    for corner in corners:
        corner.recover()
    assert len(down) == KILLS
    return down


def shoppers(corner: Corner, things: list[Sku], seed: int) -> None:
    """Some goods sell far better than others."""
    dice = random.Random(seed)
    codes = [thing.code for thing in things]
    weights = [1 / (place + 10) for place in range(len(codes))]
    words = []
    while len(corner.sales) < ORDERS // 4:
        lines = [(code, dice.randint(1, 2)) for code in set(dice.choices(codes, weights, k=dice.randint(1, 2)))]
        sale = corner.buy(lines)
        if sale is not None:
            words.append(threading.Thread(target=tell, args=(corner, sale, dice.random(), dice.uniform(0, LATEST_WORD_S))))
            words[-1].start()
            time.sleep(dice.uniform(0.1, 0.3))
    for word in words:
        word.join()


def tell(corner: Corner, sale: Sale, luck: float, wait_s: float) -> None:
    """Late, so that one word overtakes another; or never; or twice."""
    if luck < DROPPED:
        return
    delivery = delivery_id()
    try:
        for _time in range(2 if luck > 1 - REPEATED else 1):
            time.sleep(wait_s)
            corner.say(sale.number, delivery)
    finally:
        connection.close()


@contextmanager
def floor(house: Warehouse) -> Iterator[None]:
    """Somebody releases, picks, packs and ships whatever is ready, until all is done."""
    over, errors = threading.Event(), []
    by = make.user()

    def work() -> None:
        try:
            while not over.wait(0.5):
                ship_all(house, by)
            ship_all(house, by)
        except Exception as error:  # shown by the test
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert errors == []


def ship_all(house: Warehouse, by: User) -> None:
    tote = Bin.objects.get(warehouse=house, code="TOTE-01").code
    waves.release(warehouse_id=house.pk, by=by, request_id=str(uuid.uuid4()))
    for order_id in list(Order.objects.filter(status=Order.Status.RELEASED).order_by("pk").values_list("pk", flat=True)):
        for task_id in PickTask.objects.filter(order=order_id, status=PickTask.Status.OPEN).order_by("pk").values_list("pk", flat=True):
            picking.pick(task_id=task_id, tote_code=tote, by=by, request_id=str(uuid.uuid4()))
        packed = packing.pack(order_id=order_id, by=by, request_id=str(uuid.uuid4()))
        shipping.ship(parcel_id=packed["parcel_id"], by=by, request_id=str(uuid.uuid4()))


def settle(corners: list[Corner]) -> None:
    """All are well again; the safety net has its turn, and everything is told."""

    def done() -> bool:
        shippable = Order.objects.exclude(status__in=[Order.Status.SHIPPED, Order.Status.SHORT]).exists()
        told = ToldParcel.objects.count() == Parcel.objects.count()
        return quiet() and not shippable and told and ChannelOrder.objects.count() == sum(len(corner.sales) for corner in corners)

    for _turn in range(10):
        # A platform that may be asked only now and then is asked now.
        Channel.objects.update(last_poll_at=None, quiet_until=None)
        order_import.ask_all()
        if eventually(done, 30):
            return
    raise AssertionError([*OutboxEvent.objects.values("handler", "attempts", "due_at", "last_error")][:10])


def check_orders(corners: list[Corner]) -> None:
    """Each order is here once, with its own lines."""
    for corner in corners:
        rows = ChannelOrder.objects.filter(channel=corner.channel).select_related("order")
        assert sorted(row.external_id for row in rows) == sorted(sale.number for sale in corner.sales)
        wanted = {sale.number: sorted(sale.lines) for sale in corner.sales}
        lines = defaultdict(list)
        for order_id, code, quantity in OrderLine.objects.values_list("order", "sku__code", "quantity"):
            lines[order_id].append((code, quantity))
        assert {row.external_id: sorted(lines[row.order_id or 0]) for row in rows} == wanted
    assert Order.objects.count() == ORDERS


def check_numbers(corners: list[Corner]) -> None:
    for corner in corners:
        ours = {row.external_id: row.quantity for row in numbers.numbers(corner.channel)}
        codes = dict(corner.channel.listings.values_list("external_id", "sku__code"))
        assert corner.shown() == {codes[key]: quantity for key, quantity in ours.items()}, corner.adapter


def check_tracking(corners: list[Corner]) -> None:
    for corner in corners:
        ours: dict[str, list[str]] = {sale.number: [] for sale in corner.sales}
        for row in ChannelOrder.objects.filter(channel=corner.channel, order__status=Order.Status.SHIPPED):
            ours[row.external_id] = list(Parcel.objects.filter(order=row.order_id).values_list("tracking_number", flat=True))
        assert {sale.number: corner.told(sale.number) for sale in corner.sales} == ours, corner.adapter


def oversold(corners: list[Corner]) -> Iterator[tuple[Corner, Sale, Order]]:
    """Orders that nothing was left for."""
    for corner in corners:
        rows = ChannelOrder.objects.filter(channel=corner.channel, order__status=Order.Status.SHORT).select_related("order")
        short = {row.external_id: row.order for row in rows if row.order is not None}
        yield from ((corner, sale, short[sale.number]) for sale in corner.sales if sale.number in short)


def known(code: str, without: Order) -> tuple[list[datetime], list[int]]:
    """When we knew of how many units of a sku as sold: times, and the sums."""
    times, sums = [], [0]
    lines = OrderLine.objects.filter(sku__code=code).exclude(order=without).order_by("order__created_at")
    for at, quantity in lines.values_list("order__created_at", "quantity"):
        times.append(at)
        sums.append(sums[-1] + quantity)
    return times, sums


def why_oversold(corner: Corner, sale: Sale, order: Order, down: list[tuple[datetime, datetime]]) -> str:
    """Why the shop still offered it when it was ordered there."""
    since = None
    for code, quantity in sale.lines:
        times, sums = known(code, order)
        gone = next((at for at, total in zip(times, sums[1:], strict=True) if total > UNITS_A_SKU - quantity), None)
        if gone is not None and gone < order.created_at:
            since = gone if since is None else min(since, gone)
    assert since is not None, json.dumps(sale.lines)
    if sale.placed_at < since:
        return "another shop told us later than it was ordered here"
    if sale.placed_at < since + QUICK:
        return "ordered while the number was on its way"
    if any(since - CONVALESCENCE < at < sale.placed_at for at in corner.sick_at):
        return "the shop failed when it was told"
    if any(begin < sale.placed_at and since < end for begin, end in down):
        return "a killed worker"
    return "no reason"
