"""Stock numbers: absolute, in batches, each row with its own answer, and a sequence by which an overtaken message is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from marketplaces.adapters._http import Stint
from marketplaces.adapters._pushed import apart, failed, later, spared
from marketplaces.adapters.storefront.connection import Connection, JsonObject
from marketplaces.adapters.storefront.reading import read_places
from marketplaces.port import (
    ChannelError,
    ChannelListing,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    ListingPage,
    MessageUnreadable,
    PushError,
    PushResult,
    StockLevel,
    reasons,
)

Key = tuple[str, str]
Results = dict[Key, PushResult]


class Stock:
    def __init__(self, connection: Connection, location: str, at: Sequence[str] = ()) -> None:
        """`location` is meant where a level names none, and read where none is read apart; `at` are those that are."""
        self._connection = connection
        self._location, self._at = location, at

    def push(self, levels: Sequence[StockLevel], *, batch_size: int, compare_and_set: bool) -> list[PushResult]:
        """Send each listing's last level. After a throttle, no answer, or two failures in a row the rest is not sent; its rows say so.

        Nor is what is left when the push takes too long: it is pending.
        """
        last = {self._key(level): level for level in levels}
        waiting, results, failures, stint = list(last.values()), Results(), 0, Stint()
        while waiting:
            if stint.over():
                results |= {self._key(level): failed(level, PushError.PENDING, reasons.SLOW) for level in waiting}
                break
            batch, waiting = waiting[:batch_size], waiting[batch_size:]
            try:
                results |= self._send(batch, compare_and_set=compare_and_set)
                failures = 0
            except CredentialsRefused:
                raise
            except ChannelRefused as error:
                if error.http_status == 413 and len(batch) > 1:
                    batch_size = max(len(batch) // 2, 1)  # this shop takes no more: do not try again with every batch
                    waiting = [*batch, *waiting]
                    continue
                results |= {self._key(level): failed(level, PushError.REFUSED, error.details["reason"]) for level in batch}
            except ChannelUnavailable as error:
                found, trouble = apart(batch, partial(self._told, compare_and_set=compare_and_set), self._key, stint, error)
                results |= found
                failures = failures + 1 if trouble is not None else 0
                if trouble is not None and spared(trouble, failures):
                    results |= {self._key(level): later(level, trouble) for level in waiting}
                    break
        return [results[self._key(level)] for level in levels]

    def _key(self, level: StockLevel) -> Key:
        return level.listing_id, level.location or self._location

    def _told(self, part: Sequence[StockLevel], *, compare_and_set: bool) -> Results:
        try:
            return self._send(part, compare_and_set=compare_and_set)
        except CredentialsRefused:
            raise
        except ChannelRefused as error:
            return {self._key(level): failed(level, PushError.REFUSED, error.details["reason"]) for level in part}

    def _send(self, batch: Sequence[StockLevel], *, compare_and_set: bool) -> Results:
        rows = [self._row(level, compare_and_set=compare_and_set) for level in batch]
        # What was read later has a larger sequence, whoever sends it when: numbers that go out together are as old as the oldest of them.
        answer = self._connection.call("stock.set", {"sequence": min(level.as_of for level in batch), "rows": rows})
        if answer is None:  # 204: all of them are taken
            return {self._key(level): PushResult(level.listing_id, level.quantity, location=level.location) for level in batch}
        answered = answer.get("rows")
        if not isinstance(answered, list):
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.NUMBERS, "rows"), answered=True)
        by_key = {(str(row.get("id")), str(row.get("location") or self._location)): row for row in answered if isinstance(row, dict)}
        return {self._key(level): _result(level, by_key.get(self._key(level))) for level in batch}

    def _row(self, level: StockLevel, *, compare_and_set: bool) -> JsonObject:
        listing_id, location = self._key(level)
        row: JsonObject = {"id": listing_id, "quantity": level.quantity}
        if location:
            row["location"] = location
        if compare_and_set and level.expected is not None:
            row["expected"] = level.expected
        return row

    def listings(self, cursor: str) -> ListingPage:
        """What the shop sells, by its own cursor. One entry that makes no sense hides no other."""
        items, following = page_of(self._connection.call("listings.list", {"cursor": cursor, "limit": 200}))
        found: list[ChannelListing] = []
        for row in items:
            try:
                found += read_places(row, self._at, location=self._location)
            except MessageUnreadable:
                continue
        return ListingPage(tuple(found), "" if following == cursor else following)


def unsent(levels: Sequence[StockLevel], error: ChannelError) -> list[PushResult]:
    """For a shop that does not even say what it can do."""
    if isinstance(error, ChannelUnavailable):
        return [later(level, error) for level in levels]
    return [failed(level, PushError.REFUSED, error.details["reason"]) for level in levels]


def page_of(answer: JsonObject | None) -> tuple[list[Any], str]:
    """(items, next_cursor) of a list that the shop answered; the cursor is empty on the last page."""
    items, cursor = (answer or {}).get("items"), (answer or {}).get("next_cursor")
    if not isinstance(items, list) or not isinstance(cursor, str | None):
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.LISTINGS, "items, next_cursor"), answered=True)
    return items, cursor or ""


def _result(level: StockLevel, row: JsonObject | None) -> PushResult:
    if row is None:
        return failed(level, PushError.UNAVAILABLE, reasons.LEFT_OUT)
    status, message = row.get("status"), str(row.get("message") or row.get("status") or "")[:300]
    shown = row.get("shown")
    shown = shown if isinstance(shown, int) and not isinstance(shown, bool) else None
    if status == "taken":
        if shown not in (None, level.quantity):
            return failed(level, PushError.STALE, reasons.OTHER_NUMBER, shown)
        return PushResult(level.listing_id, level.quantity, shown=shown, location=level.location)
    kinds = {"stale": PushError.STALE, "unknown": PushError.UNKNOWN_LISTING, "later": PushError.UNAVAILABLE}
    return failed(level, kinds.get(str(status), PushError.REFUSED), message, shown)
