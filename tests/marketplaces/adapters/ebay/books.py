"""What the loopback shop knows: items with offers, orders with fulfilments, subscriptions. The seller's and the buyers' side."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

Record = dict[str, Any]

CONTACT = {
    "fullName": "Grace Hopper",
    "contactAddress": {
        "addressLine1": "1 Cobol Street",
        "city": "Arlington",
        "stateOrProvince": "VA",
        "postalCode": "22201",
        "countryCode": "US",
    },
    "primaryPhone": {"phoneNumber": "703 555 0100"},
    "email": "grace@example.com",
}


class Books:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.items: dict[str, Record] = {}
        self.locations = {"west": "ENABLED", "east": "ENABLED"}
        self.orders: dict[str, Record] = {}
        self.fulfilments: dict[str, list[Record]] = {}
        self.destinations: dict[str, Record] = {}
        self.subscriptions: dict[str, Record] = {}
        self.topics: list[Record] = [topic("ORDER_CONFIRMATION"), topic("ITEM_AVAILABILITY")]
        # What is left for the application's calls, by interface; empty: it is not counted.
        self.rates: dict[str, list[Record]] = {}
        self._numbers = count(1001)

    def number(self) -> int:
        return next(self._numbers)

    # Goods

    def add_item(
        self, *, sku: str, quantity: int = 0, own: int | None = None, offers: int = 1, title: str = "Mug", **product: Any
    ) -> Record:
        """An item with published offers; `own` is their own number, None where the item's counts."""
        item = self.items[sku] = {
            "sku": sku,
            "quantity": quantity,
            "places": {},
            "product": {"title": title, **product},
            "offers": [self.new_offer(own) for _offer in range(offers)],
        }
        return item

    def new_offer(
        self, own: int | None = None, *, status: str = "PUBLISHED", format: str = "FIXED_PRICE", listing: str = "ACTIVE"
    ) -> Record:
        return {"id": str(self.number()), "listing": str(self.number()), "own": own, "status": status, "format": format, "state": listing}

    def shown(self, sku: str) -> int:
        """What buyers may order: the offer's own number counts before the item's."""
        item = self.items[sku]
        number: int = min([offer["own"] for offer in item["offers"] if offer["own"] is not None] or [item["quantity"]])
        return number

    def stock(self) -> dict[str, int]:
        return {sku: self.shown(sku) for sku in self.items}

    def take(self, sku: str, quantity: int) -> None:
        item = self.items[sku]
        item["quantity"] -= quantity
        for offer in item["offers"]:
            if offer["own"] is not None:
                offer["own"] -= quantity

    # Orders

    def place_order(self, lines: list[tuple[str, int]], **changes: Any) -> str:
        """Paid and ready. The units leave what is offered at once."""
        with self.lock:
            order_id = f"13-{self.number()}-{self.number()}"
            now = stamp(self.clock())
            self.orders[order_id] = {
                "orderId": order_id,
                "creationDate": now,
                "lastModifiedDate": now,
                "orderFulfillmentStatus": "NOT_STARTED",
                "orderPaymentStatus": "PAID",
                "sellerId": "a-seller",
                "buyer": {"username": "grace"},
                "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
                "pricingSummary": {"total": money(sum(5 * quantity for _sku, quantity in lines))},
                "paymentSummary": {"payments": [{"paymentDate": now, "paymentStatus": "PAID"}], "refunds": []},
                "fulfillmentStartInstructions": [
                    {
                        "fulfillmentInstructionsType": "SHIP_TO",
                        "shippingStep": {"shippingServiceCode": "USPSPriority", "shipTo": CONTACT},
                    }
                ],
                "lineItems": [self._line(sku, quantity) for sku, quantity in lines],
                **changes,
            }
            self.fulfilments[order_id] = []
            for sku, quantity in lines:
                self.take(sku, quantity)
            return order_id

    def _line(self, sku: str, quantity: int) -> Record:
        return {
            "lineItemId": str(self.number()),
            "legacyItemId": self.items[sku]["offers"][0]["listing"] if self.items[sku]["offers"] else "1",
            "sku": sku,
            "title": self.items[sku]["product"]["title"],
            "quantity": quantity,
            "lineItemCost": money(5 * quantity),
            "total": money(5 * quantity),
            "lineItemFulfillmentStatus": "NOT_STARTED",
            "lineItemFulfillmentInstructions": {"shipByDate": stamp(self.clock() + timedelta(days=2))},
            "purchaseMarketplaceId": "EBAY_US",
            "refunds": [],
        }

    def line(self, order_id: str, number: int = 0) -> Record:
        line: Record = self.orders[order_id]["lineItems"][number]
        return line

    def touch(self, order_id: str, **changes: Any) -> None:
        self.orders[order_id] |= {"lastModifiedDate": stamp(self.clock()), **changes}

    def refund(self, order_id: str, number: int, value: str) -> None:
        self.line(order_id, number)["refunds"].append({"amount": {"value": value, "currency": "USD"}, "refundId": str(self.number())})
        self.touch(order_id, orderPaymentStatus="PARTIALLY_REFUNDED")

    def fulfil(self, order_id: str, lines: list[Record], **details: Any) -> Record:
        made = {"fulfillmentId": details.get("shipmentTrackingNumber") or "999", "lineItems": lines, **details}
        self.fulfilments[order_id].append(made)
        order = self.orders[order_id]
        for line in order["lineItems"]:
            told = sum(
                part.get("quantity", 1)
                for row in self.fulfilments[order_id]
                for part in row["lineItems"]
                if part["lineItemId"] == line["lineItemId"]
            )
            line["lineItemFulfillmentStatus"] = "FULFILLED" if told >= line["quantity"] else "IN_PROGRESS" if told else "NOT_STARTED"
        states = {line["lineItemFulfillmentStatus"] for line in order["lineItems"]}
        self.touch(order_id, orderFulfillmentStatus=states.pop() if len(states) == 1 else "IN_PROGRESS")
        return made

    def fulfil_by_hand(self, order_id: str, **details: Any) -> Record:
        lines = [{"lineItemId": line["lineItemId"], "quantity": line["quantity"]} for line in self.orders[order_id]["lineItems"]]
        return self.fulfil(order_id, lines, shippedDate=stamp(self.clock()), **details)

    def told(self, order_id: str) -> list[tuple[str, str]]:
        """The tracking that the buyer sees: number and carrier."""
        return [(row.get("shipmentTrackingNumber", ""), row.get("shippingCarrierCode", "")) for row in self.fulfilments[order_id]]

    # Cancelling

    def request_cancellation(self, order_id: str, *, by: str = "Buyer") -> str:
        key = str(self.number())
        request = {
            "cancelRequestId": key,
            "cancelInitiator": by,
            "cancelReason": "BUYER_CANCEL_ORDER",
            "cancelRequestState": "REQUESTED",
            "cancelRequestedDate": stamp(self.clock()),
        }
        self.touch(order_id, cancelStatus={"cancelState": "IN_PROGRESS", "cancelRequests": [request]})
        return key

    def settle_request(self, key: str, *, accepted: bool) -> bool:
        for order_id, order in self.orders.items():
            for request in order["cancelStatus"]["cancelRequests"]:
                if request["cancelRequestId"] == key and request["cancelRequestState"] == "REQUESTED":
                    request["cancelRequestState"] = "COMPLETED" if accepted else "REJECTED"
                    if accepted:
                        self.cancel(order_id)
                    else:
                        order["cancelStatus"]["cancelState"] = "NONE_REQUESTED"
                        self.touch(order_id)
                    return True
        return False

    def cancel(self, order_id: str) -> None:
        status = self.orders[order_id]["cancelStatus"]
        now = stamp(self.clock())
        self.touch(order_id, cancelStatus={**status, "cancelState": "CANCELED", "cancelledDate": now}, orderPaymentStatus="FULLY_REFUNDED")


def topic(name: str) -> Record:
    payload = {"format": ["JSON"], "schemaVersion": "1.0", "deliveryProtocol": "HTTPS", "deprecated": False}
    return {"topicId": name, "status": "ENABLED", "scope": "USER", "supportedPayloads": [payload]}


def money(value: int) -> Record:
    return {"value": f"{value}.00", "currency": "USD"}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
