"""Four shops of four platforms that sell the same goods and are never quite well: what a chaos run needs of each."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.test import Client
from django.test.client import ClientHandler

from inventory.models import Sku, Warehouse
from marketplaces import channels
from marketplaces.adapters.shopify.webhooks import sign
from marketplaces.models import Channel, ChannelOrder
from tests.marketplaces.adapters.amazon import sqs
from tests.marketplaces.adapters.amazon.contracts import Contracts
from tests.marketplaces.adapters.amazon.messages import feed_finished, order_change
from tests.marketplaces.adapters.amazon.shop import AmazonShop
from tests.marketplaces.adapters.ebay.contract import Contract
from tests.marketplaces.adapters.ebay.shop import KEYS, EBayShop
from tests.marketplaces.adapters.shopify.books import HERE
from tests.marketplaces.adapters.shopify.conftest import SECRET
from tests.marketplaces.adapters.shopify.schema import official_schema
from tests.marketplaces.adapters.shopify.shop import ShopifyShop
from tests.marketplaces.misbehaving import Fault, fail, hang_up, hang_up_after_work
from tests.marketplaces.shops import BUYER, hook
from tests.marketplaces.woo_shop import WooShop
from wms.simulation.shop import Answer

Lines = list[tuple[str, int]]
Span = tuple[datetime, datetime]
# The share of each of four faults among the calls.
FAULTS, LONGEST_NAP_S = 0.003, 1.5


@dataclass(slots=True)
class Sale:
    """`told_at`: when its shop first said so, None where that word was lost; `here`: it has been seen among our orders."""

    number: str
    lines: Lines
    placed_at: datetime
    told_at: datetime | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A call of ours to a shop: when it came and went, and what the shop did to it."""

    began_at: datetime
    ended_at: datetime
    fault: str


@dataclass
class Corner(ABC):
    """One shop and its channel. `served`: our calls while it was ill. `sales`: what its buyers ordered, in their order."""

    shop: Any
    dice: random.Random
    sales: list[Sale] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    channel: Channel = field(init=False)

    adapter: str = field(init=False, default="")

    @property
    @abstractmethod
    def keys(self) -> dict[str, str]: ...

    @abstractmethod
    def offer(self, code: str) -> None:
        """Put a sku on sale, of which nothing is there yet."""

    @abstractmethod
    def say(self, number: str, delivery: str) -> bool:
        """Push the word of an order; the same `delivery` is the same word. False where we could not take it: it has to come again."""

    @abstractmethod
    def told(self, number: str) -> list[str]:
        """The tracking numbers that the buyer sees."""

    def place(self, lines: Lines) -> Any:
        return self.shop.books.place_order(lines)

    def shown(self) -> dict[str, int]:
        with self.shop.books.lock:
            return dict(self.shop.books.stock())

    def connect(self, things: list[Sku], house: Warehouse) -> None:
        for thing in things:
            self.offer(thing.code)
        self.channel = channels.connect(
            merchant=things[0].merchant,
            warehouse=house,
            adapter=self.adapter,
            base_url=self.shop.url,
            credentials=self.keys,
            name=self.adapter,
            code=self.adapter[:3].upper(),
        )
        channels.fetch_listings(channel=self.channel)

    def buy(self, lines: Lines) -> Sale | None:
        """As a buyer: only what the shop shows."""
        with self.shop.books.lock:
            stock = self.shop.books.stock()
            if any(stock[code] < quantity for code, quantity in lines):
                return None
            placed_at = datetime.now(UTC)
            sale = Sale(str(self.place(lines)), lines, placed_at)
        self.sales.append(sale)
        return sale

    def untaken(self) -> list[Sale]:
        """Of which it told us, and which are not here yet."""
        said = {sale.number: sale for sale in self.sales if sale.told_at is not None and not sale.here}
        for number in ChannelOrder.objects.filter(channel=self.channel, external_id__in=said).values_list("external_id", flat=True):
            said.pop(number).here = True
        return list(said.values())

    def fall_ill(self) -> None:
        self.shop.misbehave(".*", self._moody, times=10**9)

    def _moody(self, call: Any, proper: Callable[[], Answer]) -> Answer:
        """Mostly well; else gone before the work or after it, out of order, or late."""
        began_at, roll = datetime.now(UTC), self.dice.random() / FAULTS
        fault, ends = next(((name, ends) for limit, (name, ends) in enumerate(MOODS.items(), 1) if roll < limit), ("", _well))
        if fault == "late":
            time.sleep(self.dice.uniform(0.1, LONGEST_NAP_S))
        answer = ends(call, proper)
        self.served.append(Served(began_at, datetime.now(UTC), fault))
        return answer

    def recover(self) -> None:
        self.shop.behave()

    def failures(self) -> list[Span]:
        """Each from the call that failed until one was answered again; and what it took its time for."""
        spans: list[Span] = []
        since = None
        for call in sorted(self.served, key=lambda call: call.ended_at):
            if call.fault == "late":
                spans.append((call.began_at, call.ended_at))
            elif call.fault:
                since = since or call.began_at
            elif since is not None and call.began_at > since:
                spans.append((since, call.ended_at))
                since = None
        return spans


def _well(_call: Any, proper: Callable[[], Answer]) -> Answer:
    return proper()


MOODS: dict[str, Fault] = {
    "hung up": hang_up,
    "hung up after work": hang_up_after_work,
    "out of order": fail(503),
    "late": _well,
}


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
    adapter = "shopify"

    @property
    def keys(self) -> dict[str, str]:
        return {"access_token": self.shop.token, "client_secret": SECRET, "location_id": str(HERE)}

    def offer(self, code: str) -> None:
        self.shop.books.add_product(sku=code, quantity=0)

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

    def work_on_feeds(self) -> None:
        waiting = [key for key, feed in list(self.shop.books.feeds.items()) if feed["status"] == "IN_QUEUE"]
        self.shop.books.work_on_feeds()
        self.queue.say(*(feed_finished(key, key=delivery_id()) for key in waiting))


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
def four_corners(contracts: Contracts, dice: random.Random) -> Iterator[list[Corner]]:
    """Of a large seller: Amazon and Shopify let it call more often than others."""
    with ExitStack() as stack:
        woo = Woo(stack.enter_context(WooShop()), dice)
        shopify = Shopify(stack.enter_context(ShopifyShop(official_schema())), dice)
        shopify.shop.points = shopify.shop.maximum = 20_000.0
        shopify.shop.per_second = 2000.0
        ebay = EBay(stack.enter_context(EBayShop(Contract())), dice)
        amazon = Amazon(stack.enter_context(AmazonShop(contracts)), dice)
        amazon.shop.rates = {
            "getOrder": 50.0,
            "patchListingsItem": 50.0,
            "confirmShipment": 50.0,
            "createFeed": 1.0,
            "getFeed": 10.0,
            "searchOrders": 1.0,
        }
        amazon.queue = sqs.Sqs(stack.enter_context(sqs.sqs_serving()))
        over = threading.Event()
        stack.callback(over.set)
        threading.Thread(target=_pass_time, args=(amazon, shopify, over), daemon=True).start()
        yield [woo, shopify, ebay, amazon]
        for corner in (woo, shopify, ebay, amazon):
            corner.shop.check()


def _pass_time(amazon: Amazon, shopify: Shopify, over: threading.Event) -> None:
    """Amazon gets round to its feeds and says so, Shopify's bucket fills."""
    while not over.wait(1.0):
        amazon.work_on_feeds()
        shopify.shop.pass_time(1.0)


def delivery_id() -> str:
    return str(uuid.uuid4())
