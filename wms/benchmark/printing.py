"""How long a packer waits for the paper: from closing a parcel to the last byte at a printer, through a real worker and a real socket.

A process of its own, whose DATABASE_URL is a database of its own; the broker's number in BROKER_URL is one that no other worker listens to.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

from wms.servers.supervisor import WORKER_OPTIONS

PARCELS = 100
WARM_UP = 5
# A packer needs longer than this for a parcel; the worker is at rest again when the next one is closed.
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 30.0


class Printer:
    """A raw TCP printer on loopback that notes when each document was whole."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"raw://127.0.0.1:{self._server.getsockname()[1]}"
        self._ended: list[tuple[float, int]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            line, _peer = self._server.accept()
            with line:
                size, last = 0, 0.0
                while part := line.recv(1 << 16):
                    size, last = size + len(part), time.perf_counter()
            with self._news:
                self._ended.append((last, size))
                self._news.notify_all()

    def wait_for(self, count: int) -> tuple[float, int]:
        """When the count-th document was whole (time.perf_counter), and its bytes. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._ended) >= count, PATIENCE_SECONDS):
                raise TimeoutError(f"only {len(self._ended)} of {count} documents were printed")
            return self._ended[count - 1]


@contextlib.contextmanager
def worker(*, beat: bool = False) -> Iterator[None]:
    """A Celery worker as `wms up` starts it, with or without the clock."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        clock = ["--beat", "--schedule", str(Path(folder) / "beat")] if beat else []
        command = [sys.executable, "-m", "celery", "--app", "wms.celery", "worker", "--loglevel", "ERROR"]
        process = subprocess.Popen(
            [*command, *WORKER_OPTIONS, *clock],
            env={**os.environ, "WMS_WORKER_READY_FILE": str(ready)},
            stdout=sys.stderr,
        )
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not ready.exists():
                if time.monotonic() > until or process.poll() is not None:
                    raise TimeoutError("the worker did not start")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def measure(parcels: int = PARCELS) -> dict[str, Any]:
    """print_p50_ms and print_p95_ms of the label, and of the label with the slip on a second printer."""
    from labels.models import Printer as PrinterRow
    from labels.models import PrintJob, Route, Station
    from outbound import packing
    from wms.celery import app
    from wms.core.models import User

    orders, house, by = _picked(parcels + WARM_UP), _house(), User.objects.get(username="bench-packer")
    machines = {"parcel": Printer(), "slip": Printer()}
    station = Station.objects.create(warehouse=house, code="PACK-1")
    for kind, machine in machines.items():
        row = PrinterRow.objects.create(warehouse=house, code=f"P-{kind}", way="raw", address=machine.address, format="zpl", media="4x6in")
        Route.objects.create(warehouse=house, station=station, kind=kind, printer=row)
    app.control.purge()
    label, both, size = [], [], 0
    with worker():
        for number, order_id in enumerate(orders, 1):
            began = time.perf_counter()
            packing.pack(order_id=order_id, by=by, weight_g=500, station_id=station.pk)
            ended, size = machines["parcel"].wait_for(number)
            last = max(ended, machines["slip"].wait_for(number)[0])
            if number > WARM_UP:
                label.append((ended - began) * 1000)
                both.append((last - began) * 1000)
            time.sleep(PAUSE_SECONDS)
        time.sleep(0.5)
    states = set(PrintJob.objects.values_list("status", flat=True))
    if states != {"printed"} or PrintJob.objects.count() != 2 * len(orders):
        raise RuntimeError(f"{PrintJob.objects.count()} jobs for {len(orders)} parcels: {states}")
    return {
        "parcels": parcels,
        "label_bytes": size,
        "print_p50_ms": round(statistics.median(label), 1),
        "print_p95_ms": round(_p95(label), 1),
        "label_and_slip_p95_ms": round(_p95(both), 1),
    }


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _house() -> Any:
    from inventory.models import Warehouse

    return Warehouse.objects.get(code="BENCH-PRINT")


def _picked(count: int) -> list[int]:
    """Orders in their totes, ready to be packed."""
    from django.db import transaction

    from inventory import ledger
    from inventory.models import Bin, BinKind, Reason, Sku, Warehouse
    from inventory.warehouses import equip
    from outbound import orders, picking, waves
    from outbound.models import PickTask
    from outbound.orders import NewLine, NewOrder
    from wms.benchmark.house import SHIP_TO
    from wms.core.models import Merchant, User

    merchant = Merchant.objects.create(code="BENCH-PRINT", name="Benchmark")
    by = User.objects.create_user("bench-packer", is_floor=True)
    house = Warehouse.objects.create(code="BENCH-PRINT", name="Benchmark", country="GB", address="1 Dock Road\nLondon")
    equip(house)
    shelf = Bin.objects.create(warehouse=house, code="A-01", walking_sequence=1)
    Bin.objects.bulk_create(Bin(warehouse=house, code=f"T-{number:05}", kind=BinKind.TOTE) for number in range(count))
    skus = Sku.objects.bulk_create(
        Sku(merchant=merchant, code=f"SKU-{number}", name=f"Thing {number}", weight_g=200) for number in range(3)
    )
    with transaction.atomic():
        legs = [ledger.Leg(ledger.Place(shelf.pk, sku.pk), 10 * count) for sku in skus]
        ledger.post(warehouse_id=house.pk, legs=legs, reason=Reason.RECEIPT, document="benchmark", by=None)
    accepted = [
        orders.accept(
            merchant=merchant,
            order=NewOrder(
                reference=f"PRINT-{number}", warehouse=house.code, ship_to=SHIP_TO, lines=[NewLine(sku.code, 2) for sku in skus]
            ),
        ).id
        for number in range(count)
    ]
    for start in range(0, count, waves.WAVE_MAX):
        waves.release(warehouse_id=house.pk, by=by, order_ids=accepted[start : start + waves.WAVE_MAX])
    for number, order_id in enumerate(accepted):
        for task_id in PickTask.objects.filter(order=order_id, status="open").order_by("pk").values_list("pk", flat=True):
            picking.pick(task_id=task_id, tote_code=f"T-{number:05}", by=by)
    return accepted


def main() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    sys.stdout.write(json.dumps(measure()) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")
    django.setup()
    main()
