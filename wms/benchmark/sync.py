"""How soon shops hear of a change, how fast they are told all, how fast orders come in by the hundred, and how soon webhooks are answered.

A process of its own, whose DATABASE_URL is a database of its own; the broker's number in BROKER_URL is one that no other worker listens to.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import django

from wms.benchmark.changes import Change
from wms.benchmark.ground import check_the_books, prepare, say
from wms.benchmark.storefronts import Storefronts, Told
from wms.benchmark.timetable import Size, Timetable

# The rate, how many changes come in one request, and for how long. A thousand a second are hardly ever a thousand requests.
TIMETABLES = (Timetable(1, 1, 30), Timetable(100, 1, 20), Timetable(1000, 20, 20))
ROUNDS = 3
BULK_ORDERS = 4000


def measure(
    size: Size | None = None,
    timetables: Sequence[Timetable] = TIMETABLES,
    rounds: int = ROUNDS,
    bulk_orders: int = BULK_ORDERS,
    bursts: Sequence[int] | None = None,
) -> dict[str, Any]:
    """All figures; raises where a shop was left with another number than the warehouse's, or heard an older one after a newer one."""
    from wms.benchmark import listings, publishing, storefronts, webhooks
    from wms.benchmark.printing import worker
    from wms.celery import app

    size = size or Size()
    say(f"{size.listings} listings in {size.channels} shops")
    listings.build(size)
    app.control.purge()
    figures: dict[str, Any] = {"channels": size.channels, "listings": size.listings, "skus": size.skus * size.merchants, "rates": {}}
    with storefronts.storefronts(size.channels, size.codes) as shops:
        channels = listings.connect(size, shops)
        with worker(beat=True):
            say("telling all numbers")
            figures["publish"] = publishing.compare(channels, shops, rounds)
            for timetable in timetables:
                say(f"{timetable.per_second} changes/s")
                figures["rates"][str(timetable.per_second)] = _rate(size, timetable, shops)
        publishing.check(channels, shops)
    figures["publish_ratio"] = figures["publish"]["ratio"]
    say("orders by the hundred")
    figures["intake"] = _intake(size, bulk_orders)
    figures["intake_ratio"] = figures["intake"]["ratio"]
    say("webhooks by the thousand")
    figures["webhooks"] = webhooks.measure(size, bursts or webhooks.BURSTS)
    return figures


def _intake(size: Size, orders: int) -> dict[str, float]:
    """Orders/s over HTTP of both sides, several merchants at once, and their ratio."""
    from wms.benchmark import web
    from wms.core import access
    from wms.core.models import Merchant

    merchants = Merchant.objects.order_by("code")[: web.CLIENTS]
    keys = [access.issue_key(merchant=merchant) for merchant in merchants]
    with web.server() as port:
        return web.compare_bulk(port, keys, uuid.uuid4().hex[:8], orders, warehouse="SYNC", skus=size.skus)


def _rate(size: Size, timetable: Timetable, shops: Storefronts) -> dict[str, Any]:
    """Milliseconds from the moment that a change is due to each shop's answer, and what it took to get there."""
    from wms.benchmark import changes, publishing

    shops.told()
    rate, made = changes.make(size, timetable, uuid.uuid4().hex[:8])
    publishing.wait_until_quiet()
    told = shops.told()
    waits = sorted(_waits(size, made, told, shops.first_product))
    late = sorted(change.called - change.due for change in made)
    return {
        "planned": timetable.requests * timetable.together,
        "changes": len(made),
        "changes_per_s": round(rate, 1),
        "reached": rate >= 0.95 * timetable.per_second,
        "called_late_p95_ms": _ms(late, 95),
        "p50_ms": _ms(waits, 50),
        "p95_ms": _ms(waits, 95),
        "max_ms": round(waits[-1] * 1000, 1),
        "wanted": len(waits),
        "pushes": sum(len(batch.numbers) for batch in told),
        "calls": len(told),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _waits(size: Size, made: Sequence[Change], told: Sequence[Told], first_product: int) -> Iterator[float]:
    """Seconds for every change and every shop that lists it. Raises where one was never told, or an older number after a newer one."""
    heard: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for batch in told:
        for product, quantity in batch.numbers:
            heard[batch.shop, product].append((-quantity, batch.at))
    # A number only falls: sorted by it they must stand in the order of time.
    for key, answers in heard.items():
        if answers != sorted(answers):
            raise RuntimeError(f"shop {key[0]} heard an older number of product {key[1]} after a newer one")
    for change in made:
        for shop in range(change.merchant, size.channels, size.merchants):
            answers = heard[shop, first_product + change.sku]
            place = bisect_left(answers, (-change.number, 0.0))
            if place == len(answers):
                raise RuntimeError(f"shop {shop} never heard that {change.number} were left of product {first_product + change.sku}")
            yield answers[place][1] - change.due


def _ms(ordered: Sequence[float], percent: int) -> float:
    cuts = statistics.quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else [ordered[0]] * 99
    return round(cuts[percent - 1] * 1000, 1)


def main() -> None:
    figures = {"durable": prepare()} | measure()
    check_the_books()
    sys.stdout.write(json.dumps(figures | {"drift": 0}) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")
    django.setup()
    main()
