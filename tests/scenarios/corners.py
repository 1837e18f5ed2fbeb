"""Four shops of four platforms that sell the same goods."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.test import Client
from django.test.client import ClientHandler

from inventory.models import Sku, Warehouse
from marketplaces import places
from marketplaces.adapters.shopify.webhooks import sign
from marketplaces.models import Channel
from tests.marketplaces.adapters.amazon import sqs
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.messages import feed_finished, order_change, stock_change
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.conftest import SECRET
from tests.marketplaces.adapters.shopify.schema import official_schema
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.woo_shop import WooShop
from tests.scenarios.corner import Corner, Lines
from wms.simulation.shop_server import Answer


class Woo(Corner):
    adapter = "woocommerce"

    @property
    def keys(self) -> dict[str, str]:
        return {"consumer_key": self.shop.consumer_key, "consumer_secret": self.shop.consumer_secret}

    def offer(self, code: str) -> None:
        self.shop.books.add_product(sku=code, quantity=0)

    def place(self, lines: Lines) -> Any:
        return self.shop.books.place_order(lines, shipping=BUYER)

    def say(self, number: str, delivery: str) -> bool:
        return _taken(hook(self.channel, self.shop.books.order(int(number)), delivery=delivery, client=_web()))

    def told(self, number: str) -> list[str]:
        return [note["note"].rpartition(" ")[2] for note in self.shop.books.notes.get(int(number), [])]


class Shopify(Corner):
    """Has two locations: one is the warehouse that all shops sell out of, the other one is its own."""

    adapter, annex = "shopify", str(ELSEWHERE)

    @property
    def keys(self) -> dict[str, str]:
        return {"access_token": self.shop.token, "client_secret": SECRET, "location_id": str(HERE)}

    def offer(self, code: str) -> None:
        item = self.shop.books.add_product(sku=code, quantity=0)
        self.shop.books.items[item]["levels"][ELSEWHERE] = 0

    def connect(self, things: list[Sku], house: Warehouse, annex: Warehouse) -> None:
        super().connect(things, house, annex)
        locations = {house.code: str(HERE), annex.code: self.annex}
        places.set_warehouses(channel=self.channel, warehouses=[house, annex], routing=Channel.Routing.FALLBACK, locations=locations)

    def place(self, lines: Lines) -> Any:
        """All of it out of one place."""
        [location] = {self.annex if code.endswith(f"@{self.annex}") else str(HERE) for code, _quantity in lines}
        return self.shop.books.place_order([(code.partition("@")[0], quantity) for code, quantity in lines], location=int(location))

    def shelves(self) -> dict[str, int]:
        there = self.shop.books.stock(ELSEWHERE)
        return {**self.shop.books.stock(), **{self.goods(code, self.annex): quantity for code, quantity in there.items()}}

    def say(self, number: str, delivery: str) -> bool:
        body = json.dumps({"id": int(number)}).encode()
        headers = {
            "x-shopify-topic": "orders/create",
            "x-shopify-hmac-sha256": sign(body, SECRET),
            "x-shopify-event-id": delivery,
            "x-shopify-triggered-at": datetime.now(UTC).isoformat(),
        }
        return _post(self.channel, body, headers)

    def told(self, number: str) -> list[str]:
        return [info["number"] for info in self.shop.books.told(int(number))]


class EBay(Corner):
    adapter = "ebay"
    keys = KEYS

    def offer(self, code: str) -> None:
        self.shop.books.add_item(sku=code, quantity=0, own=0)

    def say(self, number: str, delivery: str) -> bool:
        headers, body = self.shop.message(
            "ORDER_CONFIRMATION", {"order": {"orderId": number, "orderLineItems": []}}, notification_id=delivery
        )
        return _post(self.channel, body, headers)

    def told(self, number: str) -> list[str]:
        return [number for number, _carrier in self.shop.books.told(number)]


class Amazon(Corner):
    """Its messages wait in a queue, and its bulk numbers are worked on later."""

    adapter = "amazon"
    queue: sqs.Sqs

    def __post_init__(self) -> None:
        super().__post_init__()
        self.untold: set[str] = set()

    @property
    def keys(self) -> dict[str, str]:
        return {**self.shop.keys, **sqs.KEYS, "queue_endpoint": self.queue.endpoint}

    def offer(self, code: str) -> None:
        self.shop.books.add_listing(code, 0)

    def say(self, number: str, delivery: str) -> bool:
        self.queue.say(order_change(number, key=delivery))
        return True

    def told(self, number: str) -> list[str]:
        return [tracking for _carrier, tracking in self.shop.books.told(number)]

    def unread(self) -> int:
        return self.queue.left()

    def _moody(self, call: Any, proper: Callable[[], Answer]) -> Answer:
        before = set(self.shop.books.feeds)
        answer = super()._moody(call, proper)
        if answer.status == 0 or isinstance(answer.body, Iterator):
            self.untold |= set(self.shop.books.feeds) - before
        return answer

    def work_on_feeds(self) -> None:
        """And say so. Of the numbers in a feed whose own number we never learned, only Amazon can tell us that they are there now."""
        waiting = {key: feed for key, feed in list(self.shop.books.feeds.items()) if feed["status"] == "IN_QUEUE"}
        self.shop.books.work_on_feeds()
        self.queue.say(*(feed_finished(key, key=delivery_id()) for key in waiting))
        for key in waiting.keys() & self.untold:
            for message in waiting[key]["content"]["messages"]:
                [stock] = message["patches"][0]["value"]
                self.queue.say(stock_change(message["sku"], stock["quantity"], key=delivery_id()))


@cache
def _handler() -> ClientHandler:
    """Loading the middleware takes longer than many requests."""
    handler = ClientHandler(enforce_csrf_checks=False)
    handler.load_middleware()
    return handler


def _web() -> Client:
    client = Client()
    client.handler = _handler()
    return client


def _post(channel: Channel, body: bytes, headers: dict[str, str]) -> bool:
    answer = _web().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers)
    return _taken(answer.status_code)


def _taken(status: int) -> bool:
    """503: the key that signed it could not be had from the shop that fails us."""
    assert status in (200, 503), status
    return status == 200


@contextmanager
def four_corners(contracts: Contracts, seed: int) -> Iterator[list[Corner]]:
    """Of a large seller: Amazon and Shopify let it call more often than others."""
    with ExitStack() as stack:
        woo = Woo(stack.enter_context(WooShop()), seed)
        shopify = Shopify(stack.enter_context(ShopifyShop(official_schema())), seed)
        shopify.shop.points = shopify.shop.maximum = 20_000.0
        shopify.shop.per_second = 2000.0
        ebay = EBay(stack.enter_context(EBayShop(Contract())), seed)
        amazon = Amazon(stack.enter_context(AmazonShop(contracts)), seed)
        amazon.shop.rates = {
            "getOrder": 50.0,
            "patchListingsItem": 50.0,
            "confirmShipment": 50.0,
            "createFeedDocument": 1.0,
            "createFeed": 1.0,
            "getFeed": 10.0,
            "getFeedDocument": 10.0,
            "searchOrders": 1.0,
        }
        amazon.queue = sqs.Sqs(stack.enter_context(sqs.sqs_serving()))
        over = threading.Event()
        stack.callback(over.set)
        threading.Thread(target=_pass_time, args=(amazon, shopify, over), daemon=True).start()
        yield [woo, shopify, ebay, amazon]
        for corner in (woo, shopify, ebay, amazon):
            corner.shop.behave()
            corner.shop.check()


def _pass_time(amazon: Amazon, shopify: Shopify, over: threading.Event) -> None:
    """Amazon gets round to its feeds and says so, Shopify's bucket fills."""
    while not over.wait(1.0):
        amazon.work_on_feeds()
        shopify.shop.pass_time(1.0)


def delivery_id() -> str:
    return str(uuid.uuid4())
