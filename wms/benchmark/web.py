"""Over HTTP: orders POSTed through the real server beside its floor, and scanners on the handheld pages."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wms.benchmark import house

CLIENTS = 4
ORDERS = 300
# One is half a second: a checkpoint or a pause of the disk in a few of them would be the figure.
ROUNDS = 10
TOGETHER = 100
FLOOR_TABLE = "CREATE TABLE benchmark_order (id bigserial PRIMARY KEY, reference text NOT NULL, body jsonb NOT NULL)"


@contextmanager
def server() -> Iterator[int]:
    """The port of a web server that serves this database as `wms up` does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "wms.cli", "web", "--port", str(port)],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "wms.benchmark.settings"},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the benchmark's web server ended")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/api/v1/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the benchmark's web server does not answer")


def payloads(count: int, prefix: str, warehouse: str = "BENCH", skus: int = house.SKUS) -> list[dict[str, Any]]:
    return [
        {
            "reference": order.reference,
            "warehouse": warehouse,
            "ship_by": order.ship_by.isoformat(),
            "ship_to": house.SHIP_TO,
            "lines": [{"sku": code, "quantity": quantity} for code, quantity in order.lines],
        }
        for order in house.orders(count, prefix, skus)
    ]


def bodies(prefix: str) -> list[bytes]:
    return [json.dumps(payload).encode() for payload in payloads(ORDERS, prefix)]


def bulk_bodies(count: int, prefix: str, warehouse: str, skus: int) -> list[bytes]:
    """As many orders in a request as the API commits together."""
    sent = payloads(count, prefix, warehouse, skus)
    return [json.dumps(sent[start : start + TOGETHER]).encode() for start in range(0, len(sent), TOGETHER)]


def at_once(work: Callable[[int], None], count: int) -> float:
    """Seconds until `work` has ended in each of so many threads; it is told the thread's number."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def post_all(port: int, path: str, keys: Sequence[str], sent: list[bytes], good: int) -> float:
    """Seconds that CLIENTS keep-alive connections take to POST all bodies, each waiting for its answer. They take the keys in turn."""
    failures: list[str] = []

    def client(key: str, share: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        for body in share:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != good:
                failures.append(f"{answer.status} {content[:200]!r}")

    taken = at_once(lambda number: client(keys[number % len(keys)], sent[number::CLIENTS]), CLIENTS)
    if failures:
        raise RuntimeError(f"{path}: {len(failures)} of {len(sent)} failed, the first with {failures[0]}")
    return taken


def compare_posts(port: int, key: str, prefix: str) -> dict[str, float]:
    """Requests/s of both endpoints, an order each."""
    ends = {"floor": ("/api/benchmark/orders", 200), "project": ("/api/v1/orders", 201)}
    return _compare(port, [key], ends, ORDERS, lambda side, number: bodies(f"{prefix}{side}{number}"))


def compare_bulk(port: int, keys: Sequence[str], prefix: str, orders: int, *, warehouse: str, skus: int) -> dict[str, float]:
    """Orders/s of both endpoints, a hundred in each request; as many merchants at once as there are keys, each with so many skus."""
    ends = {"floor": ("/api/benchmark/orders/bulk", 200), "project": ("/api/v1/orders/bulk", 200)}
    return _compare(port, keys, ends, orders, lambda side, number: bulk_bodies(orders, f"{prefix}{side}{number}", warehouse, skus))


def _compare(
    port: int, keys: Sequence[str], ends: dict[str, tuple[str, int]], orders: int, sent: Callable[[str, int], list[bytes]]
) -> dict[str, float]:
    """Orders/s of both sides (path and status of each) over rounds that alternate."""
    seconds = dict.fromkeys(ends, 0.0)
    for number in range(-1, ROUNDS):
        for side, (path, good) in ends.items():
            taken = post_all(port, path, keys, sent(side, number), good)
            # The first round warms both up.
            seconds[side] += taken if number >= 0 else 0.0
    rates = {side: round(orders * ROUNDS / taken, 1) for side, taken in seconds.items()}
    return {**rates, "ratio": round(rates["project"] / rates["floor"], 3)}
