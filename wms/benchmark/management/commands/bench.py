"""`wms bench`: makes a database of its own beside the project's, on the same server, measures there, and drops it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from wms.benchmark import labels

STAGES = ("accept", "release", "pick", "pack", "ship", "all")


class Command(BaseCommand):
    help = (
        "Measure the project's commands beside a raw psycopg2 script that writes the same rows (the floor), in one run. "
        "`bench labels`: the labels beside a bare reportlab canvas, and how long a packer waits for the paper."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=("orders", "labels"), default="orders")
        parser.add_argument("--json", metavar="OUT", help="write all figures to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        of_labels = options["what"] == "labels"
        figures = labels.measure() | self._measure("wms.benchmark.printing") if of_labels else self._measure("wms.benchmark.run")
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(figures, indent=2) + "\n")
        if of_labels:
            self._print_labels(figures)
        else:
            self._print(figures)

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
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

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
    """The command's own, with the other database, and a broker number of its own that no worker listens to."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    broker = settings.BROKER_URL.replace("virtual_host=0", "virtual_host=9")
    return {
        **os.environ,
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{database}")),
        "BROKER_URL": broker,
        "WMS_LOG_LEVEL": "ERROR",
        "WMS_ALLOWED_HOSTS": "*",
        "WMS_ENV": "development",
    }
