"""What the loopback shop knows: products, stock, orders, notes, fulfilments, webhooks, under WooCommerce's own rules.

Stock falls when an order reaches processing, on-hold or completed, and comes back when it is cancelled or set to pending again,
even after it was shipped. An order placed through REST does not look at the stock: it may go below zero.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

JsonObject = dict[str, Any]

TAKES_STOCK = {"processing", "on-hold", "completed"}
GIVES_BACK = {"cancelled", "pending"}
ORDER_STATUSES = {"auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"}
ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")


class Refusal(Exception):
    """An error as WordPress answers it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def as_json(self) -> JsonObject:
        return {"code": self.code, "message": self.message, "data": {"status": self.status}}


def utc_now() -> datetime:
    return datetime.now(UTC)


class Books:
    """All of one shop's state behind one lock. `changed(topic, resource)` is called after each change, for the webhooks."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.products: dict[int, JsonObject] = {}
        self.variations: dict[int, JsonObject] = {}
        self.orders: dict[int, JsonObject] = {}
        self.notes: dict[int, list[JsonObject]] = {}
        self.refunds: dict[int, list[JsonObject]] = {}
        self.fulfilments: dict[int, list[JsonObject]] = {}
        self.webhooks: dict[int, JsonObject] = {}
        self.secrets: dict[int, str] = {}
        self.changed: Callable[[str, JsonObject], None] = lambda topic, resource: None
        self._ids = itertools.count(11)
        self._stock_taken: set[int] = set()
        self._by_sku: dict[str, JsonObject] = {}

    # Products

    def add_product(self, *, sku: str, name: str = "", quantity: int | None = 0, type: str = "simple", **more: Any) -> int:
        with self.lock:
            dates = {"date_created_gmt": self._now(), "date_modified_gmt": self._now()}
            more = {"parent_id": 0, "variations": [], **dates, **more}
            product = {**self._sellable(sku, quantity), "name": name or sku, "type": type, **more}
            self.products[product["id"]] = self._by_sku[sku] = product
            self.changed("product.created", product)
            return int(product["id"])

    def add_variation(self, product_id: int, *, sku: str, quantity: int | None = 0, options: Mapping[str, str] | None = None) -> int:
        with self.lock:
            attributes = [{"id": 0, "name": name, "option": option} for name, option in (options or {}).items()]
            variation = {**self._sellable(sku, quantity), "type": "variation", "parent_id": product_id, "attributes": attributes}
            self.variations[variation["id"]] = self._by_sku[sku] = variation
            self.products[product_id]["variations"].append(variation["id"])
            return int(variation["id"])

    def _sellable(self, sku: str, quantity: int | None) -> JsonObject:
        return {
            "id": next(self._ids),
            "sku": sku,
            "status": "publish",
            "permalink": f"https://shop.example/{sku}",
            "global_unique_id": "",
            "regular_price": "1.00",
            "price": "1.00",
            "manage_stock": quantity is not None,
            "stock_quantity": quantity,
            "stock_status": "instock" if quantity is None or quantity > 0 else "outofstock",
            "attributes": [],
        }

    def change_product(self, changes: Mapping[str, Any], *, product_id: int, parent_id: int = 0) -> JsonObject:
        """What PUT and each row of a batch do; answers the whole product. The arguments' types are WordPress's to check."""
        with self.lock:
            product = self.product(product_id, parent_id)
            quantity = changes.get("stock_quantity", product["stock_quantity"])
            if quantity is not None and (not isinstance(quantity, int) or isinstance(quantity, bool)):
                raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): stock_quantity")
            product.update({name: value for name, value in changes.items() if name != "id"})
            if product["manage_stock"] is True:
                self._show_stock(product, quantity or 0)
            else:
                product["stock_quantity"] = None
            product["date_modified_gmt"] = self._now()
            self.changed("product.updated", product)
            return dict(product)

    def product(self, product_id: int, parent_id: int = 0) -> JsonObject:
        product = (self.variations if parent_id else self.products).get(product_id)
        if product is None or product["parent_id"] != parent_id:
            kind = "product_variation" if parent_id else "product"
            raise Refusal(404 if parent_id else 400, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
        return product

    def set_stock(self, product_id: int, quantity: int) -> None:
        """The merchant corrects a number by hand."""
        with self.lock:
            self._show_stock(self.products.get(product_id) or self.variations[product_id], quantity)

    def stock(self) -> dict[str, int]:
        """What the shop would sell, by sku, of all that it counts."""
        with self.lock:
            sellable = [p for p in [*self.products.values(), *self.variations.values()] if p["manage_stock"] is True]
            return {product["sku"]: product["stock_quantity"] for product in sellable}

    def by_sku(self, sku: str) -> JsonObject:
        with self.lock:
            return self._by_sku[sku]

    @staticmethod
    def _show_stock(product: JsonObject, quantity: int) -> None:
        product["stock_quantity"] = quantity
        product["stock_status"] = "instock" if quantity > 0 else "outofstock"

    # Orders

    def place_order(
        self,
        lines: Iterable[tuple[str, int]],
        *,
        status: str = "processing",
        shipping: Mapping[str, str] | None = None,
        billing: Mapping[str, str] | None = None,
        **more: Any,
    ) -> int:
        """A buyer orders (sku, quantity) lines; answers the order's id."""
        items = []
        with self.lock:
            for sku, quantity in lines:
                product = self.by_sku(sku)
                variation = product["id"] if product["parent_id"] else 0
                items.append({"product_id": product["parent_id"] or product["id"], "variation_id": variation, "quantity": quantity})
            body = {"status": status, "shipping": shipping or {}, "billing": billing or {}, "line_items": items, **more}
            return int(self.create_order(body)["id"])

    def create_order(self, body: Mapping[str, Any]) -> JsonObject:
        with self.lock:
            number, now = next(self._ids), self._now()
            lines = [self._order_line(item) for item in body.get("line_items", [])]
            address = dict.fromkeys(ADDRESS, "") | {"phone": ""}
            order = {
                "id": number,
                "parent_id": 0,
                "number": str(number),
                "order_key": f"wc_order_{number}",
                "created_via": "rest-api",
                "status": "pending",
                "currency": body.get("currency", "EUR"),
                "date_created_gmt": now,
                "date_modified_gmt": now,
                "customer_note": body.get("customer_note", ""),
                "billing": {**address, "email": "", **body.get("billing", {})},
                "shipping": {**address, **body.get("shipping", {})},
                "line_items": lines,
                "shipping_lines": [{"id": next(self._ids), **line} for line in body.get("shipping_lines", [])],
                "meta_data": list(body.get("meta_data", [])),
                "refunds": [],
                "total": str(sum((Decimal(line["total"]) for line in lines), Decimal("0.00"))),
            }
            self.orders[number] = order
            self.changed("order.created", order)
            self._advance(order, "processing" if body.get("set_paid") else str(body.get("status", "pending")))
            if order["status"] != "pending":  # paid: a change of its own, and hooks hear of each
                self.changed("order.updated", order)
            return dict(order)

    def _order_line(self, item: Mapping[str, Any]) -> JsonObject:
        variation_id = int(item.get("variation_id") or 0)
        product_id = int(item["product_id"])
        product = self.product(variation_id or product_id, product_id if variation_id else 0)
        total = Decimal(product["price"]) * int(item["quantity"])
        return {
            "id": next(self._ids),
            "name": product.get("name", product["sku"]),
            "product_id": product_id,
            "variation_id": variation_id,
            "quantity": int(item["quantity"]),
            "subtotal": str(total),
            "total": str(total),
            "sku": product["sku"],
            "meta_data": [],
        }

    def order(self, order_id: int) -> JsonObject:
        order = self.orders.get(order_id)
        if order is None:
            raise Refusal(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return order

    def change_order(self, order_id: int, changes: Mapping[str, Any]) -> JsonObject:
        with self.lock:
            order = self.order(order_id)
            order.update({name: value for name, value in changes.items() if name in {"billing", "shipping", "customer_note", "meta_data"}})
            if "status" in changes:
                self._advance(order, str(changes["status"]))
            self._touch(order)
            return dict(order)

    def _advance(self, order: JsonObject, status: str) -> None:
        if status not in ORDER_STATUSES:
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): status")
        order["status"] = status
        taken = order["id"] in self._stock_taken
        if status in TAKES_STOCK and not taken:
            self._stock_taken.add(order["id"])
            self._move_stock(order, -1)
        elif status in GIVES_BACK and taken:
            self._stock_taken.discard(order["id"])
            self._move_stock(order, 1)

    def _move_stock(self, order: JsonObject, sign: int) -> None:
        for line in order["line_items"]:
            product = self.variations.get(line["variation_id"]) or self.products.get(line["product_id"])
            if product and product["manage_stock"] is True:
                self._show_stock(product, product["stock_quantity"] + sign * line["quantity"])
                self.changed("product.updated", product)

    def _touch(self, order: JsonObject) -> None:
        order["date_modified_gmt"] = self._now()
        self.changed("order.updated", order)

    def delete_order(self, order_id: int) -> None:
        with self.lock:
            del self.orders[order_id]
            self.changed("order.deleted", {"id": order_id})

    def refund(self, order_id: int, units: Mapping[int, int]) -> None:
        """Give up units of order lines; the order itself keeps its quantities."""
        with self.lock:
            order = self.order(order_id)
            lines = [
                {
                    "id": next(self._ids),
                    "quantity": -quantity,
                    "total": "0.00",
                    "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(line_id)}],
                }
                for line_id, quantity in units.items()
            ]
            refund = {"id": next(self._ids), "amount": "0.00", "reason": "", "line_items": lines}
            self.refunds.setdefault(order_id, []).append(refund)
            order["refunds"].append({"id": refund["id"], "reason": "", "total": "0.00"})
            self._touch(order)

    def add_note(self, order_id: int, body: Mapping[str, Any]) -> JsonObject:
        with self.lock:
            self.order(order_id)
            note = {
                "id": next(self._ids),
                "author": "system",
                "date_created_gmt": self._now(),
                "note": str(body["note"]),
                "customer_note": bool(body.get("customer_note", False)),
            }
            self.notes.setdefault(order_id, []).insert(0, note)  # the youngest first, as WooCommerce lists them
            return dict(note)

    def add_fulfilment(self, order_id: int, body: Mapping[str, Any]) -> JsonObject:
        """Refuses to fulfil more than was ordered."""
        with self.lock:
            open_units = {line["id"]: line["quantity"] for line in self.order(order_id)["line_items"]}
            earlier = self.fulfilments.setdefault(order_id, [])
            for row in [*earlier, body]:
                for meta in row["meta_data"]:
                    for item in meta["value"] if meta["key"] == "_items" else []:
                        open_units[item["item_id"]] = open_units.get(item["item_id"], 0) - item["qty"]
            if any(units < 0 for units in open_units.values()):
                raise Refusal(400, "woocommerce_fulfillment_error", "Invalid item quantity for the fulfillment.")
            fulfilment = {
                "id": next(self._ids),
                "entity_type": "WC_Order",
                "entity_id": str(order_id),
                "status": body.get("status", "unfulfilled"),
                "is_fulfilled": bool(body.get("is_fulfilled", False)),
                "date_updated": self._now(),
                "date_deleted": None,
                "meta_data": [{"id": next(self._ids), **meta} for meta in body["meta_data"]],
            }
            earlier.append(fulfilment)
            return dict(fulfilment)

    # Webhooks

    def add_webhook(self, body: Mapping[str, Any]) -> JsonObject:
        with self.lock:
            number = next(self._ids)
            webhook = {
                "id": number,
                "name": body.get("name", ""),
                "status": body.get("status", "active"),
                "topic": body["topic"],
                "delivery_url": body["delivery_url"],
                "date_created_gmt": self._now(),
            }
            self.webhooks[number] = webhook
            self.secrets[number] = str(body.get("secret", ""))
            return dict(webhook)

    def webhook(self, webhook_id: int) -> JsonObject:
        webhook = self.webhooks.get(webhook_id)
        if webhook is None:
            raise Refusal(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        return webhook

    def change_webhook(self, webhook_id: int, changes: Mapping[str, Any]) -> JsonObject:
        with self.lock:
            webhook = self.webhook(webhook_id)
            self.secrets[webhook_id] = str(changes.get("secret", self.secrets[webhook_id]))
            webhook.update({name: changes[name] for name in ("name", "status", "topic") if name in changes})
            return dict(webhook)

    def delete_webhook(self, webhook_id: int) -> JsonObject:
        with self.lock:
            webhook = self.webhook(webhook_id)
            del self.webhooks[webhook_id], self.secrets[webhook_id]
            return dict(webhook)

    def _now(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
