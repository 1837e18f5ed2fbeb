"""Stock numbers of one location: absolute, in batches, each row set only where the shop still shows what we believe it shows.

A listing id is the number of an inventory item: what is counted, and what fulfilment orders name.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from marketplaces.adapters._http import Stint
from marketplaces.adapters._pushed import apart, failed, later, spared
from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, JsonObject, gid, number_of
from marketplaces.port import (
    ChannelError,
    ChannelListing,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    ListingPage,
    PushError,
    PushResult,
    StockLevel,
    reasons,
)

BATCH_SIZE = 250  # every input list's limit
MOST_ROUNDS = 4
AGAIN_S = 1.0

STALE = {"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"}
UNDER_WAY = "IDEMPOTENCY_CONCURRENT_REQUEST"
USED_KEY = {"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}

Results = dict[StockLevel, PushResult]


class Stock:
    def __init__(self, connection: Connection, location: str, locations: Sequence[str] = ()) -> None:
        """`location` is meant where a level names none; `locations` are those whose numbers are read, that one where there are none."""
        self._connection = connection
        self._location, self._locations = location, tuple(locations)

    def push(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Send each listing's last level. After a throttle, no answer, or two failures in a row the rest is not sent; its rows say so.

        Nor is what is left when the push takes too long: it is pending.
        """
        last = {(level.listing_id, level.location): level for level in levels}
        results: Results = {}
        wanted = []
        for level in last.values():
            try:
                self._place(level)
                wanted.append(level)
            except ChannelRefused as error:
                results[level] = failed(level, PushError.UNKNOWN_LISTING, error.details["reason"])
        failures, stint = 0, Stint()
        for start in range(0, len(wanted), BATCH_SIZE):
            batch = wanted[start : start + BATCH_SIZE]
            try:
                results |= self._send(batch, stint)
                failures = 0
            except ChannelUnavailable as error:
                found, trouble = apart(batch, lambda part: self._send(list(part), stint), lambda level: level, stint, error)
                results |= found
                failures = failures + 1 if trouble is not None else 0
                if trouble is not None and spared(trouble, failures):
                    results |= {level: later(level, trouble) for level in wanted[start + BATCH_SIZE :]}
                    break
        self._look_up(results)
        return [results[last[level.listing_id, level.location]] for level in levels]

    def _place(self, level: StockLevel) -> tuple[str, str]:
        return gid("InventoryItem", level.listing_id), gid("Location", level.location) if level.location else self._location

    def _send(self, rows: list[StockLevel], stint: Stint) -> Results:
        """The shop takes all rows of a call or none: those that it names are left out of the next try. A used-up key gets a successor."""
        results: Results = {}
        key = self._key(rows)
        for _round in range(MOST_ROUNDS):
            if stint.over():
                return results | {level: failed(level, PushError.PENDING, reasons.SLOW) for level in rows}
            try:
                payload = self._set(rows, key)
            except CredentialsRefused:
                raise
            except ChannelRefused as error:
                return results | {level: failed(level, PushError.REFUSED, error.details["reason"]) for level in rows}
            named, codes, message = _errors(payload, rows)
            if not named and not codes:
                return results | self._done(payload, rows)
            if codes & USED_KEY:
                key = str(uuid.uuid4())
                continue
            if UNDER_WAY in codes:
                raise ChannelUnavailable(reason=message, retry_after=AGAIN_S, answered=True)
            if codes:
                return results | {level: named.get(level) or failed(level, PushError.REFUSED, message) for level in rows}
            results |= named
            rows = [level for level in rows if level not in named]
            if not rows:
                return results
            key = self._key(rows)
        return results | {level: failed(level, PushError.UNAVAILABLE, reasons.OTHERS_REFUSED) for level in rows}

    def _set(self, rows: Sequence[StockLevel], key: str) -> JsonObject:
        quantities = []
        for level in rows:
            item, location = self._place(level)
            quantities.append(
                # Without an expectation null says so: leaving it out is an error.
                {"inventoryItemId": item, "locationId": location, "quantity": level.quantity, "changeFromQuantity": level.expected}
            )
        change = {"name": "available", "reason": "correction", "quantities": quantities}
        payload = self._connection.call(documents.SET_QUANTITIES, input=change, key=key).get("inventorySetQuantities")
        if not isinstance(payload, dict):
            raise ChannelUnavailable(reason=reasons.NO_ANSWER.format(what="inventorySetQuantities"), answered=True)
        return payload

    def _key(self, rows: Sequence[StockLevel]) -> str:
        """The same for a repeat of the same push without expectations, so that the shop does it once; another for every new one.

        Without revisions a repeat cannot be told from a new push: then every key is new. So it is where the shop compares: a repeat is safe
        then, and a key that comes again after other numbers whose answers were lost would be answered with that old success.
        """
        if not all(level.revision and level.expected is None for level in rows):
            return str(uuid.uuid4())
        parts = [(*self._place(level), level.quantity, level.expected, level.revision) for level in rows]
        return str(uuid.UUID(bytes=hashlib.sha256(repr((self._connection.url, parts)).encode()).digest()[:16], version=4))

    def _done(self, payload: JsonObject, rows: Sequence[StockLevel]) -> Results:
        """Taken. Where the shop says what it shows now and that is another number, the row is not done."""
        after: dict[tuple[str, str], int] = {}
        group = payload.get("inventoryAdjustmentGroup")
        for change in (group or {}).get("changes") or []:
            quantity = change.get("quantityAfterChange")
            if change.get("name") == "available" and isinstance(quantity, int) and change.get("item") and change.get("location"):
                after[change["item"]["id"], change["location"]["id"]] = quantity
        results: Results = {}
        for level in rows:
            shown = after.get(self._place(level), level.quantity)
            if shown == level.quantity:
                results[level] = PushResult(level.listing_id, level.quantity, shown=shown, location=level.location)
            else:
                results[level] = failed(level, PushError.STALE, reasons.OTHER_NUMBER, shown)
        return results

    def _look_up(self, results: Results) -> None:
        """What the shop shows where it said only that it is another number. Without an answer it stays unknown."""
        by_location: dict[str, list[StockLevel]] = {}
        for level, result in results.items():
            if result.error is PushError.STALE and result.shown is None:
                by_location.setdefault(self._place(level)[1], []).append(level)
        for location, levels in by_location.items():
            for start in range(0, len(levels), BATCH_SIZE):
                part = levels[start : start + BATCH_SIZE]
                try:
                    nodes = self._connection.call(documents.SHOWN, ids=[self._place(level)[0] for level in part], location=location)[
                        "nodes"
                    ]
                except ChannelError:
                    return
                shown = {node["id"]: _available(node) for node in nodes if node}
                for level in part:
                    results[level] = failed(level, PushError.STALE, results[level].message, shown.get(self._place(level)[0]))

    def listings(self, cursor: str) -> ListingPage:
        """Variants in the order of their ids, so that new ones come last, with the location's numbers; of several locations one after another.

        A cursor then begins with the number of its location.
        """
        location, _sign, after = cursor.partition(":") if self._locations else ("", "", cursor)
        location = location or next(iter(self._locations), "")
        place = gid("Location", location) if location else self._location
        page = self._connection.call(documents.LISTINGS, location=place, after=after or None).get("productVariants")
        try:
            found = tuple(_listing(node, location) for node in page["nodes"])  # type: ignore[index]  # TypeError says so
            info = page["pageInfo"]  # type: ignore[index]  # as above
            following = str(info["endCursor"] or "") if info["hasNextPage"] else ""
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.LISTINGS, error), answered=True) from error
        following = "" if following == after else following
        if not self._locations:
            return ListingPage(found, following)
        nexts = self._locations[self._locations.index(location) + 1 :]
        return ListingPage(found, f"{location}:{following}" if following else f"{nexts[0]}:" if nexts else "")


