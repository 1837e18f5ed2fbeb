"""Which inventory locations the seller has."""

from marketplaces.abilities import ShopPlace
from marketplaces.adapters.ebay.connection import INVENTORY, Connection, rows_of
from marketplaces.adapters.ebay.offers import number

PER_PAGE = 100


def every(connection: Connection) -> list[ShopPlace]:
    """Those that stock can be put to, in eBay's order."""
    found: list[ShopPlace] = []
    offset = 0
    while True:
        page = connection.get(f"{INVENTORY}/location", limit=PER_PAGE, offset=offset)
        rows = rows_of(page, "locations")
        found += [
            ShopPlace(str(row["merchantLocationKey"]), str(row.get("name") or row["merchantLocationKey"]))
            for row in rows
            if row.get("merchantLocationKey") and row.get("merchantLocationStatus") != "DISABLED"
        ]
        offset += len(rows)
        if not rows or offset >= (number(page.get("total")) or 0):
            return found
