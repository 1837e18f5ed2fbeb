"""Stock numbers: absolute, several skus in one call, with an answer for each. eBay has no compare-and-set.

A listing id is the seller's sku: the inventory interface and the lines of orders know no other name for what is counted.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from marketplaces.adapters._http import Stint
from marketplaces.adapters._pushed import GIVE_UP_AFTER, MOST_BREAKDOWNS
from marketplaces.adapters.ebay.connection import INVENTORY, Connection, JsonObject, error_of, object_of, rows_of
from marketplaces.adapters.ebay.offers import Offer, Offers, kept_of, number
from marketplaces.port import (
    ChannelListing,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    ListingPage,
    PushError,
    PushResult,
    StockLevel,
    reasons,
)

BATCH_SIZE = 25  # skus, and offers of all of them, in one call
PER_PAGE = 25  # each listing costs a call of its own for its offers
LONGEST_SKU = 50
# A listing may be revised 250 times in a calendar day; the platform counts days on the Pacific coast, and gives the refusal no id.
DAILY_REVISIONS = 250
DAY = ZoneInfo("America/Los_Angeles")
SPENT = re.compile(r"revis\w*\b.*\b(limit|maximum|exceed\w*|too many|times)|(limit|maximum|exceed\w*|too many)\b.*\brevis", re.IGNORECASE)
NO_ITEM, NO_OFFER, SYSTEM = {"25702", "25710"}, {"25713"}, {"25001"}

Results = dict[StockLevel, PushResult]


@dataclass(frozen=True, slots=True)
class Change:
    """The numbers of one sku, by location where they have one, and the offers that show them. `fresh`: asked for just now.

    What stands in the request replaces all that was there: a location that is left out has nothing more. So one that is `left` is not named,
    where eBay may no longer have it.
    """

    sku: str
    levels: tuple[StockLevel, ...]
    offer_ids: tuple[str, ...]
    fresh: bool
    left: frozenset[str] = frozenset()

    def request(self) -> JsonObject:
        quantity = sum(level.quantity for level in self.levels)
        availability: JsonObject = {"quantity": quantity}
        named = [level for level in self.levels if level.location and level.location not in self.left]
        if named:
            availability["availabilityDistributions"] = [
                {"merchantLocationKey": level.location, "quantity": level.quantity} for level in named
            ]
        request: JsonObject = {"sku": self.sku, "shipToLocationAvailability": availability}
        if self.offer_ids:
            request["offers"] = [{"offerId": offer_id, "availableQuantity": quantity} for offer_id in self.offer_ids]
        return request

    def all_are(self, kind: PushError | None, message: str = "", retry_after: float | None = None, *, alone: bool = False) -> Results:
        return {
            level: PushResult(
                level.listing_id, level.quantity, error=kind, message=message, retry_after=retry_after, location=level.location, alone=alone
            )
            for level in self.levels
        }


class Spare:
    """A platform in trouble is spared the rest: after a throttle, no answer, or a few failures in a row. `broke_down`: it did at the last attempt, perhaps
    at nothing else.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._last: ChannelUnavailable | None = None
        self.broke_down = False

    def attempt(self, work: Callable[[], Results], changes: Sequence[Change]) -> Results:
        """What `work` answers, or for all of `changes` why it could not be done or was not tried."""
        error, self.broke_down = self._last, False
        if error is None:
            try:
                results = work()
                self._failures = 0
                return results
            except ChannelUnavailable as failure:
                error = failure
                self._failures += 1
                most = MOST_BREAKDOWNS if error.broke_down else GIVE_UP_AFTER
                if isinstance(error, ChannelThrottled) or not error.answered or self._failures >= most:
                    self._last = error
                self.broke_down = error.broke_down and self._last is None
        kind = PushError.THROTTLED if isinstance(error, ChannelThrottled) else PushError.UNAVAILABLE
        later: Results = {}
        for change in changes:
            alone = self.broke_down and len(changes) == 1
            later |= change.all_are(kind, error.details["reason"], error.retry_after, alone=alone)
        return later