def _errors(payload: JsonObject, rows: Sequence[StockLevel]) -> tuple[Results, set[str], str]:
    """What is wrong: with single rows, the codes of what is wrong with all of them, and a message."""
    named: Results = {}
    codes: set[str] = set()
    messages = []
    for error in payload.get("userErrors") or []:
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
        index = next((int(part) for part in error.get("field") or [] if str(part).isdecimal()), -1)
        if code in USED_KEY or code == UNDER_WAY or not 0 <= index < len(rows):
            codes.add(code)
            messages.append(f"{code}: {message}")
            continue
        kind = PushError.STALE if code in STALE else PushError.UNKNOWN_LISTING if code == "INVALID_INVENTORY_ITEM" else PushError.REFUSED
        named[rows[index]] = failed(rows[index], kind, f"{code}: {message}")
    return named, codes, "; ".join(messages)


def _available(item: JsonObject) -> int | None:
    """None where the location does not stock it."""
    level = item.get("inventoryLevel")
    quantities: list[Any] = level["quantities"] if level else []
    return quantities[0]["quantity"] if quantities else None


def _listing(variant: JsonObject, location: str) -> ChannelListing:
    product, item = variant["product"], variant["inventoryItem"]
    options = "" if variant["title"] == "Default Title" else variant["title"]
    return ChannelListing(
        listing_id=number_of(item["id"]),
        sku=variant["sku"] or "",
        title=" - ".join(part for part in (product["title"], options) if part),
        quantity=_available(item) if item["tracked"] else None,
        barcode=variant["barcode"] or "",
        url=product["onlineStoreUrl"] or "",
        active=product["status"] in {"ACTIVE", "UNLISTED"},
        sells_without_stock=variant["inventoryPolicy"] == "CONTINUE",
        location=location,
    )
