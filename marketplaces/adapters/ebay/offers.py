"""Which published offers sell a sku. An offer's own number counts before the item's: whoever sets only the item's changes nothing."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from marketplaces.adapters.ebay.connection import INVENTORY, Connection, JsonObject, rows_of
from marketplaces.port import NotOnChannel

# New offers are seen after this, or when the listings are read.
KEPT_S = 3600.0
ENDED = {"ENDED", "INACTIVE"}


@dataclass(frozen=True, slots=True)
class Offer:
    """`quantity` is None where the offer has no number of its own."""

    offer_id: str
    listing_id: str
    quantity: int | None
    active: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The ids of a sku's offers; `fresh` where they were asked for just now."""

    offer_ids: tuple[str, ...]
    fresh: bool


class Offers:
    def __init__(self, connection: Connection, kept: "Kept") -> None:
        self._connection = connection
        self._kept = kept

    def of(self, sku: str) -> list[Offer]:
        """What sells the sku now: published, for a fixed price. Auctions have one unit and stay as they are."""
        try:
            page = self._connection.get(f"{INVENTORY}/offer", sku=sku)
            offers = [_offer(row) for row in rows_of(page, "offers") if row.get("status") == "PUBLISHED" and row.get("format") != "AUCTION"]
        except NotOnChannel:
            offers = []
        self._kept.put(sku, tuple(offer.offer_id for offer in offers))
        return offers

    def known(self, sku: str) -> Known:
        kept = self._kept.get(sku)
        if kept is not None:
            return Known(kept, fresh=False)
        return Known(tuple(offer.offer_id for offer in self.of(sku)), fresh=True)

    def forget(self, sku: str) -> None:
        self._kept.forget(sku)


class Kept:
    """What this process knows of one seller's offers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, tuple[tuple[str, ...], float]] = {}

    def get(self, sku: str) -> tuple[str, ...] | None:
        with self._lock:
            ids, until = self._ids.get(sku, ((), 0.0))
        return ids if time.monotonic() < until else None

    def put(self, sku: str, ids: tuple[str, ...]) -> None:
        with self._lock:
            self._ids[sku] = ids, time.monotonic() + KEPT_S

    def forget(self, sku: str) -> None:
        with self._lock:
            self._ids.pop(sku, None)


def _offer(row: JsonObject) -> Offer:
    listing = row.get("listing") or {}
    return Offer(
        offer_id=str(row.get("offerId") or ""),
        listing_id=str(listing.get("listingId") or ""),
        quantity=number(row.get("availableQuantity")),
        active=listing.get("listingStatus") not in ENDED,
    )


def number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_kept: dict[str, Kept] = {}
_kept_lock = threading.Lock()


def kept_of(account: str) -> Kept:
    with _kept_lock:
        return _kept.setdefault(account, Kept())
