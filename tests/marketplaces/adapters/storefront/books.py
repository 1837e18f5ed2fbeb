"""What the loopback shop knows: offers with the numbers that it shows, orders, parcels it was told of. The merchant's and buyers' side."""

import threading
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

ADDRESS = {
    "name": "Grace Hopper",
    "line1": "1 Cobol Street",
    "city": "Arlington",
    "region": "VA",
    "postcode": "22201",
    "country": "US",
    "email": "grace@example.com",
}

Record = dict[str, Any]


class Books:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.listings: dict[str, Record] = {}
        # What listings show at each location, of a shop that keeps it.
        self.locations: list[str] = []
        self.there: dict[str, dict[str, int]] = {}
        self.orders: dict[str, Record] = {}
        self.parcels: dict[str, Record] = {}
        self.sequences: dict[str, int] = {}
        self.answered: dict[str, bool] = {}
        self.hooks: set[str] = set()
        self._numbers = count(1001)

    # Goods

    def add_listing(self, *, sku: str, quantity: int | None = 0, **more: Any) -> str:
        listing_id = str(next(self._numbers))
        self.listings[listing_id] = {"id": listing_id, "sku": sku, "title": f"Thing {sku}", "barcode": "", "quantity": quantity, **more}
        self.there[listing_id] = {}
        return listing_id

    def document(self, listing: Record) -> Record:
        there = self.there[listing["id"]]
        return (
            {**listing, "locations": [{"location": key, "quantity": value} for key, value in there.items()]} if self.locations else listing
        )

    def by_sku(self, sku: str) -> Record:
        return next(row for row in self.listings.values() if row["sku"] == sku)

    def stock(self) -> dict[str, int]:
        return {row["sku"]: row["quantity"] for row in self.listings.values()}

    # Orders

    def place_order(self, lines: list[tuple[str, int]], *, state: str = "open", at: str = "", **more: Any) -> str:
        """The units leave what is shown at once, `at` a location where the shop has several."""
        with self.lock:
            order_id, now = str(next(self._numbers)), self.clock().isoformat()
            rows = []
            for sku, quantity in lines:
                listing = self.by_sku(sku)
                listing["quantity"] -= quantity
                if at:
                    self.there[listing["id"]][at] -= quantity
                rows.append(
                    {"id": str(next(self._numbers)), "listing_id": listing["id"], "sku": sku, "title": listing["title"],
                     "quantity": quantity, "shipped": 0, "cancelled": 0, "total": f"{quantity * 5}.00", **({"location": at} if at else {})}
                )  # fmt: skip
            self.orders[order_id] = {
                "id": order_id, "number": f"#{order_id}", "state": state, "placed_at": now, "updated_at": now, "currency": "USD",
                "total": "25.00", "shipping_method": "standard", "note": "", "ship_to": dict(ADDRESS), "lines": rows, **more,
            }  # fmt: skip
            return order_id

    def change(self, order_id: str, *, moves: bool = True, **fields: Any) -> Record:
        """`moves`: its `updated_at` says so, as it should."""
        with self.lock:
            order = self.orders[order_id]
            order.update(fields)
            if moves:
                order["updated_at"] = self.clock().isoformat()
            return order

    def cancel(self, order_id: str, *, phantom: int = 0, **more: Any) -> Record:
        """The units are for sale again, and `phantom` more, which nobody has."""
        with self.lock:
            for line in self.orders[order_id]["lines"]:
                self.listings[line["listing_id"]]["quantity"] += line["quantity"] + phantom
            return self.change(order_id, state="cancelled", **more)

    def note_parcel(self, data: Record) -> None:
        """By the lines: an order is shipped when all of them are."""
        order = self.orders[data["order_id"]]
        left = {line["id"]: line["quantity"] - line["shipped"] - line["cancelled"] for line in order["lines"]}
        units = {line["id"]: line["quantity"] for line in data["lines"]} or ({} if data.get("joins") else left)
        for line in order["lines"]:
            line["shipped"] += units.get(line["id"], 0)
        done = all(line["shipped"] + line["cancelled"] >= line["quantity"] for line in order["lines"])
        self.change(order["id"], state="shipped" if done else order["state"])
        self.parcels.setdefault(data["tracking_number"], data)

    def told(self, order_id: str) -> list[str]:
        return [number for number, parcel in self.parcels.items() if parcel["order_id"] == order_id]
