"""The shop's side of the schema: what each field of the API answers out of the books. graphql-core calls what is callable with its arguments."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.marketplaces.adapters.shopify.books import Books, Record, utc

PREFIX = "gid://shopify"


def gid(kind: str, number: Any) -> str:
    return f"{PREFIX}/{kind}/{number}"


def number(global_id: str) -> int:
    return int(global_id.rpartition("/")[2])


def connection(keys: Iterable[Any], node: Callable[[Any], Record | None]) -> Callable[..., Record]:
    """A list cut into pages. A cursor is the key after which to go on."""

    def page(_info: Any, first: int, after: str | None = None, **_filters: Any) -> Record:
        everything = list(keys)
        start = next((at for at, key in enumerate(everything, 1) if str(key) == after), 0) if after else 0
        part = everything[start : start + first]
        return {
            "nodes": [node(key) for key in part],
            "pageInfo": {"hasNextPage": start + first < len(everything), "endCursor": str(part[-1]) if part else None},
        }

    return page


def money(amount: str) -> Record:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


def total_of(order: Record) -> str:
    return f"{sum(float(line['price']) for line in order['lines'].values()):.2f}"


class Answers:
    """The root value of every request."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.jobs = count(1)

    def root(self) -> Record:
        return {
            "orders": self.orders,
            "order": lambda _info, id: self.order(number(id)),
            "fulfillmentOrder": lambda _info, id: self.work(number(id)),
            "locations": connection(self.books.locations, self.location),
            "productVariants": connection(self.books.items, self.variant),
            "nodes": lambda _info, ids: [self.node(key) for key in ids],
            "currentAppInstallation": {"accessScopes": [{"handle": handle} for handle in self.books.scopes]},
            "webhookSubscriptions": self.subscriptions,
            "inventorySetQuantities": self.set_quantities,
            "productVariantsBulkUpdate": self.update_variants,
            "fulfillmentCreate": self.fulfil,
            "fulfillmentTrackingInfoUpdate": self.update_tracking,
            "orderCancel": self.cancel,
            "fulfillmentOrderAcceptCancellationRequest": lambda _info, id: self.answer_request(number(id), "CANCELLATION_ACCEPTED"),
            "fulfillmentOrderRejectCancellationRequest": lambda _info, id: self.answer_request(number(id), "CANCELLATION_REJECTED"),
            "webhookSubscriptionCreate": self.subscribe,
            "webhookSubscriptionDelete": self.unsubscribe,
        }

    # What there is to read

    def orders(self, _info: Any, first: int, query: str, after: str | None = None, **_order: Any) -> Record:
        """By the time of their last change; a cursor is a place in time, so that an order that changes meanwhile moves to the end."""
        match = re.fullmatch(r"updated_at:>='([^']+)'(?: updated_at:<='([^']+)')?", query)
        assert match, f"the shop does not understand {query}"
        since = datetime.fromisoformat(match[1])
        until = datetime.fromisoformat(match[2]) if match[2] else datetime.max.replace(tzinfo=UTC)
        places = sorted((order["updated"], key) for key, order in self.books.orders.items() if since <= order["updated"] <= until)
        if after:
            moment, key = json.loads(after)
            places = [place for place in places if place > (datetime.fromisoformat(moment), key)]
        part = places[:first]
        cursor = json.dumps([part[-1][0].isoformat(), part[-1][1]]) if part else None
        return {
            "nodes": [self.order(key) for _moment, key in part],
            "pageInfo": {"hasNextPage": len(places) > first, "endCursor": cursor},
        }

    def order(self, order_id: int) -> Record | None:
        order = self.books.orders.get(order_id)
        if order is None:
            return None
        left = [line["left"] for work in order["work"] for line in work["lines"]]
        status = "UNFULFILLED" if not order["fulfilments"] else "PARTIALLY_FULFILLED" if any(left) else "FULFILLED"
        return {
            "id": gid("Order", order_id), "name": order["name"], "createdAt": utc(order["created"]), "updatedAt": utc(order["updated"]),
            "cancelledAt": utc(order["cancelled"]), "displayFinancialStatus": order["financial"], "displayFulfillmentStatus": status,
            "currencyCode": "USD", "note": order["note"], "email": order["email"], "phone": order["phone"],
            "currentTotalPriceSet": money(total_of(order)),
            "shippingLine": {"title": order["shipping"]} if order["shipping"] else None, "shippingAddress": order["address"],
            "fulfillments": lambda _info, first: [self.fulfilment(made) for made in order["fulfilments"][:first]],
            "fulfillmentOrders": connection([work["id"] for work in order["work"]], self.work),
        }  # fmt: skip

    def work(self, work_id: int) -> Record | None:
        found = self.books.work_by_id(work_id)
        if found is None:
            return None
        order, work = found
        order_id = next(key for key, value in self.books.orders.items() if value is order)
        return {
            "id": gid("FulfillmentOrder", work_id), "orderId": gid("Order", order_id), "status": work["status"],
            "requestStatus": work["request"], "fulfillAt": utc(work["at"]), "fulfillBy": utc(work["by"]), "updatedAt": utc(work["updated"]),
            "deliveryMethod": {"methodType": work["method"]} if work["method"] else None,
            "assignedLocation": {"location": {"id": gid("Location", work["location"])}},
            "lineItems": connection(range(len(work["lines"])), lambda at: self.work_line(order, work["lines"][at])),
        }  # fmt: skip

    def work_line(self, order: Record, part: Record) -> Record:
        line = order["lines"][part["line"]]
        item = self.books.items[line["item"]]
        return {
            "id": gid("FulfillmentOrderLineItem", part["id"]), "sku": item["sku"], "productTitle": item["title"],
            "inventoryItemId": None if item.get("deleted") else gid("InventoryItem", line["item"]),
            "variantTitle": item["option"], "requiresShipping": item.get("shipped", True), "totalQuantity": part["total"],
            "remainingQuantity": part["left"],
            "lineItem": {
                "id": gid("LineItem", part["line"]), "currentQuantity": line["current"], "unfulfilledQuantity": line["unfulfilled"],
                "discountedTotalSet": money(line["price"]),
            },
        }  # fmt: skip

    @staticmethod
    def fulfilment(made: Record) -> Record:
        return {
            "id": gid("Fulfillment", made["id"]),
            "status": made["status"],
            "trackingInfo": lambda _info, first: made["tracking"][:first],
        }

    def node(self, key: str) -> Record | None:
        if key == gid("Location", number(key)):
            return self.location(number(key)) if number(key) in self.books.locations else None
        if key == gid("Order", number(key)):
            order = self.order(number(key))
            return order and {"__typename": "Order", **order}
        return self.item(number(key)) if number(key) in self.books.items else None

    def location(self, key: int) -> Record:
        return {"__typename": "Location", "id": gid("Location", key), "name": self.books.locations[key], "isActive": True}

    def variant(self, item_id: int) -> Record:
        item = self.books.items[item_id]
        return {
            "id": gid("ProductVariant", item_id), "title": item["option"], "sku": item["sku"], "barcode": item["barcode"],
            "inventoryPolicy": item.get("policy", "DENY"),
            "product": {
                "id": gid("Product", item["title"]), "title": item["title"], "status": item["status"], "onlineStoreUrl": item["url"],
            },
            "inventoryItem": self.item(item_id),
        }  # fmt: skip

    def item(self, item_id: int) -> Record:
        item = self.books.items[item_id]

        def level(_info: Any, locationId: str, **_defaults: Any) -> Record | None:
            if number(locationId) not in item["levels"]:
                return None
            return {"quantities": lambda _info, names: [{"name": name, "quantity": item["levels"][number(locationId)]} for name in names]}

        return {
            "__typename": "InventoryItem", "id": gid("InventoryItem", item_id), "tracked": item["tracked"], "inventoryLevel": level,
            "variants": connection([item_id], self.variant),
        }  # fmt: skip

    # What can be changed

    def set_quantities(self, info: Any, input: Record) -> Record:
        """All rows or none. A key that was used answers as then, and only for the same rows."""
        directive = next((one for one in info.field_nodes[0].directives or () if one.name.value == "idempotent"), None)
        assert directive is not None, "the mutation needs @idempotent"
        key = info.variable_values.coerced[directive.arguments[0].value.name.value]
        rows = input["quantities"]
        assert input["name"] == "available"
        assert len(rows) <= 250, "an input list holds at most 250"
        assert all("changeFromQuantity" in row for row in rows), "changeFromQuantity is mandatory, if only as null"
        if key in self.books.pushes:
            before, answer = self.books.pushes[key]
            if before != rows:
                return self._set_error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", ["input"])
            return answer if not answer["userErrors"] else self._set_error("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", ["input"])
        errors = [error for at, row in enumerate(rows) if (error := self._row_error(at, row))]
        changes = [] if errors else [self._set(row) for row in rows]
        answer = {"userErrors": errors, "inventoryAdjustmentGroup": None if errors else {"changes": lambda _info, **_names: changes}}
        self.books.pushes[key] = (rows, answer)
        return answer

    @staticmethod
    def _set_error(code: str, field: list[str]) -> Record:
        return {"userErrors": [{"code": code, "field": field, "message": "No."}], "inventoryAdjustmentGroup": None}

    def _row_error(self, at: int, row: Record) -> Record | None:
        item, location = self.books.items.get(number(row["inventoryItemId"])), number(row["locationId"])
        field = ["input", "quantities", str(at)]
        if item is None:
            return {"code": "INVALID_INVENTORY_ITEM", "field": [*field, "inventoryItemId"], "message": "No such item."}
        if location not in item["levels"]:
            return {"code": "INVALID_LOCATION", "field": [*field, "locationId"], "message": "Not stocked there."}
        if row["changeFromQuantity"] is not None and item["levels"][location] != row["changeFromQuantity"]:
            return {"code": "CHANGE_FROM_QUANTITY_STALE", "field": [*field, "changeFromQuantity"], "message": "It has changed."}
        return None

    def _set(self, row: Record) -> Record:
        levels, location = self.books.items[number(row["inventoryItemId"])]["levels"], number(row["locationId"])
        delta, levels[location] = row["quantity"] - levels[location], row["quantity"]
        return {
            "name": "available", "delta": delta, "quantityAfterChange": row["quantity"], "item": {"id": row["inventoryItemId"]},
            "location": {"id": row["locationId"]},
        }  # fmt: skip

    def update_variants(
        self, _info: Any, productId: str, variants: list[Record], allowPartialUpdates: bool = False, **_more: Any
    ) -> Record:
        """A variant of another product is an error of its own row where the others may go on."""
        assert len(variants) <= 250, "an input list holds at most 250"
        changed, errors = [], []
        for at, row in enumerate(variants):
            item = self.books.items.get(number(row["id"]))
            if item is None or gid("Product", item["title"]) != productId:
                errors.append(
                    {"code": "PRODUCT_VARIANT_DOES_NOT_EXIST", "field": ["variants", str(at), "id"], "message": "No such variant."}
                )
                continue
            item["policy"] = row["inventoryPolicy"]
            changed.append(self.variant(number(row["id"])))
        assert allowPartialUpdates or not errors
        return {"productVariants": changed, "userErrors": errors}

    def fulfil(self, _info: Any, fulfillment: Record) -> Record:
        parts = []
        order_id = 0
        for group in fulfillment["lineItemsByFulfillmentOrder"]:
            found = self.books.work_by_id(number(group["fulfillmentOrderId"]))
            if found is None or found[1]["status"] not in {"OPEN", "IN_PROGRESS"} or found[1]["request"] == "CANCELLATION_REQUESTED":
                return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": "The fulfillment order is not open."}]}
            order, work = found
            order_id = next(key for key, value in self.books.orders.items() if value is order)
            left = {part["id"]: part["left"] for part in work["lines"]}
            for row in group["fulfillmentOrderLineItems"]:
                if row["quantity"] > left.get(number(row["id"]), 0):
                    return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": "Invalid quantity requested."}]}
                parts.append((work["id"], number(row["id"]), row["quantity"]))
        made = self.books.fulfil(order_id, parts, dict(fulfillment["trackingInfo"]))
        return {"fulfillment": self.fulfilment(made), "userErrors": []}

    def update_tracking(self, _info: Any, fulfillmentId: str, trackingInfoInput: Record, **_more: Any) -> Record:
        made = next(made for order in self.books.orders.values() for made in order["fulfilments"] if made["id"] == number(fulfillmentId))
        numbers = trackingInfoInput.get("numbers")
        shared = {name: value for name, value in trackingInfoInput.items() if name != "numbers"}
        made["tracking"] = [{**shared, "number": each} for each in numbers] if numbers else [shared]
        return {"fulfillment": self.fulfilment(made), "userErrors": []}

    def cancel(self, _info: Any, orderId: str, restock: bool, **_more: Any) -> Record:
        order = self.books.orders.get(number(orderId))
        code = "NOT_FOUND" if order is None else "INVALID" if order["fulfilments"] or order["cancelled"] else ""
        if code:
            return {"job": None, "orderCancelUserErrors": [{"code": code, "field": ["orderId"], "message": "Cannot be cancelled."}]}
        self.books.cancel(number(orderId))
        return {"job": {"id": gid("Job", next(self.jobs))}, "orderCancelUserErrors": []}

    def answer_request(self, work_id: int, status: str) -> Record:
        found = self.books.work_by_id(work_id)
        if found is None or found[1]["request"] != "CANCELLATION_REQUESTED":
            return {"fulfillmentOrder": None, "userErrors": [{"field": ["id"], "message": "Nobody asked for it."}]}
        found[1].update(request=status, updated=self.books.clock())
        return {"fulfillmentOrder": self.work(work_id), "userErrors": []}

    # Webhooks

    def subscriptions(self, info: Any, first: int, uri: str, after: str | None = None, **_order: Any) -> Record:
        keys = [key for key, row in self.books.subscriptions.items() if row["uri"] == uri]
        return connection(keys, self.subscription)(info, first, after)

    def subscription(self, key: int) -> Record:
        return {"id": gid("WebhookSubscription", key), **self.books.subscriptions[key]}

    def subscribe(self, _info: Any, topic: str, webhookSubscription: Record) -> Record:
        wanted = {"topic": topic, "uri": webhookSubscription["uri"], "format": webhookSubscription["format"]}
        if not wanted["uri"].startswith("https://"):
            return {"webhookSubscription": None, "userErrors": [{"field": ["uri"], "message": "The address must be https."}]}
        if wanted in self.books.subscriptions.values():
            return {"webhookSubscription": None, "userErrors": [{"field": ["uri"], "message": "It has already been taken."}]}
        key = max(self.books.subscriptions, default=0) + 1
        self.books.subscriptions[key] = wanted
        return {"webhookSubscription": self.subscription(key), "userErrors": []}

    def unsubscribe(self, _info: Any, id: str) -> Record:
        gone = self.books.subscriptions.pop(number(id), None)
        errors = [] if gone else [{"field": ["id"], "message": "There is none."}]
        return {"deletedWebhookSubscriptionId": id if gone else None, "userErrors": errors}
