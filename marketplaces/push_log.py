"""What was told to whom, when, upon which event, and what was answered: written along with the answers, in one statement."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from marketplaces.port import PushResult

LONGEST_CAUSE, LONGEST_MESSAGE = 120, 300
# Why a number is told although no stock changed.
WITHOUT_CHANGE = ("all", "drift", "overtaken", "paused", "raised", "refused", "resumed", "tied")


class Since(NamedTuple):
    """When (seconds since 1970) and because of what a listing's number in its shop stopped being true."""

    at: float
    because: str


def now(because: str) -> Since:
    return Since(round(time.time(), 3), because)


def in_payload(stale: Mapping[int, Since]) -> dict[str, list[Any]]:
    """Of an event about these listings: their ids, and beside them since when and because of what."""
    listing_ids = sorted(stale)
    return {
        "listing_ids": listing_ids,
        "at": [stale[key].at for key in listing_ids],
        "because": [stale[key].because[:LONGEST_CAUSE] for key in listing_ids],
    }


def of_payloads(payloads: Iterable[Mapping[str, Any]]) -> dict[int, Since]:
    """The listings of several events, each since the oldest of them."""
    stale: dict[int, Since] = {}
    for payload in payloads:
        listing_ids = payload["listing_ids"]
        ats, causes = payload.get("at") or [time.time()] * len(listing_ids), payload.get("because") or [""] * len(listing_ids)
        for key, at, because in zip(listing_ids, ats, causes, strict=True):
            if key not in stale or at < stale[key].at:
                stale[key] = Since(at, because)
    return stale


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


@dataclass(frozen=True, slots=True)
class Answered:
    """One listing's number with the shop's answer; `before` is what the shop had taken last, times are seconds since 1970."""

    listing_id: int
    before: int | None
    since: Since | None
    sent_at: float
    answered_at: float
    result: PushResult


# As JSON the rows cost a fifth of what eight arrays do, where every element is an expression of its own.
_PUSHED = """
INSERT INTO marketplaces_stockpush (listing_id, quantity, before, stale_at, because, sent_at, answered_at, error, message)
SELECT listing_id, quantity, before, to_timestamp(stale_at), because, to_timestamp(sent_at), to_timestamp(answered_at), error, message
FROM json_to_recordset(%s::json) AS p (listing_id bigint, quantity bigint, before bigint, stale_at float8, because text,
                                       sent_at float8, answered_at float8, error text, message text)
"""


def write(answers: Sequence[Answered]) -> None:
    """Append these answers: one statement for any number of them."""
    if not answers:
        return
    rows = [
        {
            "listing_id": answer.listing_id,
            "quantity": answer.result.quantity,
            "before": answer.before,
            "stale_at": answer.since.at if answer.since else None,
            "because": answer.since.because if answer.since else "",
            "sent_at": answer.sent_at,
            "answered_at": answer.answered_at,
            "error": answer.result.error or "",
            "message": answer.result.message[:LONGEST_MESSAGE].replace("\x00", ""),
        }
        for answer in answers
    ]
    with connection.cursor() as cursor:
        cursor.execute(_PUSHED, [json.dumps(rows)])
