"""What the loopback shop knows: goods by location, orders with their fulfilment orders, subscriptions. The merchant's and buyers' side."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

HERE, ELSEWHERE = 71, 72
SCOPES = (
    "write_products", "write_inventory", "write_orders", "read_locations",
    "write_merchant_managed_fulfillment_orders", "read_assigned_fulfillment_orders", "write_assigned_fulfillment_orders",
)  # fmt: skip
ADDRESS = {
    "name": "Grace Hopper",
    "firstName": "Grace",
    "lastName": "Hopper",
    "company": None,
    "address1": "1 Cobol Street",
    "address2": None,
    "city": "Arlington",
    "province": "Virginia",
    "provinceCode": "VA",
    "zip": "22201",
    "countryCodeV2": "US",
    "phone": "+1 703 555 0100",
}

Record = dict[str, Any]


class Books:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.locations = {HERE: "Main street", ELSEWHERE: "Harbour"}
        self.scopes = [*SCOPES]
        self.items: dict[int, Record] = {}
        self.orders: dict[int, Record] = {}
        self.subscriptions: dict[int, Record] = {}
        self.pushes: dict[str, tuple[Any, Any]] = {}
        self._numbers = count(1001)

    # Goods

    def add_product(self, *, sku: str, quantity: int | None = 0, title: str = "Mug", option: str = "Default Title", **more: Any) -> int:
        """A variant with one inventory item; `quantity` None: not counted. Answers the item's number, which is the listing's id."""
        item_id = next(self._numbers)
        levels = {HERE: quantity or 0}
        self.items[item_id] = {
            "sku": sku, "title": title, "option": option, "tracked": quantity is not None, "levels": levels,
            "status": "ACTIVE", "barcode": None, "url": None, **more,
        }  # fmt: skip
        return item_id

    def by_sku(self, sku: str) -> int:
        return next(item_id for item_id, item in self.items.items() if item["sku"] == sku)

    def stock(self, location: int = HERE) -> dict[str, int]:
        return {item["sku"]: item["levels"][location] for item in self.items.values() if location in item["levels"]}

    # Orders

    def place_order(self, lines: list[tuple[str, int]], *, location: int = HERE, **more: Any) -> int:
        """Paid and ready. The units leave what is available at the location at once."""
        with self.lock:
            order_id = next(self._numbers)
            now = self.clock()
            order = self.orders[order_id] = {
                "name": f"#{order_id}", "created": now, "updated": now, "cancelled": None, "financial": "PAID", "address": dict(ADDRESS),
                "email": "grace@example.com", "phone": None, "note": None, "shipping": "Standard", "fulfilments": [], "work": [],
                "lines": {}, **more,
            }  # fmt: skip
            self._add_work(order, [self._add_line(order, sku, quantity, location) for sku, quantity in lines], location)
            return order_id

    def _add_line(self, order: Record, sku: str, quantity: int, location: int) -> int:
        line_id = next(self._numbers)
        item_id = self.by_sku(sku)
        self.items[item_id]["levels"][location] = self.items[item_id]["levels"].get(location, 0) - quantity
        order["lines"][line_id] = {"item": item_id, "current": quantity, "unfulfilled": quantity, "price": f"{quantity * 5}.00"}
        return line_id

    def _add_work(self, order: Record, line_ids: list[int], location: int) -> Record:
        lines = [
            {
                "id": next(self._numbers),
                "line": key,
                "total": order["lines"][key]["unfulfilled"],
                "left": order["lines"][key]["unfulfilled"],
            }
            for key in line_ids
        ]
        work = {
            "id": next(self._numbers), "location": location, "status": "OPEN", "request": "UNSUBMITTED", "at": order["created"],
            "by": None, "updated": self.clock(), "method": "SHIPPING", "lines": lines,
        }  # fmt: skip
        order["work"].append(work)
        return work

    def work(self, order_id: int, number: int = 0) -> Record:
        work: Record = self.orders[order_id]["work"][number]
        return work

    def work_by_id(self, work_id: int) -> tuple[Record, Record] | None:
        found = ((order, work) for order in self.orders.values() for work in order["work"] if work["id"] == work_id)
        return next(found, None)

    def touch(self, order_id: int, **changes: Any) -> None:
        self.orders[order_id] |= {"updated": self.clock(), **changes}

    def change_work(self, order_id: int, number: int = 0, **changes: Any) -> None:
        """A hold, a move, a request: the order itself keeps its date."""
        self.work(order_id, number).update({"updated": self.clock(), **changes})

    def add_to_order(self, order_id: int, sku: str, quantity: int) -> None:
        """The merchant edits the order: a new line in a new fulfilment order."""
        order = self.orders[order_id]
        self._add_work(order, [self._add_line(order, sku, quantity, HERE)], HERE)
        self.touch(order_id)

    def refund(self, order_id: int, sku: str, quantity: int) -> None:
        """Unshipped units are given back: less remains, though the part's total stays."""
        order = self.orders[order_id]
        for work in order["work"]:
            for part in work["lines"]:
                line = order["lines"][part["line"]]
                if self.items[line["item"]]["sku"] == sku and part["left"]:
                    part["left"] -= quantity
                    line["current"] -= quantity
                    line["unfulfilled"] -= quantity
            if not any(part["left"] for part in work["lines"]):
                work["status"] = "CLOSED"
        self.touch(order_id, financial="PARTIALLY_REFUNDED")

    def return_all(self, order_id: int) -> None:
        """After it was shipped all came back and was paid back."""
        for line in self.orders[order_id]["lines"].values():
            line["current"] = 0
        self.touch(order_id, financial="REFUNDED")

    def split(self, order_id: int, location: int) -> None:
        """The last line of the order's first fulfilment order goes to another location."""
        work = self.work(order_id)
        line = work["lines"].pop()
        self._add_work(self.orders[order_id], [line["line"]], location)

    def fulfil(self, order_id: int, parts: list[tuple[int, int, int]], tracking: Record | None = None) -> Record:
        """`parts`: (work id, its line's id, units)."""
        order = self.orders[order_id]
        for work_id, part_id, quantity in parts:
            work = next(work for work in order["work"] if work["id"] == work_id)
            part = next(part for part in work["lines"] if part["id"] == part_id)
            part["left"] -= quantity
            order["lines"][part["line"]]["unfulfilled"] -= quantity
            if not any(line["left"] for line in work["lines"]):
                work["status"] = "CLOSED"
            work["updated"] = self.clock()
        made = {"id": next(self._numbers), "status": "SUCCESS", "tracking": [tracking] if tracking else [], "parts": parts}
        order["fulfilments"].append(made)
        self.touch(order_id)
        return made

    def fulfil_by_hand(self, order_id: int, tracking: Record | None = None) -> Record:
        parts = [(work["id"], line["id"], line["left"]) for work in self.orders[order_id]["work"] for line in work["lines"] if line["left"]]
        return self.fulfil(order_id, parts, tracking)

    def cancel(self, order_id: int) -> None:
        for work in self.orders[order_id]["work"]:
            work.update(status="CANCELLED")
        for line in self.orders[order_id]["lines"].values():
            line.update(current=0, unfulfilled=0)
        self.touch(order_id, cancelled=self.clock())

    def told(self, order_id: int) -> list[Record]:
        """The tracking that the buyer sees."""
        return [info for made in self.orders[order_id]["fulfilments"] for info in made["tracking"]]


def utc(value: datetime | None) -> str | None:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


SECOND = timedelta(seconds=1)
