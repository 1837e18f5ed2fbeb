"""A number that somebody wrote into a shop by hand: told again as soon as it is heard of.

Where the shop's words are echoes of our own numbers, too, they come late, twice and out of order: the echo of an older push is larger than what was
told since. By hand is only what is none of the numbers that were told lately, and was changed after the last of them was taken. That is looked at
twice: when the word comes, and in the lane in which the channel's numbers are told, where none is on its way and all that were told stand in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from marketplaces import push_log, telling
from marketplaces.models import Channel
from marketplaces.numbers import numbers
from marketplaces.push_log import Since
from wms.core import outbox
from wms.core.prepared import array_literal

RAISED = "raised"
# Shops say when in whole seconds, by a clock of their own. One that is wrong by more is known by its numbers.
SKEW_S = 2.0
# Of the clocks of our own hosts.
OUR_SKEW_S = 0.5
# Somebody, or a plug-in, may write it again and again: a listing is corrected this often, and by the nightly comparison.
PAUSE_S = 900.0
LATELY_S, LATELY_ROWS = 3600.0, 200

_RAISED = """
SELECT shown.location, l.id FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[]) AS shown (external_id, location, quantity, said_at)
JOIN marketplaces_listing l ON l.channel_id = %s AND l.external_id = shown.external_id
LEFT JOIN marketplaces_listingplace s ON s.listing_id = l.id AND s.location = shown.location
WHERE (l.sku_id IS NOT NULL OR l.bundle_id IS NOT NULL)
  AND CASE WHEN shown.location = '' THEN l.pushed_quantity ELSE s.pushed_quantity END < shown.quantity
  AND NOT EXISTS (
    SELECT FROM (SELECT * FROM marketplaces_stockpush WHERE listing_id = l.id ORDER BY id DESC LIMIT %s) told
    WHERE told.error = '' AND told.location = shown.location AND (
        told.sent_at > shown.said_at + make_interval(secs => %s)
        OR told.because = %s AND told.sent_at > now() - make_interval(secs => %s)
    )
  )
ORDER BY 1, 2
"""


def notice(
    channel: Channel, shown: Mapping[str, Mapping[str, int]], said: Mapping[str, datetime] | None = None, *, pause_s: float = 0.0
) -> None:
    """A step: what the shop says by itself that its listings show, {its id: {location: number}}; under "" as a whole.

    Fewer than told have been sold; more somebody else has put there: told again, at the places where it is so. What was `said`, by the listings'
    ids, before the last number that the shop took was sent is over: an echo of the one before. When that was written down says nothing: a slow
    shop's answers wait for each other.
    """
    said = said or {}
    rows = [(key, location, quantity, said.get(key)) for key, there in shown.items() for location, quantity in there.items()]
    if not rows:
        return
    found = _more_than_is_on_its_way(channel, shown)
    with connection.cursor() as cursor:
        cursor.execute(_RAISED, [*map(list, zip(*rows, strict=True)), channel.pk, LATELY_ROWS, OUR_SKEW_S, RAISED, pause_s])
        found += cursor.fetchall()
    raised: dict[telling.Where, dict[int, Since]] = {}
    for location, key in found:
        raised.setdefault((channel.pk, location), {})[key] = push_log.now(RAISED)
    telling.have_told(raised)


def _more_than_is_on_its_way(channel: Channel, shown: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int]]:
    """Places and listings that show more than is told just now, though less than the number before, which alone is known to be told as long as
    somebody is at it: he writes down answers when the next ones are there. So it is looked at before what is known.
    """
    if not outbox.busy(telling.lane(channel.pk)):
        return []
    tied = list(channel.listings.tied().filter(external_id__in=shown).values_list("pk", flat=True))
    return [
        (row.location, row.listing_id)
        for row in (numbers(channel, tied) if tied else ())
        if row.pushed_quantity is not None and row.quantity < shown[row.external_id].get(row.location, 0) <= row.pushed_quantity
    ]


_BY_HAND = """
SELECT DISTINCT l.id FROM unnest(%(listing)s::text[], %(quantity)s::bigint[], %(at)s::float8[]) AS said (external_id, quantity, at)
JOIN marketplaces_listing l ON l.channel_id = %(channel)s AND l.external_id = said.external_id AND l.pushed_quantity < said.quantity
WHERE (l.sku_id IS NOT NULL OR l.bundle_id IS NOT NULL) AND NOT EXISTS (
    SELECT FROM (SELECT * FROM marketplaces_stockpush WHERE listing_id = l.id ORDER BY id DESC LIMIT %(rows)s) told
    WHERE told.quantity = said.quantity AND told.sent_at > now() - make_interval(secs => %(lately)s)
       OR told.error = '' AND told.answered_at >= to_timestamp(said.at) - make_interval(secs => %(skew)s)
       OR told.error = '' AND told.because = %(raised)s AND told.sent_at > now() - make_interval(secs => %(pause)s)
) ORDER BY l.id
"""

Word = tuple[str, int, float]
"""A listing's id in the shop, what it shows, and when that was changed there, in seconds since 1970."""


