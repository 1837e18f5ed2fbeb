"""The buyers' side of the loopback shop: one product for each sku, orders at the shop's own till."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from wms.simulation import addresses
from wms.simulation.order_file import FileOrder
from wms.simulation.shop import Shop


class ShopKeeper:
    """`placed` are the shop's own order numbers by the file's reference."""

    def __init__(self, shop: Shop, channel_code: str) -> None:
        self.shop, self.channel_code = shop, channel_code
        self.placed: dict[str, int] = {}
        self._lock = threading.Lock()

    def stock_shelves(self, names: Mapping[str, str]) -> None:
        for sku, name in names.items():
            self.shop.books.add_product(sku=sku, name=name, quantity=0)

    def sell(self, order: FileOrder) -> None:
        """A buyer pays for an order. Shops sell what they believe to have, so that it may go below zero."""
        address = addresses.shop_address(order.reference, order.country)
        billing = {**address, "email": "buyer@shop.example"}
        number = self.shop.books.place_order(order.lines, shipping=address, billing=billing)
        with self._lock:
            self.placed[order.reference] = number

    def reference(self, number: int) -> str:
        """What the warehouse calls the shop's order."""
        return f"{self.channel_code}-{number}"

    def references(self) -> dict[str, str]:
        """The warehouse's reference by the file's."""
        with self._lock:
            return {reference: self.reference(number) for reference, number in self.placed.items()}

    def stock(self) -> dict[str, int]:
        return self.shop.books.stock()

    def knows_tracking(self, warehouse_reference: str, tracking_number: str) -> bool:
        """Whether the buyer was told this number exactly once."""
        number = int(warehouse_reference.removeprefix(f"{self.channel_code}-"))
        with self.shop.books.lock:
            notes = [note["note"] for note in self.shop.books.notes.get(number, [])]
        return sum(tracking_number in note for note in notes) == 1
