"""What stands in the loopback Amazon: a seller's listings, orders, feeds and subscriptions. The test's own hand writes here too."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

Record = dict[str, Any]

SELLER, HERE, THERE = "A2SELLER", "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ADDRESS = {
    "name": "Grace Hopper",
    "addressLine1": "1 Cobol Street",
    "addressLine2": "Apt 2",
    "city": "Arlington",
    "stateOrRegion": "VA",
    "postalCode": "22201",
    "countryCode": "US",
    "phone": "+1 202 555 0100",
}


class Refusal(Exception):
    """What Amazon says instead of doing it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class Books:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.lock, self.clock = threading.RLock(), clock
        self.listings: dict[str, Record] = {}
        self.orders: dict[str, Record] = {}
        self.documents: dict[str, Record] = {}
        self.feeds: dict[str, Record] = {}
        self.destinations: dict[str, Record] = {}
        self.subscriptions: dict[str, Record] = {}
        self._numbers = count(1)

    def number(self) -> int:
        return next(self._numbers)

    # Listings

    def add_listing(self, sku: str, quantity: int | None = 0, *, by: str = "DEFAULT", title: str = "Mug", **more: Any) -> None:
        made = self.clock() + timedelta(milliseconds=self.number())
        self.listings[sku] = {"sku": sku, "title": title, "quantity": quantity, "by": by, "made": made, "buyable": True, "lead": 2} | more

    def stock(self) -> dict[str, int | None]:
        return {sku: listing["quantity"] for sku, listing in self.listings.items() if listing["by"] == "DEFAULT"}

    def patch(self, sku: str, patches: Sequence[Record]) -> None:
        """Raises Refusal. As Amazon does it: `merge` changes what is named, `replace` forgets all else."""
        listing = self.listings.get(sku)
        if listing is None:
            raise Refusal(400, "InvalidInput", f"SKU {sku} does not exist")
        for patch in patches:
            assert patch["path"] == "/attributes/fulfillment_availability", patch
            (stock,) = patch["value"]
            if not isinstance(stock["quantity"], int) or stock["quantity"] < 0:
                raise Refusal(400, "InvalidInput", "The quantity is no number")
            listing["lead"] = stock.get("lead_time_to_ship_max_days", listing["lead"] if patch["op"] == "merge" else None)
            listing["quantity"], listing["by"] = stock["quantity"], stock["fulfillment_channel_code"]

    # Orders

    def place_order(self, lines: Sequence[tuple[str, int]], *, status: str = "UNSHIPPED", by: str = "MERCHANT", **more: Any) -> str:
        """Somebody buys: Amazon takes the units off what it offers, also while the payment is pending."""
        with self.lock:
            number = f"902-{self.number():07}-{7654321}"
            now = self.clock()
            items = [
                {"id": f"{self.number():014}", "sku": sku, "ordered": units, "shipped": 0, "cancelled": 0, "request": None}
                for sku, units in lines
            ]
            for sku, units in lines:
                if sku in self.listings and self.listings[sku]["quantity"] is not None:
                    self.listings[sku]["quantity"] = max(0, self.listings[sku]["quantity"] - units)
            self.orders[number] = {
                "id": number,
                "placed": now,
                "updated": now,
                "status": status,
                "by": by,
                "items": items,
                "address": ADDRESS,
                "ship_by": now + timedelta(days=2),
                "marketplace": HERE,
                "packages": {},
                "instruction": "",
            } | more
            return number

    def touch(self, number: str, **changes: Any) -> None:
        with self.lock:
            self.orders[number] |= {"updated": self.clock()} | changes

    def pay(self, number: str) -> None:
        self.touch(number, status="UNSHIPPED")

    def ask_to_cancel(self, number: str) -> None:
        with self.lock:
            for item in self.orders[number]["items"]:
                item["request"] = "The buyer changed his mind"
            self.touch(number)

    def cancel(self, number: str, sku: str = "") -> None:
        """All of it, or one item: its units are on sale again."""
        with self.lock:
            order = self.orders[number]
            for item in order["items"]:
                if sku in ("", item["sku"]):
                    left = item["ordered"] - item["shipped"] - item["cancelled"]
                    item["cancelled"] += left
                    if item["sku"] in self.listings:
                        self.listings[item["sku"]]["quantity"] += left
            self.touch(number, **({"status": "CANCELLED"} if not sku else {}))

    def confirm(self, number: str, wanted: Mapping[str, Any]) -> None:
        order = self.orders.get(number)
        if order is None:
            raise Refusal(404, "NotFound", f"Order {number} is not there")
        package = wanted["packageDetail"]
        reference, units = package["packageReferenceId"], {row["orderItemId"]: row["quantity"] for row in package["orderItems"]}
        left_at = datetime.fromisoformat(package["shipDate"])
        if wanted["marketplaceId"] != order["marketplace"]:
            raise Refusal(400, "InvalidInput", "The order was made elsewhere")
        if not (reference.isdecimal() and int(reference) > 0):
            raise Refusal(400, "InvalidInput", "packageReferenceId is no positive number")
        if package["carrierCode"] == "Other" and not package.get("carrierName"):
            raise Refusal(400, "InvalidInput", "carrierName is missing")
        if left_at < order["placed"].replace(microsecond=0) or left_at > self.clock() + timedelta(minutes=5):
            raise Refusal(400, "InvalidInput", "shipDate is not possible")
        if order["status"] in {"PENDING", "CANCELLED"}:
            raise Refusal(400, "InvalidInput", f"The order is {order['status']}")
        before = order["packages"].get(reference, {}).get("units", {})
        for item in order["items"]:
            room = item["ordered"] - item["cancelled"] - item["shipped"] + before.get(item["id"], 0)
            if units.get(item["id"], 0) > room:
                raise Refusal(400, "InvalidInput", "More units than are left to be shipped")
        for item in order["items"]:
            item["shipped"] += units.get(item["id"], 0) - before.get(item["id"], 0)
        order["packages"][reference] = {**package, "units": units}
        done = all(item["ordered"] == item["shipped"] + item["cancelled"] for item in order["items"])
        self.touch(number, status="SHIPPED" if done else "PARTIALLY_SHIPPED")

    def told(self, number: str) -> list[tuple[str, str]]:
        """Carrier and number of each package."""
        return [(package["carrierCode"], package["trackingNumber"]) for package in self.orders[number]["packages"].values()]

    # Feeds

    def work_on_feeds(self, *, packed: bool = True, status: str = "DONE", change: Callable[[Record], Any] | None = None) -> int:
        """Amazon gets round to the feeds that wait; `change` works on the reports."""
        with self.lock:
            waiting = [key for key, feed in self.feeds.items() if feed["status"] == "IN_QUEUE"]
            for key in waiting:
                self._work_on(key, packed, status, change)
            return len(waiting)

    def _work_on(self, key: str, packed: bool, status: str, change: Callable[[Record], Any] | None) -> None:
        feed = self.feeds[key]
        feed["status"] = status
        if status != "DONE":
            return
        issues = []
        messages = feed["content"]["messages"]
        for message in messages:
            try:
                self.patch(message["sku"], message["patches"])
            except Refusal as refusal:
                issues.append(
                    {
                        "messageId": message["messageId"],
                        "sku": message["sku"],
                        "code": refusal.code,
                        "severity": "ERROR",
                        "message": str(refusal),
                    }
                )
        report = {
            "header": {"sellerId": SELLER, "version": "2.0", "feedId": key},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(messages) - len(issues),
                "messagesInvalid": len(issues),
            },
        }
        feed["report"] = json.loads(json.dumps(report))
        if change:
            change(report)
        document = f"amzn1.tortuga.4.{self.number()}"
        content = json.dumps(report).encode()
        self.documents[document] = {"content": gzip.compress(content) if packed else content, "packed": packed}
        feed["document"] = document
