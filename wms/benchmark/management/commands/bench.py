"""`wms bench`: makes a database of its own beside the project's, on the same server, measures there, and drops it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from wms.benchmark import labels
from wms.servers import archive

OWN_NUMBER, ELSE_NUMBER = "9", "8"
STAGES = ("accept", "release", "pick", "pack", "ship", "all")


class Command(BaseCommand):
    help = (
        "Measure the project's commands beside a raw psycopg2 script that writes the same rows (the floor), in one run. "
        "`bench labels`: the labels beside a bare reportlab canvas, and how long a packer waits for the paper. "
        "`bench sync`: how soon shops hear of a change, publishing and bulk intake beside their floors, and how soon webhooks are answered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=("orders", "labels", "sync"), default="orders")
        parser.add_argument("--json", metavar="OUT", help="write all figures to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        figures = self._measure({"orders": "wms.benchmark.run", "labels": "wms.benchmark.printing", "sync": "wms.benchmark.sync"}[what])
        if what == "labels":
            figures = labels.measure() | figures
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(figures, indent=2) + "\n")
        {"orders": self._print, "labels": self._print_labels, "sync": self._print_sync}[what](figures)

    def _print_sync(self, figures: dict[str, Any]) -> None:
        self.stdout.write(f"durable: fsync {figures['durable']['fsync']}, synchronous_commit {figures['durable']['synchronous_commit']}")
        columns = ("changes_per_s", "reached", "p50_ms", "p95_ms", "max_ms", "wanted", "pushes", "calls", "load_average")
        self.stdout.write(f"{'changes/s':<12}" + "".join(f"{column:>15}" for column in columns))
        for rate, row in figures["rates"].items():
            self.stdout.write(f"{rate:<12}" + "".join(f"{row[column]!s:>15}" for column in columns))
        for name, unit in (("publish", "listings/s"), ("intake", "orders/s")):
            row = figures[name]
            self.stdout.write(f"{name}_ratio {row['ratio']} ({unit}: floor {row['floor']}, project {row['project']})")
        row = figures["webhooks"]
        times = ", ".join(f"{name} {row[name]}" for name in ("p50_ms", "p95_ms", "max_ms", "reached", "per_s"))
        self.stdout.write(f"webhooks {times} ({row['deliveries']} over {row['connections']} connections)")

    def _print_labels(self, figures: dict[str, Any]) -> None:
        self.stdout.write(f"{'labels/s':<12}{'project':>10}{'floor':>10}{'ratio':>10}{'zpl':>10}")
        for kind, row in figures["labels"].items():
            cells = "".join(f"{row[side]:>10}" for side in ("project", "floor", "ratio"))
            self.stdout.write(f"{kind:<12}{cells}{row.get('zpl', ''):>10}")
        for name in ("sku_ratio", "parcel_ratio", "print_p95_ms"):
            self.stdout.write(f"{name} {figures[name]}")

    def _measure(self, module: str) -> dict[str, Any]:
        name = f"wms_bench_{os.getpid()}"
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            done = subprocess.run([sys.executable, "-m", module], env=_environment(name), stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise CommandError("the benchmark failed: see above")
            figures: dict[str, Any] = json.loads(done.stdout)
            return figures
        finally:
            archive.drop(name)

    def _print(self, figures: dict[str, Any]) -> None:
        self.stdout.write(f"durable: fsync {figures['durable']['fsync']}, synchronous_commit {figures['durable']['synchronous_commit']}")
        self.stdout.write(f"{'orders/s':<22}" + "".join(f"{stage:>10}" for stage in STAGES))
        for title, part in (("1 process", "single_1"), ("4 processes", "single_4"), ("bulk", "bulk")):
            for side in ("floor", "project", "ratio"):
                cells = "".join(f"{figures[part][side].get(stage, ''):>10}" for stage in STAGES)
                self.stdout.write(f"{title + ' ' + side:<22}{cells}")
        fight = figures["contention"]
        self.stdout.write(
            f"{fight['processes']} processes, {fight['orders']} orders for {fight['stock']} units of one sku: {fight['won']} won, "
            f"oversold {fight['oversold']}, deadlocks {fight['deadlocks']}, drift {fight['drift']}; {fight['orders_per_s']} orders/s"
        )
        web, scans = figures["http"], figures["scanners"]
        self.stdout.write(f"POSTed orders/s: floor {web['floor']}, project {web['project']}, ratio {web['ratio']}")
        self.stdout.write(f"scans: {scans['scans']} by {scans['scanners']} scanners, p50 {scans['p50_ms']} ms, p95 {scans['p95_ms']} ms")
        for name in ("ratio_single_1", "ratio_single_4", "ratio_bulk_accept", "ratio_bulk_release", "ratio_http_post", "scan_p95_ms"):
            self.stdout.write(f"{name} {figures[name]}")


def _environment(database: str) -> dict[str, str]:
    """The command's own, with the other database and another broker number."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{database}")),
        "BROKER_URL": other_number(settings.BROKER_URL),
        "WMS_LOG_LEVEL": "ERROR",
        "WMS_ALLOWED_HOSTS": "*",
        "WMS_ENV": "development",
    }


def other_number(broker_url: str) -> str:
    """The same Valkey or Redis with a number that no worker listens to: its queue is emptied, and what comes in is done by the benchmark's worker.

    Raises CommandError for any other broker.
    """
    parts = urlsplit(broker_url)
    if parts.scheme == "redis+socket":
        query = dict(parse_qsl(parts.query))
        number = OWN_NUMBER if query.get("virtual_host", "0") != OWN_NUMBER else ELSE_NUMBER
        return f"redis+socket://{parts.path}?{urlencode(query | {'virtual_host': number})}"
    if parts.scheme in ("redis", "rediss"):
        number = OWN_NUMBER if parts.path.strip("/") != OWN_NUMBER else ELSE_NUMBER
        return urlunsplit(parts._replace(path=f"/{number}"))
    raise CommandError("The benchmark needs a Valkey or Redis as broker, of which it takes a number that nobody else uses.")