def hear(channel: Channel, listing_id: str, quantity: int, changed_at: datetime) -> None:
    """A step: the shop says by itself that its listing shows this since then. Fewer than told have been sold."""
    word = listing_id, quantity, changed_at.timestamp()
    # In the lane it is looked at again, when all that was on its way stands in the log.
    more = _more_than_is_on_its_way(channel, {listing_id: {"": quantity}}) or _by_hand(channel, [word])
    if more and not _joined(channel, word):
        outbox.emit("channel.shown", lane=channel.pk, channel_id=channel.pk, listing_ids=[], shown=[word])


# The younger word takes the older one's place. Only in an event that nobody has in hand, as in telling.py: whoever claims it reads it after our commit.
_JOIN = """
UPDATE core_outboxevent SET payload = CASE
    WHEN (payload #>> '{shown,0,2}')::float8 <= %(at)s THEN jsonb_set(payload, '{shown}', %(words)s::jsonb) ELSE payload END
WHERE id = (
    SELECT id FROM core_outboxevent
    WHERE handler = %(handler)s AND dead_at IS NULL AND lease_until IS NULL AND payload #>> '{shown,0,0}' = %(listing)s
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
"""


def _joined(channel: Channel, word: Word) -> bool:
    """A step: whether an earlier word of the listing still waits, and this one with it: a shop that cannot be told heaps up none."""
    listing_id, _quantity, at = word
    handler = telling.lane(channel.pk)
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, {"at": at, "words": json.dumps([word]), "handler": handler, "listing": listing_id})
        joined = bool(cursor.rowcount)
    if joined:  # whoever looked meanwhile has passed over what is locked
        outbox.nudge_after_commit({handler})
    return joined


def stale(channel: Channel, payloads: Sequence[Mapping[str, Any]]) -> dict[int, Since]:
    """Of the words among the events of the lane in which numbers are told: the listings that have to be told again."""
    words = [word for payload in payloads for word in payload.get("shown", ())]
    return dict.fromkeys(_by_hand(channel, words), push_log.now(RAISED)) if words else {}


def _by_hand(channel: Channel, words: Sequence[Word]) -> list[int]:
    known: dict[str, int | float | str | list[str]] = {
        "channel": channel.pk,
        "listing": [listing_id for listing_id, _quantity, _at in words],
        "quantity": array_literal([quantity for _listing_id, quantity, _at in words]),
        "at": array_literal([at for _listing_id, _quantity, at in words]),
        **{"rows": LATELY_ROWS, "lately": LATELY_S, "raised": RAISED, "pause": PAUSE_S, "skew": SKEW_S},
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_HAND, known)
        return [key for (key,) in cursor.fetchall()]
