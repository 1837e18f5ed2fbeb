"""The merchant's own system: it knows the warehouse through the API alone."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from wms.simulation import addresses
from wms.simulation.calls import Connection, Faults, Reply, Unanswered
from wms.simulation.order_file import FileOrder
from wms.simulation.plan import PlannedAsn
from wms.simulation.timings import Timings

OVER = ("shipped", "carrier_scanned", "delivered", "cancelled")
# Changes that were under way when the last page was read have an older time than it.
OVERLAP = timedelta(minutes=1)


class Refused(Exception):
    """The API refused what should have worked."""


@dataclass(slots=True)
class Board:
    """What the merchant's system knows of its orders, by reference: the API's last answer for each."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, row: dict[str, Any]) -> None:
        """The later word counts; an answer of `accept` has no time and only fills a gap."""
        with self._lock:
            known = self.rows.get(row["reference"])
            if known is None or str(row.get("updated_at", "")) >= str(known.get("updated_at", "")):
                self.rows[row["reference"]] = row

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self.rows.values())

    def row(self, reference: str) -> dict[str, Any] | None:
        with self._lock:
            return self.rows.get(reference)

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.all():
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        return counts


class MerchantSystem:
    """Calls with the merchant's key, from any number of threads: each has a connection of its own."""

    def __init__(self, base_url: str, key: str, warehouse: str, *, faults: Faults, timings: Timings) -> None:
        self.base_url, self.key, self.warehouse = base_url, key, warehouse
        self.faults, self.timings = faults, timings
        self.board = Board()
        self._lines = threading.local()
        self._seen_until: datetime | None = None

    def call(self, method: str, path: str, content: object = None) -> Reply:
        """One call to /api/v1. A write carries an Idempotency-Key, the same one at each repetition. Raises Unanswered."""
        line = getattr(self._lines, "line", None)
        if line is None:
            line = self._lines.line = Connection(self.base_url, self.faults)
        headers = {"Authorization": f"Bearer {self.key}"}
        body = None
        if method != "GET":
            body = b"" if content is None else json.dumps(content).encode()
            headers["Content-Type"] = "application/json"
            headers["Idempotency-Key"] = str(uuid.uuid4())
        return line.send(method, f"/api/v1{path}", body=body, headers=headers)

    def enter_skus(self, names: Mapping[str, str], barcodes: Mapping[str, str], threads: int = 4) -> None:
        """Raises Refused for a sku that is not taken."""

        def enter(code: str) -> None:
            self._expect(
                self.call("POST", "/skus", {"code": code, "name": names[code][:200], "barcodes": [{"code": barcodes[code]}]}), code
            )

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(enter, names))

    def announce(self, asn: PlannedAsn) -> int:
        """Returns the ASN's id."""
        cartons = [{"code": box.code, "lines": [{"sku": sku, "quantity": units} for sku, units in box.lines]} for box in asn.cartons]
        content = {"reference": asn.reference, "warehouse": self.warehouse, "transport": "sea_fcl", "cartons": cartons}
        return int(self._expect(self.call("POST", "/asns", content), asn.reference)["id"])

    def asn(self, asn_id: int) -> dict[str, Any]:
        return self._expect(self.call("GET", f"/asns/{asn_id}"), f"ASN {asn_id}")

    def send(self, orders: Sequence[FileOrder]) -> None:
        """One order by itself or several in bulk; what is refused is an error of the run."""
        rows = [self._as_api(order) for order in orders]
        if len(rows) == 1:
            with self.timings.measure("accept"):
                reply = self.call("POST", "/orders", rows[0])
            if reply.ok:
                self.board.note(reply.json())
            else:
                self.faults.error(f"order {orders[0].reference}: HTTP {reply.status} {reply.text[:300]}")
            return
        with self.timings.measure("accept_bulk"):
            reply = self.call("POST", "/orders/bulk", rows)
        if not reply.ok:
            self.faults.error(f"{len(rows)} orders in bulk: HTTP {reply.status} {reply.text[:300]}")
            return
        for order, answer in zip(orders, reply.json()["items"], strict=True):
            if answer["ok"]:
                self.board.note(answer["order"])
            else:
                self.faults.error(f"order {order.reference}: {answer['error']}")

    def _as_api(self, order: FileOrder) -> dict[str, Any]:
        return {
            "reference": order.reference,
            "warehouse": self.warehouse,
            "ship_to": addresses.ship_to(order.reference, order.country),
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines],
        }

    def cancel(self, order_id: int) -> None:
        """Cancel where it is not too late: 409 is the warehouse's good right."""
        try:
            with self.timings.measure("cancel"):
                reply = self.call("POST", f"/orders/{order_id}/cancel")
        except Unanswered as error:
            self.faults.error(str(error))
            return
        if reply.ok:
            self.board.note(reply.json())
        elif reply.status != 409:
            self.faults.error(f"cancel order {order_id}: HTTP {reply.status} {reply.text[:300]}")

    def catch_up(self, *, everything: bool = False) -> None:
        """Read what changed since the last time into the board."""
        after = None if everything else self._seen_until
        wanted = {"updated_after": (after - OVERLAP).isoformat()} if after else {}
        for row in self._pages("/orders", wanted):
            self.board.note(row)
            changed = datetime.fromisoformat(row["updated_at"])
            self._seen_until = max(self._seen_until or changed, changed)

    def stock(self) -> dict[str, dict[str, int]]:
        """The numbers of this warehouse by sku."""
        return {row["sku"]: row for row in self._pages("/stock", {}) if row["warehouse"] == self.warehouse}

    def _pages(self, path: str, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            query = urlencode({**wanted, "limit": "200", **({"cursor": cursor} if cursor else {})})
            page = self._expect(self.call("GET", f"{path}?{query}"), path)
            yield from page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    def _expect(self, reply: Reply, what: str) -> dict[str, Any]:
        if not reply.ok:
            raise Refused(f"{what}: HTTP {reply.status} {reply.text[:500]}")
        answer: dict[str, Any] = reply.json()
        return answer
