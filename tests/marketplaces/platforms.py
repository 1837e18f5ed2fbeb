"""One loopback shop of each platform, for what has to be true of all of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client

from inventory.models import Sku, Warehouse
from marketplaces.adapters.shopify.webhooks import sign
from marketplaces.models import Channel
from tests import make
from tests.marketplaces import remembered, shops
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.shopify.schema import official_schema
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.adapters.storefront.shop import SECRET, StorefrontShop, message
from tests.marketplaces.woo_shop import WooShop
from wms.core import outbox

APP_SECRET = "shpss_loopback"


@dataclass(frozen=True)
class Platform:
    """`push`, `poll` and `ask`: the names of the calls that tell numbers, list orders and ask for one of them.

    `lines`: by order, the lines, or what stands for them, in the answers to `poll` and `ask`; `counts`: where these say how many units are wanted.
    `say`: the shop's own word of an order, which has so many units where it says that; answers the status.
    """

    adapter: str
    shop: Any
    keys: Mapping[str, str]
    offer: Callable[[str], Any]
    push: str
    poll: str
    ask: str
    lines: Callable[[Any], Mapping[str, list[Any]]]
    counts: tuple[str, ...]
    say: Callable[[Channel, str, Any], int]

    def connect(self, house: Warehouse, thing: Sku) -> Channel:
        """The shop sells the sku, of which the warehouse has 10, and has been told."""
        self.offer(thing.code)
        make.stock(make.bin_of(house, "A-01"), thing, 10)
        channel = shops.connect_as(self.adapter, self.shop, self.keys, thing.merchant, house)
        shops.deliver_all()
        return channel

    def order(self, code: str) -> str:
        more = {"shipping": shops.BUYER} if self.adapter == "woocommerce" else {}
        return str(self.shop.books.place_order([(code, 1)], **more))


@contextmanager
def opened(adapter: str, contracts: Path) -> Iterator[Platform]:
    """Strict: what follows fails where a request broke the platform's contract. `contracts`: where all of these are."""
    remembered.forget()
    with _OPENED[adapter](contracts) as platform:
        yield platform
        platform.shop.check()


@contextmanager
def _woocommerce(_contracts: Path) -> Iterator[Platform]:
    with WooShop() as shop:

        def say(channel: Channel, order_id: str, units: Any) -> int:
            order = deepcopy(shop.books.order(int(order_id)))
            order["line_items"][0]["quantity"] = units
            return shops.hook(channel, order)

        keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
        yield Platform(
            "woocommerce", shop, keys, lambda code: shop.books.add_product(sku=code), "POST products/batch", "GET orders", r"GET orders/\d+",
            lambda body: {str(order["id"]): order["line_items"] for order in (body if isinstance(body, list) else [body])}, ("quantity",), say,
        )  # fmt: skip


@contextmanager
def _shopify(_contracts: Path) -> Iterator[Platform]:
    with ShopifyShop(official_schema()) as shop:
        shop.points = shop.maximum = 100_000.0
        keys = {"access_token": shop.token, "client_secret": APP_SECRET, "location_id": str(HERE)}
        yield Platform(
            "shopify", shop, keys, lambda code: shop.books.add_product(sku=code), "SetQuantities", "Orders", "Order",
            _work_lines, ("remainingQuantity", "totalQuantity"), _say_by_shopify,
        )  # fmt: skip


def _work_lines(body: Any) -> Mapping[str, list[Any]]:
    data = body["data"]
    orders = data["orders"]["nodes"] if "orders" in data else [data["order"]]
    return {
        order["id"].rpartition("/")[2]: [line for work in order["fulfillmentOrders"]["nodes"] for line in work["lineItems"]["nodes"]]
        for order in orders
    }


def _say_by_shopify(channel: Channel, order_id: str, _units: Any) -> int:
    return shopify_says(channel, "orders/create", {"id": int(order_id)})


def shopify_says(channel: Channel, topic: str, payload: Any) -> int:
    body = json.dumps(payload).encode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": sign(body, APP_SECRET),
        "x-shopify-event-id": str(uuid.uuid4()),
    }
    return _post(channel, body, headers)


@contextmanager
def _ebay(_contracts: Path) -> Iterator[Platform]:
    with EBayShop(Contract()) as shop:

        def say(channel: Channel, order_id: str, _units: Any) -> int:
            data = {"order": {"orderId": order_id, "orderLineItems": []}}
            headers, body = shop.message("ORDER_CONFIRMATION", data, notification_id=str(uuid.uuid4()))
            return _post(channel, body, headers)

        yield Platform(
            "ebay", shop, KEYS, lambda code: shop.books.add_item(sku=code, own=0), "bulkUpdatePriceQuantity", "getOrders", "getOrder",
            lambda body: {order["orderId"]: order["lineItems"] for order in body.get("orders", [body])}, ("quantity",), say,
        )  # fmt: skip


@contextmanager
def _amazon(contracts: Path) -> Iterator[Platform]:
    with AmazonShop(Contracts(contracts / "amazon-spapi")) as shop:
        yield Platform(
            "amazon", shop, shop.keys, lambda code: shop.books.add_listing(code, 0), "patchListingsItem", "searchOrders", "getOrder",
            lambda body: {order["orderId"]: [item["fulfillment"] for item in order["orderItems"]] for order in _amazons(body)},
            ("quantityUnfulfilled",), _say_by_amazon,
        )  # fmt: skip


def _amazons(body: Any) -> list[Any]:
    return [order for order in body.get("orders") or [body["order"]] if order["fulfillment"]["fulfilledBy"] != "AMAZON"]


def _say_by_amazon(channel: Channel, order_id: str, _units: Any) -> int:
    """Its queue says no more than which order has changed."""
    with transaction.atomic():
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=[order_id])
    return 200


@contextmanager
def _storefront(_contracts: Path) -> Iterator[Platform]:
    with StorefrontShop() as shop:

        def say(channel: Channel, order_id: str, units: Any) -> int:
            order = deepcopy(shop.books.orders[order_id])
            order["lines"][0]["quantity"] = units
            headers, body = message("order.changed", order)
            return _post(channel, body, headers)

        yield Platform(
            "storefront", shop, {"secret": SECRET}, lambda code: shop.books.add_listing(sku=code), "stock.set", "orders.list", "order.get",
            lambda body: {order["id"]: order["lines"] for order in body.get("items") or [body["order"]]}, ("quantity",), say,
        )  # fmt: skip


def _post(channel: Channel, body: bytes, headers: Mapping[str, str]) -> int:
    return Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code


_OPENED = {"woocommerce": _woocommerce, "shopify": _shopify, "ebay": _ebay, "amazon": _amazon, "storefront": _storefront}
