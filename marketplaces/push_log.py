"""What was told to whom, when, upon which event, and what was answered: written along with the answers, in one statement."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from marketplaces.port import PushError, PushResult, storable
from wms.core.prepared import array_literal

LONGEST_CAUSE, LONGEST_MESSAGE, LONGEST_ERROR = 120, 300, 500
# Why a number is told although no stock changed.
WITHOUT_CHANGE = ("all", "drift", "left", "overtaken", "paused", "raised", "refused", "resumed", "tied")


class Since(NamedTuple):
    """When (seconds since 1970) and because of what a listing's number in its shop stopped being true; `tries`: how often it was told in vain."""

    at: float
    because: str
    tries: int = 0


def now(because: str) -> Since:
    return Since(round(time.time(), 3), because)


def in_payload(stale: Mapping[int, Since]) -> dict[str, list[Any]]:
    """Of an event about these listings: their ids, and beside them since when, because of what and, where any was, how often tried."""
    listing_ids = sorted(stale)
    told: dict[str, list[Any]] = {
        "listing_ids": listing_ids,
        "at": [stale[key].at for key in listing_ids],
        "because": [stale[key].because[:LONGEST_CAUSE] for key in listing_ids],
    }
    tries = [stale[key].tries for key in listing_ids]
    return {**told, "tries": tries} if any(tries) else told


def of_payloads(payloads: Iterable[Mapping[str, Any]]) -> dict[int, Since]:
    """The listings of several events, each since the oldest of them and as often tried as in any."""
    stale: dict[int, Since] = {}
    for payload in payloads:
        listing_ids = payload["listing_ids"]
        ats, causes = payload.get("at") or [time.time()] * len(listing_ids), payload.get("because") or [""] * len(listing_ids)
        tries = payload.get("tries") or 0
        each = tries if isinstance(tries, list) else [tries] * len(listing_ids)  # of all together, as events said before
        for key, at, because, tried in zip(listing_ids, ats, causes, each, strict=True):
            told, known = Since(at, because, tried), stale.get(key)
            if known is not None:
                told = (told if at < known.at else known)._replace(tries=max(tried, known.tries))
            stale[key] = told
    return stale


def places_of(payloads: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Since]]:
    """Of the listings that are stale at some of their shop's places alone: at which, by location, and since when."""
    by_location: dict[str, list[Mapping[str, Any]]] = {}
    for payload in payloads:
        by_location.setdefault(payload.get("location", ""), []).append(payload)
    whole = {key for payload in by_location.pop("", ()) for key in payload["listing_ids"]} if len(by_location) > 1 else ()
    places: dict[int, dict[str, Since]] = {}
    for location, group in by_location.items():
        for key, since in of_payloads(group).items() if location else ():
            if key not in whole:
                places.setdefault(key, {})[location] = since
    return places


def oldest_changes(payloads: Iterable[Mapping[str, Any]]) -> tuple[list[int], list[int], list[float], list[str]]:
    """What `stock.changed` told, each warehouse's sku once, since the oldest event: (warehouses, skus, seconds since 1970, causes)."""
    oldest: dict[tuple[int, int], Since] = {}
    for payload in payloads:
        sku_ids, at = payload["sku_ids"], payload.get("at") or time.time()
        for sku_id, because in zip(sku_ids, payload.get("because") or [""] * len(sku_ids), strict=True):
            place = payload["warehouse_id"], sku_id
            if place not in oldest or at < oldest[place].at:
                oldest[place] = Since(at, because)
    places = sorted(oldest)
    return (
        [place[0] for place in places],
        [place[1] for place in places],
        [oldest[place].at for place in places],
        [oldest[place].because for place in places],
    )


_CHANGED = """
INSERT INTO marketplaces_stockchange (warehouse_id, sku_id, at, by, because)
SELECT c.warehouse_id, c.sku_id, to_timestamp(c.at), c.by, c.because
FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::bigint[], %s::text[]) AS c (warehouse_id, sku_id, at, by, because)
WHERE c.by <> 0 AND (EXISTS (SELECT FROM marketplaces_listing l WHERE l.sku_id = c.sku_id)
    OR EXISTS (SELECT FROM marketplaces_bundlecomponent k JOIN marketplaces_listing l ON l.bundle_id = k.bundle_id WHERE k.sku_id = c.sku_id))
"""


def write_changes(payloads: Sequence[Mapping[str, Any]]) -> None:
    """A step: keep what `stock.changed` told of skus that some shop sells, alone or in a bundle."""
    rows = [
        (payload["warehouse_id"], sku_id, payload["at"], by, because[:LONGEST_CAUSE])
        for payload in payloads
        if "by" in payload
        for sku_id, by, because in zip(payload["sku_ids"], payload["by"], payload["because"], strict=True)
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGED, list(map(list, zip(*rows, strict=True))))


class Answered(NamedTuple):
    """One listing's number with the shop's answer; `before` is what the shop had taken last, times are seconds since 1970.

    `location`: at which of the shop's places, where it has several.
    """

    listing_id: int
    before: int | None
    since: Since | None
    sent_at: float
    answered_at: float
    result: PushResult
    location: str = ""


