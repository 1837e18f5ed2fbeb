"""Twenty people picking on the handheld pages, a scan each every two seconds."""

from __future__ import annotations

import random
import statistics
import threading
import time

from wms.benchmark import house
from wms.simulation.calls import Browser, Faults
from wms.simulation.handheld import Handheld
from wms.simulation.timings import Timings

SCANNERS = 20
SCANS = 15
EVERY_S = 2.0
ORDERS_EACH = 12
PASSWORD = "bench-bench"
PICK = "/floor/pick"


def measure(port: int) -> dict[str, float]:
    """Milliseconds from the scan to the whole answer: {"scanners", "scans", "p50_ms", "p95_ms"}."""
    _release_work()
    free = iter(_free_totes())
    shares = [[next(free) for _ in range(ORDERS_EACH)] for _ in range(SCANNERS)]
    taken: list[float] = []
    failures: list[str] = []

    def person(number: int) -> None:
        try:
            taken.extend(_scan_for_a_while(port, number, shares[number]))
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=person, args=(number,)) for number in range(SCANNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"scanners failed: {failures[0]}")
    cuts = statistics.quantiles(taken, n=100)
    return {"scanners": SCANNERS, "scans": len(taken), "p50_ms": round(cuts[49], 1), "p95_ms": round(cuts[94], 1)}


def _release_work() -> None:
    from inventory.models import Warehouse
    from outbound import orders, waves
    from wms.core import access
    from wms.core.models import Merchant, User

    given = [house.as_new(order) for order in house.orders(SCANNERS * ORDERS_EACH, "scanners")]
    for start in range(0, len(given), 100):
        orders.accept_many(merchant=Merchant.objects.get(code="BENCH"), orders=given[start : start + 100])
    waves.release(warehouse_id=Warehouse.objects.get(code="BENCH").pk, by=User.objects.get(username="bench"))
    picker = access.ensure_groups()["picker"]
    for number in range(SCANNERS):
        User.objects.create_user(f"scanner{number}", password=PASSWORD, is_floor=True).groups.add(picker)


def _free_totes() -> list[str]:
    from inventory.models import Bin, BinKind

    return list(Bin.objects.filter(kind=BinKind.TOTE).order_by("-pk").values_list("code", flat=True)[: SCANNERS * ORDERS_EACH])


def _scan_for_a_while(port: int, number: int, totes: list[str]) -> list[float]:
    browser = Browser(f"http://127.0.0.1:{port}", Faults())
    browser.sign_in("/sign-in", {"username": f"scanner{number}", "password": PASSWORD})
    browser.get("/floor/warehouse")
    browser.post("/floor/warehouse", {"warehouse": "BENCH"})
    handheld = Handheld(browser, Timings())
    handheld.open(PICK)
    screen = handheld.press("claim")
    taken = []
    # Everybody signs in first, then each begins at a moment of their own.
    begin = time.monotonic() + 5.0 + random.uniform(0, EVERY_S)
    for scan in range(SCANS):
        time.sleep(max(0.0, begin + scan * EVERY_S - time.monotonic()))
        code = {"bin": screen.data.get("bin", ""), "sku": screen.data.get("sku", ""), "tote": totes[0]}[screen.expects]
        if screen.expects == "tote":
            totes.pop(0)
        began = time.perf_counter()
        screen = handheld.scan(code)
        taken.append((time.perf_counter() - began) * 1000)
        if screen.outcome == "error":
            raise RuntimeError(str(screen))
    return taken