class Stock:
    def __init__(self, connection: Connection, account: str, locations: Sequence[str] = ()) -> None:
        """`locations`: the seller's places whose numbers are told and read apart."""
        self._connection, self._locations = connection, locations
        self._offers = Offers(connection, kept_of(account))

    def push(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Send each listing's last level, those of all its locations together. What is left when that takes too long is pending."""
        last = {(level.listing_id, level.location): level for level in levels}
        by_sku: dict[str, list[StockLevel]] = {}
        for level in last.values():
            by_sku.setdefault(level.listing_id, []).append(level)
        results: Results = {}
        ready: list[Change] = []
        spare, stint = Spare(), Stint()
        for sku, group in by_sku.items():
            left = frozenset(level.location for level in group if self._locations and not level.quantity) - set(self._locations)
            bare = Change(sku, tuple(group), (), fresh=True, left=left)
            if stint.over():
                results |= bare.all_are(PushError.PENDING, reasons.SLOW)
            elif _is_sku(sku):
                results |= spare.attempt(partial(self._prepare, bare, ready), [bare])
            else:
                results |= bare.all_are(PushError.UNKNOWN_LISTING, reasons.NO_ID.format(what=repr(bare.sku)))
        # What has been looked up is told, however long that took: the next time would be as slow.
        batches, tried = deque(_batches(ready)), False
        while batches:
            batch = batches.popleft()
            if tried and stint.over():
                results |= _pending(batch)
                continue
            tried = True
            results |= spare.attempt(partial(self._send, batch, stint), batch)
            if spare.broke_down and len(batch) > 1:
                batches += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
        return [results[last[level.listing_id, level.location]] for level in levels]

    def _prepare(self, bare: Change, ready: list[Change]) -> Results:
        """Find its offers; what comes of it is known when it is sent."""
        try:
            known = self._offers.known(bare.sku)
        except CredentialsRefused:
            raise
        except ChannelRefused as refusal:
            return self._failed(bare, "", refusal.http_status or 400, refusal.channel_code, refusal.details["reason"])
        ready.append(replace(bare, offer_ids=known.offer_ids[:BATCH_SIZE], fresh=known.fresh))
        return {}

    def _send(self, batch: list[Change], stint: Stint) -> Results:
        """Where the whole call is refused it is halved, as long as there is time: one bad row must not hold up the others."""
        try:
            body = {"requests": [change.request() for change in batch]}
            answer = object_of(self._connection.send("POST", f"{INVENTORY}/bulk_update_price_quantity", body=body))
        except CredentialsRefused:
            raise
        except ChannelRefused as error:
            if len(batch) == 1:
                return self._failed(batch[0], "", error.http_status or 400, error.channel_code, error.details["reason"])
            if stint.over():
                return _pending(batch)
            half = len(batch) // 2
            return self._send(batch[:half], stint) | self._send(batch[half:], stint)
        rows = rows_of(answer, "responses")
        results: Results = {}
        for change in batch:
            results |= self._outcome(
                change, [row for row in rows if row.get("sku") == change.sku or row.get("offerId") in change.offer_ids]
            )
        return results

    def _outcome(self, change: Change, rows: list[JsonObject]) -> Results:
        """The item's row and one for each offer, or fewer: the sku is done where none of them failed."""
        if not rows:
            return change.all_are(PushError.UNAVAILABLE, reasons.LEFT_OUT)
        for row in rows:
            status = number(row.get("statusCode")) or 0
            if not 200 <= status < 300:
                return self._failed(change, str(row.get("offerId") or ""), status, *error_of(row))
        return change.all_are(None)

    def _failed(self, change: Change, offer_id: str, status: int, code: str, text: str) -> Results:
        message = f"{code}: {text}" if code else text or f"HTTP {status}"
        if SPENT.search(text):
            return change.all_are(PushError.SPENT, message, _until_tomorrow_s())
        if status == 429:
            return change.all_are(PushError.THROTTLED, message)
        if status >= 500 or not status or code in SYSTEM:
            return change.all_are(PushError.UNAVAILABLE, message, alone=True)
        if code in NO_OFFER or (offer_id and status == 404):
            # It has ended since we asked for the offers; the next try asks again.
            self._offers.forget(change.sku)
            return change.all_are(PushError.REFUSED if change.fresh else PushError.UNAVAILABLE, message)
        if code in NO_ITEM or status == 404:
            return change.all_are(PushError.UNKNOWN_LISTING, message)
        return change.all_are(PushError.REFUSED, message)

    def listings(self, cursor: str) -> ListingPage:
        """The seller's items with the numbers that buyers see. `offset` counts pages here."""
        page = int(cursor or 0)
        answer = self._connection.get(f"{INVENTORY}/inventory_item", limit=PER_PAGE, offset=page)
        items = [item for item in rows_of(answer, "inventoryItems") if item.get("sku")]
        try:
            found = tuple(listing for item in items for listing in self._at_places(item, _listing(item, self._offers.of(str(item["sku"])))))
        except (TypeError, AttributeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.LISTINGS, error), answered=True) from error
        more = bool(items) and (bool(answer.get("next")) or (page + 1) * PER_PAGE < (number(answer.get("total")) or 0))
        return ListingPage(found, str(page + 1) if more else "")

    def _at_places(self, item: JsonObject, whole: ChannelListing) -> list[ChannelListing]:
        """What it shows at each location. Buyers see the number of the whole: by what that differs from their sum the first one is off."""
        if not self._locations or whole.quantity is None:
            return [replace(whole, location=location) for location in self._locations or ("",)]
        rows = ((item.get("availability") or {}).get("shipToLocationAvailability") or {}).get("availabilityDistributions") or []
        shown = {str(row.get("merchantLocationKey")): number(row.get("quantity")) or 0 for row in rows}
        there = {location: shown.get(location, 0) for location in self._locations}
        there[self._locations[0]] += whole.quantity - sum(there.values())
        return [replace(whole, location=location, quantity=quantity) for location, quantity in there.items()]


