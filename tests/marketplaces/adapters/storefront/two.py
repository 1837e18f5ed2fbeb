"""A shop with two locations, of which each is a warehouse of ours."""

from __future__ import annotations

from dataclasses import dataclass

from inventory.models import Sku, Warehouse
from marketplaces import channels, places
from marketplaces.models import Channel
from tests import make
from tests.marketplaces.adapters.storefront.shop import EVERYTHING, SECRET, StorefrontShop
from tests.marketplaces.shops import deliver_all


@dataclass
class Place:
    """The shop sells one sku at two locations; its warehouses have 10 and 4 of it."""

    shop: StorefrontShop
    channel: Channel
    west: Warehouse
    east: Warehouse
    thing: Sku

    def shown(self) -> dict[str, int]:
        return self.shop.books.there[self.shop.books.by_sku(self.thing.code)["id"]]

    def told(self) -> list[tuple[str, int, int | None]]:
        rows = [row for call in self.shop.made("stock.set") for row in call.data["rows"]]
        return [(row["location"], row["quantity"], row.get("expected")) for row in rows]

    def stock(self, house: Warehouse, quantity: int) -> None:
        make.stock(make.bin_of(house, "A-01"), self.thing, quantity)


def locate(channel: Channel, *houses: Warehouse, **locations: str) -> None:
    places.set_warehouses(channel=channel, warehouses=houses, routing="fallback", locations=locations)


def selling_at_two(shop: StorefrontShop, thing: Sku, **keys: str) -> Place:
    shop.declared |= {"locations": True, "answers": [*EVERYTHING, "locations.list"]}
    shop.books.locations = ["leipzig", "hamburg"]
    west, east = make.warehouse("WEST"), make.warehouse("EAST")
    shop.books.add_listing(sku=thing.code, quantity=3)
    channel = channels.connect(
        merchant=thing.merchant, warehouse=west, further=[east], adapter="storefront", base_url=shop.url,
        credentials={"secret": SECRET, **keys}, name="Own shop", code="OWN",
    )  # fmt: skip
    place = Place(shop, channel, west, east, thing)
    place.stock(west, 10)
    place.stock(east, 4)
    channels.fetch_listings(channel=channel)
    locate(channel, west, east, WEST="leipzig", EAST="hamburg")
    deliver_all()
    shop.calls.clear()
    return place
