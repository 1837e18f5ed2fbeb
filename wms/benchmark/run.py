"""One run of the whole benchmark, in a process whose DATABASE_URL is a database of its own beside the project's."""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import django

from wms.benchmark.ground import check_the_books, prepare, say


def run() -> dict[str, Any]:
    """All figures; raises where a run left drift behind."""
    from wms.benchmark import contention, house, job, scanners, web
    from wms.core import access
    from wms.core.models import Merchant

    durable = prepare()
    house.build()
    prefix = uuid.uuid4().hex[:6]
    for side in job.SIDES:
        warm = job.Round(side, f"{prefix}w", 1, 50)
        warm.whole_job()
        warm.end()
    say("one process")
    single_1 = job.compare(f"{prefix}a", processes=1, count=300, rounds=4, work=job.Round.whole_job)
    say("four processes")
    single_4 = job.compare(f"{prefix}b", processes=4, count=125, rounds=4, work=job.Round.whole_job)
    say("in bulk")
    bulk = job.compare(f"{prefix}c", processes=1, count=500, rounds=4, work=job.bulk_round)
    say("four processes that want one sku")
    fight = contention.measure()
    key = access.issue_key(merchant=Merchant.objects.get(code="BENCH"))
    with web.server() as port:
        say("over HTTP")
        posts = web.compare_posts(port, key, prefix)
        say("scanners")
        scans = scanners.measure(port)
    check_the_books()
    return {
        "durable": durable,
        "single_1": single_1,
        "single_4": single_4,
        "bulk": bulk,
        "contention": fight,
        "http": posts,
        "scanners": scans,
        "ratio_single_1": single_1["ratio"]["all"],
        "ratio_single_4": single_4["ratio"]["all"],
        "ratio_bulk_accept": bulk["ratio"]["accept"],
        "ratio_bulk_release": bulk["ratio"]["release"],
        "ratio_http_post": posts["ratio"],
        "scan_p95_ms": scans["p95_ms"],
        "drift": 0,
    }


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(run()) + "\n")