def _batches(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """No more skus, and no more offers, than one call takes."""
    batch: list[Change] = []
    for change in changes:
        if len(batch) >= BATCH_SIZE or sum(len(row.offer_ids) for row in [*batch, change]) > BATCH_SIZE:
            yield batch
            batch = []
        batch.append(change)
    if batch:
        yield batch


def _pending(changes: Sequence[Change]) -> Results:
    results: Results = {}
    for change in changes:
        results |= change.all_are(PushError.PENDING, reasons.SLOW)
    return results


def _is_sku(value: str) -> bool:
    return 0 < len(value) <= LONGEST_SKU and value.isprintable() and value == value.strip()


def _until_tomorrow_s() -> float:
    """Seconds until the platform's next day, and some: its clock is not ours."""
    now = datetime.now(DAY)
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
    return tomorrow.timestamp() - now.timestamp()


def _listing(item: JsonObject, offers: list[Offer]) -> ChannelListing:
    product = item.get("product") or {}
    own = ((item.get("availability") or {}).get("shipToLocationAvailability") or {}).get("quantity")
    numbers = [offer.quantity for offer in offers if offer.quantity is not None]
    codes = [code for name in ("ean", "upc", "isbn") for code in product.get(name) or []]
    ids = [offer.listing_id for offer in offers if offer.listing_id]
    return ChannelListing(
        listing_id=str(item["sku"]),
        sku=str(item["sku"]),
        title=str(product.get("title") or ""),
        quantity=min(numbers) if numbers else number(own),
        barcode=str(codes[0]) if codes else "",
        url=f"https://www.ebay.com/itm/{ids[0]}" if ids else "",
        active=any(offer.active for offer in offers),
    )
