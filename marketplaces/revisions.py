"""Platforms that take only so many numbers for a listing in a day: the last ones are kept for falls to zero, rises wait longer and longer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from marketplaces.holding import hold
from marketplaces.models import Channel
from marketplaces.port import Capabilities, PushError
from marketplaces.push_log import WITHOUT_CHANGE, Answered, Since

# So many of a day's numbers are for falls to zero alone.
KEPT_FOR_ZERO = 10
# The platform's clock is not ours.
SLACK_S = 300.0


class Number(Protocol):
    """What the sync is about to tell of one listing."""

    @property
    def listing_id(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def pushed_quantity(self) -> int | None: ...
    @property
    def pushed_at(self) -> datetime | None: ...
    @property
    def unsure(self) -> bool: ...


N = TypeVar("N", bound=Number)


def sort(capabilities: Capabilities, numbers: Sequence[N], since: Mapping[int, Since]) -> tuple[list[N], dict[int, float]]:
    """Which numbers go out now, and for how many seconds the other listings wait.

    Where the platform has no such limit all of them do. A number that the shop shows already is left out: it would cost a revision. It does not where
    it has sold of the listing since it was told. All places of a listing together cost one, and go out together.
    """
    if capabilities.daily_revisions is None:
        return list(numbers), {}
    used = told_today(capabilities, [row.listing_id for row in numbers])
    now, left_s = timezone.now(), _left_of_day_s(capabilities)
    out: list[N] = []
    waiting: dict[int, float] = {}
    by_listing: dict[int, list[N]] = {}
    for number in numbers:
        by_listing.setdefault(number.listing_id, []).append(number)
    together: list[tuple[Number, list[N]]] = [(rows[0] if len(rows) == 1 else _Together(rows), rows) for rows in by_listing.values()]
    same = {row.listing_id for row, _rows in together if row.quantity == row.pushed_quantity and not row.unsure}
    same = {key for key in same if key in since and since[key].because not in WITHOUT_CHANGE}
    same -= _sold_since_told(same)
    for row, rows in together:
        if row.listing_id in same:
            continue
        pushed_s = (now - row.pushed_at).total_seconds() if row.pushed_at else left_s
        seconds = wait_s(row, capabilities.daily_revisions - used.get(row.listing_id, 0), capabilities.daily_revisions, left_s, pushed_s)
        if seconds > 0:
            waiting[row.listing_id] = seconds
        else:
            out += rows
    return out, waiting


# What the shop had sold by the time that it was told, but said later, is among them: that costs a revision too many. None is older than a poll and its
# failures. Each order's lines are read once, for all of the listings together.
_SOLD_SINCE_TOLD = """
WITH told AS MATERIALIZED (
    SELECT id, channel_id, external_id, external_sku, pushed_at FROM marketplaces_listing WHERE id = ANY(%s)
), sold AS MATERIALIZED (
    SELECT o.channel_id, o.placed_at, o.heard_at, line.listing_id, line.sku
    FROM (SELECT channel_id, min(pushed_at) AS oldest FROM told GROUP BY channel_id) c
    JOIN marketplaces_channelorder o ON o.channel_id = c.channel_id AND o.placed_at > c.oldest - interval '1 hour' AND o.heard_at > c.oldest
    CROSS JOIN LATERAL jsonb_to_recordset(o.lines) AS line (listing_id text, sku text)
)
SELECT t.id FROM told t JOIN sold s ON s.channel_id = t.channel_id AND s.listing_id = t.external_id
WHERE s.placed_at > t.pushed_at - interval '1 hour' AND s.heard_at > t.pushed_at
UNION
SELECT t.id FROM told t JOIN sold s ON s.channel_id = t.channel_id AND s.sku = t.external_sku AND t.external_sku <> ''
WHERE s.placed_at > t.pushed_at - interval '1 hour' AND s.heard_at > t.pushed_at
"""


def _sold_since_told(listing_ids: Collection[int]) -> set[int]:
    """Those of which the shop itself has sold since: it shows fewer than it was told, though as many may be sold again."""
    if not listing_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_SOLD_SINCE_TOLD, [list(listing_ids)])
        return {key for (key,) in cursor.fetchall()}


class _Together:
    """All places of a listing as one number: it falls where one of them does."""

    def __init__(self, rows: Sequence[Number]) -> None:
        self.listing_id = rows[0].listing_id
        self.quantity = sum(row.quantity for row in rows)
        falls = any(row.pushed_quantity is None or row.quantity < row.pushed_quantity for row in rows)
        self.pushed_quantity = None if falls else sum(row.pushed_quantity or 0 for row in rows)
        self.pushed_at = max((row.pushed_at for row in rows if row.pushed_at), default=None)
        self.unsure = any(row.unsure for row in rows)


def wait_s(row: Number, left: int, limit: int, left_of_day_s: float, pushed_s: float) -> float:
    """Seconds that a number waits, with `left` of `limit` numbers for the rest of the day, `pushed_s` after the last one.

    A fall goes out at once, the last few to zero only. A rise does so while half of the day's numbers are left; then what is left of
    them is spread over what is left of the day.
    """
    falls = row.pushed_quantity is None or row.quantity < row.pushed_quantity or row.unsure
    if row.quantity == 0 and falls:
        return 0.0 if left > 0 else left_of_day_s
    left -= KEPT_FOR_ZERO
    if left <= 0:
        return left_of_day_s
    if falls or left > limit / 2:
        return 0.0
    return max(0.0, left_of_day_s / left - pushed_s)


def told_today(capabilities: Capabilities, listing_ids: Sequence[int]) -> dict[int, int]:
    """How many numbers of the platform's day each listing has used; without those that have used none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, revisions FROM marketplaces_listing WHERE id = ANY(%s) AND revised_on = %s",
            [list(listing_ids), _today(capabilities)],
        )
        return dict(cursor.fetchall())


_COUNT = """
UPDATE marketplaces_listing l
SET revisions = greatest(CASE WHEN l.revised_on = %(today)s THEN l.revisions ELSE 0 END + 1, r.least), revised_on = %(today)s
FROM unnest(%(ids)s::bigint[], %(least)s::int[]) AS r (id, least) WHERE l.id = r.id
"""


def count(channel: Channel, capabilities: Capabilities, answers: Iterable[Answered]) -> None:
    """One number more for what the platform took or may have taken; all of them where it says that they are used up."""
    limit = capabilities.daily_revisions
    if limit is None:
        return
    used = {
        answer.listing_id: limit if answer.result.error is PushError.SPENT else 0
        for answer in answers
        if answer.result.error not in (PushError.THROTTLED, PushError.UNKNOWN_LISTING)
    }
    if used:
        with transaction.atomic(), connection.cursor() as cursor:
            hold(channel.pk)
            cursor.execute(_COUNT, {"today": _today(capabilities), "ids": list(used), "least": list(used.values())})


def _today(capabilities: Capabilities) -> str:
    return datetime.now(ZoneInfo(capabilities.day_zone)).date().isoformat()


def _left_of_day_s(capabilities: Capabilities) -> float:
    now = datetime.now(ZoneInfo(capabilities.day_zone))
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return tomorrow.timestamp() - now.timestamp() + SLACK_S
