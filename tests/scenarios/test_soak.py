"""Memory over a hundred thousand orders: what a process keeps of each of them would show.

A shop hears of every change of stock and a supervisor releases waves all the while, so that the worker has its share of the work.
"""

import http.client
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from conftest import SERVERS
from tests.live import LiveSystem, eventually
from wms.simulation.calls import Browser, Faults
from wms.simulation.shop import Shop
from wms.simulation.shop_server import Answer, Call
from wms.simulation.supervisor import Supervisor

ORDERS = 100_000
BATCH = 500
SKUS = 50
STOCK = 100_000
# Caches fill and workers are replaced once at the start; after that an order must leave nothing behind.
WARM_UP = 20_000
GROWTH_MB = 40
WAVE_EVERY_S = 2.0
# The shop is told all the while: however fast orders come in, never longer than so from one call to the next, on average.
PUSH_EVERY_S = 2.0


class CountingShop(Shop):
    """Counts the calls that told it numbers of stock."""

    pushes = 0

    def answer(self, call: Call) -> Answer:
        if call.method != "GET" and call.path.startswith("products"):
            self.pushes += 1
        return super().answer(call)


def megabytes(processes: list[psutil.Process]) -> float:
    """Resident: a page that children still share with their parent counts in each of them, or ceasing to share it would look like growth."""
    return sum(process.memory_info().rss for process in processes) / 1_000_000


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_soak_of_a_hundred_thousand_orders(capsys):
    system = LiveSystem(SERVERS.folder.parent / f"soak-{os.getpid()}")
    system.start()
    try:
        key = merchant_with_goods(system)
        with shop_of(system) as (shop, supervisor):
            with waves(supervisor):
                post_orders(system.port, key, 0, WARM_UP)
            at_rest(system)
            before = {role: megabytes(system.role(role)) for role in ("web", "worker")}
            first_pushes, first_waves = shop.pushes, supervisor.waves
            began = time.monotonic()
            with waves(supervisor):
                post_orders(system.port, key, WARM_UP, ORDERS)
            at_rest(system)
            seconds = time.monotonic() - began
            after = {role: megabytes(system.role(role)) for role in ("web", "worker")}
            pushes, released = shop.pushes - first_pushes, supervisor.waves - first_waves

            with capsys.disabled():
                sys.stdout.write(f"\nsoak: {before} MB after {WARM_UP} orders, {after} MB after {ORDERS}")
                sys.stdout.write(
                    f"; in between the shop was told numbers {pushes} times in {seconds:.0f} s and {released} waves were released"
                )
            for role, used in after.items():
                assert used < before[role] + GROWTH_MB, f"{role} grew from {before[role]:.0f} to {used:.0f} MB"
            assert pushes >= seconds / PUSH_EVERY_S
            assert released > 0
            assert supervisor.faults.errors == []
            left = STOCK - ORDERS // SKUS
            assert shop.books.stock() == {f"S{number}": left for number in range(SKUS)}
        assert "drift: 0" in system.wms("verify").stdout
    finally:
        system.remove()


def merchant_with_goods(system: LiveSystem) -> str:
    """Returns the key of the API."""
    system.wms("merchant", "SOAK", "Soak")
    key = system.wms("apikey", "SOAK").stdout.splitlines()[-1]
    stock = system.data / "stock.csv"
    rows = [f"SOAK,DEMO,,S{number},Thing {number},{STOCK},," for number in range(SKUS)]
    stock.write_text("\n".join(["merchant,warehouse,bin,sku,name,quantity,lot,expiry", *rows]) + "\n")
    system.wms("import", "opening-stock", stock)
    return key


@contextmanager
def shop_of(system: LiveSystem) -> Iterator[tuple[CountingShop, Supervisor]]:
    """A shop on loopback that offers every sku, connected by a supervisor who is signed in."""
    faults = Faults()
    browser = Browser(system.address, faults)
    browser.sign_in("/sign-in", {"username": "supervisor", "password": "demo-supervisor"})
    supervisor = Supervisor(browser, "DEMO", faults=faults, chance=random.Random(1))
    with CountingShop() as shop:
        for number in range(SKUS):
            shop.books.add_product(sku=f"S{number}", quantity=0)
        supervisor.connect_shop(
            merchant="SOAK", name="Soak shop", code="SHOP", url=shop.url, key=shop.consumer_key, secret=shop.consumer_secret
        )
        yield shop, supervisor


@contextmanager
def waves(supervisor: Supervisor) -> Iterator[None]:
    """The supervisor releases one now and then."""
    over = threading.Event()

    def release() -> None:
        while not over.wait(WAVE_EVERY_S):
            supervisor.release()

    thread = threading.Thread(target=release)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def at_rest(system: LiveSystem) -> None:
    assert eventually(lambda: not pending(system), 120), pending(system)


def pending(system: LiveSystem) -> str:
    """What the outbox still has to tell, with what went wrong; empty where that is nothing."""
    code = (
        "from wms.core.models import OutboxEvent;"
        "waiting = OutboxEvent.objects.filter(dead_at=None).order_by('id')[:20];"
        "print([(e.handler, e.attempts, str(e.due_at), str(e.lease_until), e.last_error[-300:]) for e in waiting] or '')"
    )
    return system.wms("shell", "--no-imports", "-c", code).stdout.strip()


def post_orders(port: int, key: str, first: int, last: int) -> None:
    failures: list[str] = []
    threads = [threading.Thread(target=post_share, args=(port, key, range(first + n * BATCH, last, 4 * BATCH), failures)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def post_share(port: int, key: str, starts: range, failures: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    ship_to = {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"}
    for start in starts:
        body = [
            {"reference": f"S-{n}", "warehouse": "DEMO", "ship_to": ship_to, "lines": [{"sku": f"S{n % SKUS}", "quantity": 1}]}
            for n in range(start, start + BATCH)
        ]
        connection.request("POST", "/api/v1/orders/bulk", json.dumps(body), headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 200 or any(row["status_code"] != 201 for row in content["items"]):
            failures.append(f"{answer.status} {str(content)[:300]}")
            return
