"""What a seller offers and sends himself. A listing id is the seller's own sku."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from marketplaces.adapters.amazon.connection import Connection, JsonObject
from marketplaces.adapters.amazon.feeds import BY_SELLER
from marketplaces.port import ChannelListing, ChannelRefused, ChannelUnavailable, ListingPage, reasons

PAGE_SIZE = 20  # the most there is


@dataclass(frozen=True, slots=True)
class Position:
    """In a search for what was made at `after` or later: `count` are read, the youngest of them made at `newest`; it goes on at `token`."""

    after: str = ""
    token: str = ""
    count: int = 0
    newest: str = ""

    def following(self, made: Sequence[str], total: int, token: str) -> "Position | None":
        """None at the end. A search may end before its last result: what comes after that is searched for anew."""
        here = replace(self, count=self.count + len(made), newest=max([self.newest, *made]))
        if token and token != self.token and made:
            return replace(here, token=token)
        if here.count >= total or not made:
            return None
        if here.newest == self.after:
            raise ChannelRefused(reason=reasons.TOO_MANY_LISTINGS.format(what=here.newest), channel_code="too_many")
        return Position(after=here.newest)


class Listings:
    def __init__(self, connection: Connection, seller_id: str, marketplace_ids: Sequence[str]) -> None:
        self._connection = connection
        self._path = f"/listings/2021-08-01/items/{quote(seller_id, safe='')}"
        self._marketplaces = ",".join(marketplace_ids)

    def page(self, cursor: str) -> ListingPage:
        """Oldest first, so that new ones come last. Goods that Amazon sends are left out: told a number, they would leave its warehouses."""
        position = Position(**json.loads(cursor)) if cursor else Position()
        params = {
            "marketplaceIds": self._marketplaces,
            "includedData": "summaries,fulfillmentAvailability",
            "sortBy": "createdDate",
            "sortOrder": "ASC",
            "pageSize": str(PAGE_SIZE),
        }
        params |= {"createdAfter": position.after} if position.after else {}
        params |= {"pageToken": position.token} if position.token else {}
        answer = self._connection.call("searchListingsItems", "GET", self._path, params=params)
        try:
            rows = answer["items"]
            token = str((answer.get("pagination") or {}).get("nextToken") or "")
            following = position.following([_made(row) for row in rows], int(answer["numberOfResults"]), token)
            found = tuple(listing for row in rows if (listing := _listing(row)) is not None)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.LISTINGS, error), answered=True) from error
        return ListingPage(found, json.dumps(_fields(following)) if following else "")


def _fields(position: Position) -> dict[str, Any]:
    return {name: getattr(position, name) for name in position.__dataclass_fields__}


def _made(row: JsonObject) -> str:
    moment = min(datetime.fromisoformat(summary["createdDate"]) for summary in row["summaries"])
    return moment.isoformat()


def _listing(row: JsonObject) -> ChannelListing | None:
    """None for what Amazon sends. Something new has no number yet, which is no 0."""
    stock = {entry["fulfillmentChannelCode"]: entry.get("quantity") for entry in row.get("fulfillmentAvailability") or []}
    if stock and BY_SELLER not in stock:
        return None
    sku, summaries = str(row["sku"]), row["summaries"]
    return ChannelListing(
        listing_id=sku,
        sku=sku,
        title=next((str(summary["itemName"]) for summary in summaries if summary.get("itemName")), ""),
        quantity=stock.get(BY_SELLER),
        active=any("BUYABLE" in summary["status"] for summary in summaries),
    )
