"""A shop with two locations, of which each is a warehouse of ours."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import Sku, Warehouse
from marketplaces import channels, places
from marketplaces.models import Channel, ListingPlace
from tests import make
from tests.marketplaces.adapters.shopify.books import ELSEWHERE, HERE
from tests.marketplaces.adapters.shopify.conftest import SECRET
from tests.marketplaces.adapters.shopify.shop import ShopifyShop

WEST, EAST = str(HERE), str(ELSEWHERE)


@dataclass
class Place:
    """The shop sells one sku at two locations; its warehouses have 10 and 4 of it."""

    shop: ShopifyShop
    channel: Channel
    west: Warehouse
    east: Warehouse
    thing: Sku

    def shown(self) -> tuple[int, int]:
        levels = self.shop.books.items[self.shop.books.by_sku(self.thing.code)]["levels"]
        return levels[HERE], levels[ELSEWHERE]

    def told(self) -> list[tuple[str, int, int | None]]:
        """(location, quantity, upon which number) of all pushes, in their order."""
        rows = [row for call in self.shop.made("SetQuantities") for row in call.variables["input"]["quantities"]]
        return [(row["locationId"].rpartition("/")[2], row["quantity"], row["changeFromQuantity"]) for row in rows]

    def known(self) -> dict[str, tuple[int | None, str]]:
        return {place.location: (place.pushed_quantity, place.last_error) for place in ListingPlace.objects.all()}

    def stock(self, house: Warehouse, quantity: int) -> None:
        make.stock(make.bin_of(house, "A-01"), self.thing, quantity)


def connect(shop: ShopifyShop, west: Warehouse, east: Warehouse, thing: Sku, **more: object) -> Channel:
    keys = {"access_token": shop.token, "client_secret": SECRET, "location_id": WEST}
    return channels.connect(
        merchant=thing.merchant, warehouse=west, further=[east], adapter="shopify", base_url=shop.url, credentials=keys,
        name="Shopify", code="SHO", **more,  # type: ignore[arg-type]  # fields of any type
    )  # fmt: skip


def locate(channel: Channel, *houses: Warehouse, **locations: str) -> None:
    places.set_warehouses(channel=channel, warehouses=houses, routing="fallback", locations=locations)
