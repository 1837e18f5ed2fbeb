"""Processes that fight for one sku: whoever comes too late is told so, nothing is promised twice, and nobody waits for somebody who waits.

The figures are facts of the database, not of the fighters: what is `ready` there, what the ledger has, what PostgreSQL counted.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any

import django

PROCESSES, ORDERS, STOCK = 4, 50, 120
SKU = "CONTENDED"
_BACKENDS_GONE_S = 10.0


def as_shipped() -> None:
    """The fighters run the project as it is."""


def _accept_share(pipe: Pipe, database: str, merchant: str, warehouse: str, numbers: range, change: Callable[[], None], sku: str) -> None:
    """A process: connects, says so, and at the word accepts orders of one unit as fast as it can. Answers the errors it met."""
    django.setup()
    from django.db import DatabaseError, connection

    from outbound import orders
    from wms.benchmark import house
    from wms.core.models import Merchant

    connection.settings_dict["NAME"] = database
    shop = Merchant.objects.get(code=merchant)
    change()
    pipe.send("ready")
    pipe.recv()
    errors = []
    for number in numbers:
        order = orders.NewOrder(f"{sku}-{number}", warehouse, house.SHIP_TO, [orders.NewLine(sku, 1)])
        try:
            orders.accept(merchant=shop, order=order)
        except DatabaseError as error:
            errors.append(str(error))
    connection.close()
    pipe.send(errors)


def fight(
    *,
    merchant: str,
    warehouse: str,
    sku: str = SKU,
    processes: int = PROCESSES,
    orders: int = ORDERS,
    change: Callable[[], None] = as_shipped,
) -> dict[str, Any]:
    """Each process accepts `orders` orders of one unit of a sku that has stock already, all at once; figures of what became of them.

    `change` runs in each process before the word is given. Keys: processes, orders, stock, won, oversold, deadlocks, drift, errors (a
    list of texts), orders_per_s.
    """
    from django.db import connection

    from inventory.models import Availability
    from outbound.models import Order
    from wms.core.verification import drifts

    before = deadlocks()
    context = multiprocessing.get_context("spawn")
    pipes, fighters = [], []
    for number in range(processes):
        ours, theirs = context.Pipe()
        share = range(number * orders, (number + 1) * orders)
        arguments = (theirs, connection.settings_dict["NAME"], merchant, warehouse, share, change, sku)
        fighter = context.Process(target=_accept_share, args=arguments, daemon=True)
        fighter.start()
        # Ours alone hears the end of a process that dies.
        theirs.close()
        pipes.append(ours)
        fighters.append(fighter)
    for pipe in pipes:
        pipe.recv()
    start = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    errors = [error for pipe in pipes for error in pipe.recv()]
    seconds = time.perf_counter() - start
    for fighter in fighters:
        fighter.join(timeout=30)
    _wait_for_counts()
    row = Availability.objects.get(sku__code=sku, sku__merchant__code=merchant, warehouse__code=warehouse)
    won = Order.objects.filter(merchant__code=merchant, reference__startswith=f"{sku}-", status=Order.Status.READY).count()
    return {
        "processes": processes,
        "orders": processes * orders,
        "stock": row.on_hand,
        "won": won,
        "oversold": max(0, won - row.on_hand, row.committed - row.on_hand),
        "deadlocks": deadlocks() - before,
        "drift": len(list(drifts())),
        "errors": errors,
        "orders_per_s": round(processes * orders / seconds, 1),
    }


def deadlocks() -> int:
    """How many PostgreSQL has broken up in this database so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        counted: int = cursor.fetchone()[0]
        return counted


def _wait_for_counts() -> None:
    """A server process hands in what it counted when it ends, a moment after its client."""
    from django.db import connection

    deadline = time.monotonic() + _BACKENDS_GONE_S
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND client_port IS NOT NULL"
    )
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(others)
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.05)


def measure() -> dict[str, Any]:
    """The fight in the house of the benchmark, with stock for three orders of five. Raises where it was not exactly the stock that won."""
    from django.db import transaction

    from inventory import ledger
    from inventory.models import Bin, BinKind, Reason, Sku, Warehouse
    from wms.core.models import Merchant

    warehouse = Warehouse.objects.get(code="BENCH")
    sku = Sku.objects.create(merchant=Merchant.objects.get(code="BENCH"), code=SKU, name="Contended thing")
    place = Bin.objects.filter(warehouse=warehouse, kind=BinKind.STORAGE).order_by("pk")[0]
    with transaction.atomic():
        legs = [ledger.Leg(ledger.Place(place.pk, sku.pk), STOCK)]
        ledger.post(warehouse_id=warehouse.pk, legs=legs, reason=Reason.RECEIPT, document="benchmark", by=None)
    figures = fight(merchant="BENCH", warehouse="BENCH")
    if figures["won"] != STOCK or figures["oversold"] or figures["deadlocks"] or figures["drift"] or figures["errors"]:
        raise RuntimeError(f"contention: {figures}")
    return figures
