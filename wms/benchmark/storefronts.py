"""Shops on loopback in a process of their own, which note when each number was answered."""

from __future__ import annotations

import gc
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from wms.simulation.shop import Shop
from wms.simulation.shop_server import Answer, Call

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Told:
    """One batch of numbers that a shop took: `at` is time.monotonic() when it answered, `numbers` are (product id, quantity)."""

    shop: int
    at: float
    numbers: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Orders of the first shop, as (sku, quantity) lines, all of one buyer."""

    orders: list[list[tuple[str, int]]]
    buyer: dict[str, str]


class _Storefront(Shop):
    """The simulation's shop: it checks the signature of every call, keeps what it is told, and answers whole products."""

    def __init__(self, number: int, told: list[Told]) -> None:
        super().__init__()
        self._number, self._told = number, told

    def answer(self, call: Call) -> Answer:
        answer = super().answer(call)
        if call.path == "products/batch" and answer.status == 200:
            numbers = [(row["id"], row["stock_quantity"]) for row in answer.body["update"]]
            self._told.append(Told(self._number, time.monotonic(), numbers))
        return answer


def _serve(pipe: Pipe, count: int, codes: list[str]) -> None:
    told: list[Told] = []
    with ExitStack() as stack:
        shops = [_Storefront(number, told) for number in range(count)]
        for shop in shops:
            for code in codes:
                shop.books.add_product(sku=code)
        # What stands on the shelves for good is not looked through again while somebody waits for an answer.
        gc.freeze()
        pipe.send(([stack.enter_context(shop).url for shop in shops], min(shops[0].books.products)))
        while asked := pipe.recv():
            if isinstance(asked, _Placed):
                placed = [shops[0].books.place_order(lines, shipping=asked.buyer, billing=asked.buyer) for lines in asked.orders]
                pipe.send([json.dumps(shops[0].books.order(order_id)).encode() for order_id in placed])
                continue
            taken = told[:]
            del told[: len(taken)]
            pipe.send(taken)


class Storefronts:
    """`urls` are the shops' addresses for the adapter. In each of them the products count on from `first_product`.

    `shown` are the last numbers that were asked for with told(), by shop and product.
    """

    def __init__(self, pipe: Pipe, urls: list[str], first_product: int) -> None:
        self._pipe, self.urls, self.first_product = pipe, urls, first_product
        self.shown: dict[tuple[int, int], int] = {}

    def told(self) -> list[Told]:
        """What the shops were told since this was last asked, oldest first."""
        self._pipe.send(True)
        answered: list[Told] = self._pipe.recv()
        self.shown |= {(batch.shop, product): quantity for batch in answered for product, quantity in batch.numbers}
        return answered

    def place_orders(self, orders: list[list[tuple[str, int]]], buyer: dict[str, str]) -> list[bytes]:
        """Orders of (sku, quantity) lines in the first shop, as its webhooks say them."""
        self._pipe.send(_Placed(orders, buyer))
        bodies: list[bytes] = self._pipe.recv()
        return bodies


@contextmanager
def storefronts(count: int, codes: list[str]) -> Iterator[Storefronts]:
    """So many shops, each of which sells all of these codes."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, count, codes), daemon=True)
    process.start()
    try:
        if not ours.poll(PATIENCE_SECONDS):
            raise TimeoutError("the shops did not open")
        yield Storefronts(ours, *ours.recv())
        ours.send(False)
    finally:
        process.join(10)
        process.terminate()