_ANSWERS = """
SELECT * FROM unnest(%(listing)s::bigint[], %(quantity)s::bigint[], %(before)s::bigint[], %(stale_at)s::float8[], %(because)s::text[],
                     %(sent_at)s::float8[], %(answered_at)s::float8[], %(error)s::text[], %(message)s::text[], %(location)s::text[])
     AS p (listing_id, quantity, before, stale_at, because, sent_at, answered_at, error, message, location)
"""
_APPEND = """
INSERT INTO marketplaces_stockpush (listing_id, quantity, before, stale_at, because, sent_at, answered_at, error, message, location)
SELECT listing_id, quantity, before, to_timestamp(stale_at), because, to_timestamp(sent_at), to_timestamp(answered_at), error,
       left(message, {longest}), coalesce(location, '')
FROM ({answers}) a
"""
_WRITE = _APPEND.format(answers=_ANSWERS, longest=LONGEST_MESSAGE)
_WRITE_AND_BELIEVE = f"""
WITH answer AS MATERIALIZED ({_ANSWERS}), appended AS ({_APPEND.format(answers="TABLE answer", longest=LONGEST_MESSAGE)})
UPDATE marketplaces_listing l
SET pushed_quantity = CASE WHEN a.error = '' THEN a.quantity ELSE l.pushed_quantity END,
    pushed_at = CASE WHEN a.error = '' THEN now() ELSE l.pushed_at END,
    last_error = CASE WHEN a.error = '' THEN '' ELSE left(a.error || ': ' || a.message, {LONGEST_ERROR}) END
FROM answer a WHERE l.id = a.listing_id AND l.channel_id = %(channel)s AND a.error <> '{PushError.PENDING}'
"""

# The same of a located channel, whose places each have a number of their own.
_WRITE_AND_BELIEVE_THERE = f"""
WITH answer AS MATERIALIZED ({_ANSWERS}), appended AS ({_APPEND.format(answers="TABLE answer", longest=LONGEST_MESSAGE)}), last AS (
    SELECT DISTINCT ON (a.listing_id, a.location) a.* FROM answer a JOIN marketplaces_listing l ON l.id = a.listing_id AND l.channel_id = %(channel)s
    WHERE a.error <> '{PushError.PENDING}' ORDER BY a.listing_id, a.location, a.answered_at DESC
)
INSERT INTO marketplaces_listingplace AS s (listing_id, location, pushed_quantity, pushed_at, last_error)
SELECT listing_id, location, CASE WHEN error = '' THEN quantity END, CASE WHEN error = '' THEN now() END,
       CASE WHEN error = '' THEN '' ELSE left(error || ': ' || message, {LONGEST_ERROR}) END
FROM last
ON CONFLICT (listing_id, location) DO UPDATE
SET pushed_quantity = coalesce(EXCLUDED.pushed_quantity, s.pushed_quantity), pushed_at = coalesce(EXCLUDED.pushed_at, s.pushed_at),
    last_error = EXCLUDED.last_error
"""
# A place that is no warehouse's any more has nothing left to be told when it shows 0, or the shop no longer has the listing.
_FORGET_PLACES = f"""
DELETE FROM marketplaces_listingplace s USING marketplaces_listing l
WHERE l.id = s.listing_id AND l.id = ANY(%(listing)s::bigint[]) AND l.channel_id = %(channel)s
  AND (s.last_error = '' AND s.pushed_quantity = 0 OR starts_with(s.last_error, '{PushError.UNKNOWN_LISTING}'))
  AND NOT EXISTS (SELECT FROM marketplaces_channelwarehouse p WHERE p.channel_id = l.channel_id AND p.location = s.location)
"""
# All places together; unknown while one was never told.
_BELIEVE_TOGETHER = """
UPDATE marketplaces_listing l SET pushed_quantity = t.quantity, pushed_at = t.at, last_error = t.error
FROM (
    SELECT listing_id, CASE WHEN bool_and(pushed_quantity IS NOT NULL) THEN sum(pushed_quantity) END AS quantity,
           CASE WHEN bool_and(pushed_at IS NOT NULL) THEN min(pushed_at) END AS at,
           coalesce((array_agg(last_error ORDER BY location) FILTER (WHERE last_error <> ''))[1], '') AS error
    FROM marketplaces_listingplace WHERE listing_id = ANY(%(listing)s::bigint[]) GROUP BY listing_id
) t
WHERE l.id = t.listing_id AND l.channel_id = %(channel)s
"""


def write(answers: Sequence[Answered]) -> None:
    """Append these answers: one statement for any number of them."""
    if answers:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, _columns(answers))


def write_and_believe(answers: Sequence[Answered], channel_id: int) -> None:
    """Append these answers, and note at the channel's listings what the shop has now; one statement. What is pending changes no listing."""
    if answers:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE_AND_BELIEVE, {**_columns(answers), "channel": channel_id})


def write_and_believe_there(answers: Sequence[Answered], channel_id: int) -> None:
    """The same of a located channel: what each place has now, and the listings with all of theirs. Three statements for any number of answers."""
    if answers:
        columns = {**_columns(answers), "channel": channel_id}
        with connection.cursor() as cursor:
            cursor.execute(_WRITE_AND_BELIEVE_THERE, columns)
            cursor.execute(_FORGET_PLACES, columns)
            cursor.execute(_BELIEVE_TOGETHER, columns)


def _columns(answers: Sequence[Answered]) -> dict[str, str | None]:
    """Array literals: written as the driver does it, every element would be an expression of its own."""
    since, results = [answer.since for answer in answers], [answer.result for answer in answers]
    columns: dict[str, list[Any]] = {
        "listing": [answer.listing_id for answer in answers],
        "quantity": [result.quantity for result in results],
        "before": [answer.before for answer in answers],
        "stale_at": [stale.at if stale else None for stale in since],
        "because": [stale.because if stale else "" for stale in since],
        "sent_at": [answer.sent_at for answer in answers],
        "answered_at": [answer.answered_at for answer in answers],
        "error": [str(result.error or "") for result in results],
        "message": [storable(result.message[:LONGEST_ERROR]) for result in results],
    }
    located = any(answer.location for answer in answers)
    return {
        **{name: array_literal(column) for name, column in columns.items()},
        "location": array_literal([answer.location for answer in answers]) if located else None,
    }
