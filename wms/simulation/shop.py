"""A WooCommerce-like shop on loopback (wc/v3), for the simulation and as the ground of the adapter's tests. Standard library only.

It really keeps products, stock, orders, notes, fulfilments and webhooks, and checks the keys: OAuth 1.0a signatures over http,
HTTP Basic over https. On its own: `python -m wms.simulation.shop --port 8081`; all else then goes through its REST API.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Self
from urllib.parse import quote

from wms.simulation.shop_books import Books, JsonObject, Refusal, utc_now
from wms.simulation.shop_hooks import Hookshot
from wms.simulation.shop_server import Answer, Call, Server, handler_of

BATCH_LIMIT = 100
OAUTH_WINDOW_S = 15 * 60


class Shop:
    """Start with `with Shop() as shop:`, then talk to `shop.url`. `shop.books` is the merchant's and the buyers' side."""

    def __init__(
        self,
        *,
        port: int = 0,
        base_path: str = "/wp-json/wc/v3",
        consumer_key: str = "ck_loopback",
        consumer_secret: str = "cs_loopback",
        fulfilments: bool = False,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.consumer_key, self.consumer_secret = consumer_key, consumer_secret
        self.fulfilments = fulfilments
        self.base_path = base_path.rstrip("/")
        self.books = Books(clock=clock)
        self.hooks = Hookshot(self.books)
        self.books.changed = self.hooks.announce
        self.secure = tls is not None
        self._nonces: dict[str, float] = {}
        self._server = Server(("127.0.0.1", port), handler_of(self))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="shop")

    @property
    def url(self) -> str:
        """The base URL for an adapter."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self._server.server_address[1]}{self.base_path}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
        self.hooks.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def answer(self, call: Call) -> Answer:
        """One call, keys checked. Subclasses look at it, or misbehave, here."""
        try:
            self._authenticate(call)
            return self._route(call)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.as_json())

    def _route(self, call: Call) -> Answer:
        for method, pattern, action in ROUTES:
            if method == call.method and (match := pattern.fullmatch(call.path)):
                if "fulfillments" in call.path and not self.fulfilments:
                    break
                with self.books.lock:
                    answer = action(self, call, *(int(part) for part in match.groups()))
                    # What goes out must not change under the hands of the next call.
                    return Answer(answer.status, json.loads(json.dumps(answer.body)), answer.headers)
        raise Refusal(404, "rest_no_route", "No route was found matching the URL and request method.")

    def _authenticate(self, call: Call) -> None:
        if self.secure:
            wanted = base64.b64encode(f"{self.consumer_key}:{self.consumer_secret}".encode()).decode()
            if not hmac.compare_digest(call.headers.get("authorization", ""), f"Basic {wanted}"):
                raise Refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
            return
        if "oauth_signature" not in call.params:
            raise Refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        self._check_oauth(call)

    def _check_oauth(self, call: Call) -> None:
        params = dict(call.params)
        signature = params.pop("oauth_signature")
        if params.get("oauth_consumer_key") != self.consumer_key:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        joined = "%26".join(f"{quote(quote(k, safe=''), safe='')}%3D{quote(quote(v, safe=''), safe='')}" for k, v in sorted(params.items()))
        text = f"{call.method}&{quote(call.url, safe='')}&{joined}"
        algorithm = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}.get(params.get("oauth_signature_method", ""))
        if algorithm is None:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid signature - signature method is invalid.")
        wanted = base64.b64encode(hmac.new(f"{self.consumer_secret}&".encode(), text.encode(), algorithm).digest()).decode()
        if not hmac.compare_digest(wanted, signature):
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid signature - provided signature does not match.")
        now = time.time()
        if abs(now - int(params["oauth_timestamp"])) > OAUTH_WINDOW_S:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid timestamp.")
        with self.books.lock:
            if params["oauth_nonce"] in self._nonces:
                raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid nonce - nonce has already been used.")
            self._nonces[params["oauth_nonce"]] = now
            if len(self._nonces) > 50_000:
                self._nonces = {nonce: used for nonce, used in self._nonces.items() if used > now - OAUTH_WINDOW_S}

    # What each route does

    def _page(self, rows: list[JsonObject], call: Call, *, default_order: str = "desc") -> Answer:
        """Sorted, cut and counted as the query says."""
        by = {"modified": "date_modified_gmt", "date": "date_created_gmt"}.get(call.params.get("orderby", "date"), "id")
        rows = sorted(rows, key=lambda row: (row.get(by, ""), row["id"]), reverse=call.params.get("order", default_order) == "desc")
        page, size = int(call.params.get("page", 1)), int(call.params.get("per_page", 10))
        headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        return Answer(200, rows[(page - 1) * size : page * size], headers)

    def list_products(self, call: Call) -> Answer:
        return self._page(list(self.books.products.values()), call)

    def list_variations(self, call: Call, product_id: int) -> Answer:
        self.books.product(product_id)
        return self._page([_variation(row) for row in self.books.variations.values() if row["parent_id"] == product_id], call)

    def create_product(self, call: Call) -> Answer:
        body = dict(call.body)
        quantity = body.pop("stock_quantity", 0) if body.pop("manage_stock", False) else None
        product_id = self.books.add_product(sku=body.pop("sku", ""), quantity=quantity, **body)
        return Answer(201, self.books.product(product_id))

    def change_product(self, call: Call, product_id: int) -> Answer:
        return Answer(200, self.books.change_product(call.body, product_id=product_id))

    def change_variation(self, call: Call, parent_id: int, variation_id: int) -> Answer:
        return Answer(200, _variation(self.books.change_product(call.body, product_id=variation_id, parent_id=parent_id)))

    def batch(self, call: Call, parent_id: int = 0) -> Answer:
        """HTTP 200 whatever becomes of the rows; each row has its own error."""
        rows = call.body.get("update", [])
        if sum(len(part) for part in call.body.values()) > BATCH_LIMIT:
            message = f"Unable to accept more than {BATCH_LIMIT} items for this request."
            raise Refusal(413, "woocommerce_rest_request_entity_too_large", message)
        answers: list[JsonObject] = []
        for row in rows:
            try:
                changed = self.books.change_product(row, product_id=row["id"], parent_id=parent_id)
                answers.append(_variation(changed) if parent_id else changed)
            except Refusal as refusal:
                answers.append({"id": row["id"], "error": refusal.as_json()})
        return Answer(200, {"update": answers})

    def list_orders(self, call: Call) -> Answer:
        after = call.params.get("modified_after", "")
        statuses = set(filter(None, call.params.get("status", "any").split(",")))
        included = set(filter(None, call.params.get("include", "").split(",")))
        rows = [
            row for row in self.books.orders.values() if row["date_modified_gmt"] > after and (not included or str(row["id"]) in included)
        ]
        # What lies in the bin is listed only where it is asked for.
        return self._page([row for row in rows if row["status"] in statuses or ("any" in statuses and row["status"] != "trash")], call)

    def create_order(self, call: Call) -> Answer:
        return Answer(201, self.books.create_order(call.body))

    def show_order(self, _call: Call, order_id: int) -> Answer:
        return Answer(200, self.books.order(order_id))

    def change_order(self, call: Call, order_id: int) -> Answer:
        return Answer(200, self.books.change_order(order_id, call.body))

    def list_refunds(self, call: Call, order_id: int) -> Answer:
        self.books.order(order_id)
        return self._page(self.books.refunds.get(order_id, []), call)

    def list_notes(self, call: Call, order_id: int) -> Answer:
        self.books.order(order_id)
        wanted = call.params.get("type", "any")
        notes = self.books.notes.get(order_id, [])
        return Answer(200, [note for note in notes if wanted == "any" or note["customer_note"] == (wanted == "customer")])

    def add_note(self, call: Call, order_id: int) -> Answer:
        return Answer(201, self.books.add_note(order_id, call.body))

    def list_fulfilments(self, _call: Call, order_id: int) -> Answer:
        self.books.order(order_id)
        return Answer(200, self.books.fulfilments.get(order_id, []))

    def add_fulfilment(self, call: Call, order_id: int) -> Answer:
        return Answer(201, self.books.add_fulfilment(order_id, call.body))

    def list_webhooks(self, call: Call) -> Answer:
        return self._page(list(self.books.webhooks.values()), call)

    def add_webhook(self, call: Call) -> Answer:
        webhook = self.books.add_webhook(call.body)
        if webhook["status"] == "active":
            self.hooks.ping(webhook["id"])
        return Answer(201, webhook)

    def change_webhook(self, call: Call, webhook_id: int) -> Answer:
        return Answer(200, self.books.change_webhook(webhook_id, call.body))

    def delete_webhook(self, call: Call, webhook_id: int) -> Answer:
        if call.params.get("force") != "true":
            raise Refusal(501, "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
        return Answer(200, self.books.delete_webhook(webhook_id))


def _variation(row: JsonObject) -> JsonObject:
    """As its own routes show it: without the UTC times that products have."""
    return {name: value for name, value in row.items() if name not in ("date_created_gmt", "date_modified_gmt")}


_ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "products", Shop.list_products),
    ("POST", "products", Shop.create_product),
    ("POST PUT", "products/batch", Shop.batch),
    ("POST PUT", "products/#", Shop.change_product),
    ("GET", "products/#/variations", Shop.list_variations),
    ("POST PUT", "products/#/variations/batch", Shop.batch),
    ("POST PUT", "products/#/variations/#", Shop.change_variation),
    ("GET", "orders", Shop.list_orders),
    ("POST", "orders", Shop.create_order),
    ("GET", "orders/#", Shop.show_order),
    ("POST PUT", "orders/#", Shop.change_order),
    ("GET", "orders/#/refunds", Shop.list_refunds),
    ("GET", "orders/#/notes", Shop.list_notes),
    ("POST", "orders/#/notes", Shop.add_note),
    ("GET", "orders/#/fulfillments", Shop.list_fulfilments),
    ("POST", "orders/#/fulfillments", Shop.add_fulfilment),
    ("GET", "webhooks", Shop.list_webhooks),
    ("POST", "webhooks", Shop.add_webhook),
    ("POST PUT", "webhooks/#", Shop.change_webhook),
    ("DELETE", "webhooks/#", Shop.delete_webhook),
]
ROUTES = [
    (method, re.compile(pattern.replace("#", r"(\d+)")), action) for methods, pattern, action in _ROUTES for method in methods.split()
]


def main() -> None:
    parser = argparse.ArgumentParser(description="A WooCommerce-like shop on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="ck_loopback")
    parser.add_argument("--secret", default="cs_loopback")
    parser.add_argument("--fulfilments", action="store_true", help="switch WooCommerce's fulfilments feature on")
    options = parser.parse_args()
    with Shop(port=options.port, consumer_key=options.key, consumer_secret=options.secret, fulfilments=options.fulfilments) as shop:
        sys.stdout.write(f"{shop.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
