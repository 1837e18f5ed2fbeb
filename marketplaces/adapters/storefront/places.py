"""Which locations the shop says that it has."""

from marketplaces.abilities import ShopPlace
from marketplaces.adapters.storefront.connection import Connection
from marketplaces.adapters.storefront.stock import page_of
from marketplaces.port import ChannelUnavailable, reasons

PER_PAGE = 200
LONGEST = 100


def every(connection: Connection) -> list[ShopPlace]:
    """In the shop's order. Raises ChannelUnavailable for one that makes no sense: nothing else would say which are missing."""
    found: list[ShopPlace] = []
    cursor, seen = "", {""}
    while True:
        items, cursor = page_of(connection.call("locations.list", {"cursor": cursor, "limit": PER_PAGE}))
        for row in items:
            location = row.get("location") if isinstance(row, dict) else None
            if not isinstance(location, str) or not 0 < len(location.strip()) <= LONGEST:
                raise ChannelUnavailable(reason=reasons.unreadable(reasons.LOCATIONS, repr(location)), answered=True)
            found.append(ShopPlace(location.strip(), str(row.get("name") or location)))
        if cursor in seen:
            return found
        seen.add(cursor)
