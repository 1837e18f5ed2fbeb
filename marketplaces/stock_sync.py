"""Shops are told what they may sell: always the number of this moment, whatever the event said, so that late and repeated events end right.

`stock.changed` fans out into one `channel.stale` for each channel, and each channel is a lane of the outbox: one push at a time, so that
an older number never follows a newer one, and a shop that is down holds up no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from marketplaces import order_import, push_log
from marketplaces.calling import calling
from marketplaces.models import Channel, Listing, Submission
from marketplaces.port import ChannelUnavailable, Marketplace, PushError, PushResult, StockLevel
from marketplaces.push_log import Answered, Since
from marketplaces.together import ReadAhead, noting
from wms.core import outbox

# Well below the outbox's lease: a second worker never pushes while the first still does.
BUDGET_S = 60.0
EVENT_LISTINGS = 1000
LONGEST_DELAY_S = 900.0

_AFFECTED = """
SELECT l.channel_id, l.id, changed.at, changed.because
FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::text[]) AS changed (warehouse_id, sku_id, at, because)
JOIN marketplaces_listing l ON l.sku_id = changed.sku_id
JOIN marketplaces_channel c ON c.id = l.channel_id AND c.warehouse_id = changed.warehouse_id AND c.active
ORDER BY changed.at DESC
"""


def push_changed(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `stock.changed` {warehouse_id, sku_ids; at, by, because}: find who has to hear, one event for each channel.

    No network here. What changed is kept for those who look into an oversale.
    """
    changed = push_log.oldest_changes(payloads)
    affected: dict[int, dict[int, Since]] = {}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_AFFECTED, changed)
            for channel_id, listing_id, at, because in cursor.fetchall():
                affected.setdefault(channel_id, {})[listing_id] = Since(at, because)
        push_log.write_changes(payloads)
        _have_told(affected)


def stale(channel_id: int, listing_ids: Sequence[int], because: str) -> None:
    """A step: the channel does not know these listings' numbers; `because` tells why, where no stock changed."""
    _have_told({channel_id: dict.fromkeys(listing_ids, push_log.now(because))})


# What stands in an event that waits need not stand in a second one: its handler will tell the number of that moment. True only of one
# that nobody has in hand (no lease: a worker whose lease ran out may still forget it), that is locked here, so that whoever claims it
# does so after our commit and sees what we changed, and that is due no later than the shop may be called again.
_UNTOLD = """
WITH waiting AS MATERIALIZED (
    SELECT e.payload FROM core_outboxevent e JOIN marketplaces_channel c ON c.id = (e.payload ->> 'channel_id')::bigint
    WHERE e.handler = ANY(%(handlers)s) AND e.dead_at IS NULL AND e.lease_until IS NULL
      AND e.due_at <= greatest(now(), c.quiet_until) + interval '1 second'
    {lock}
), told AS (
    SELECT listing::bigint AS id FROM waiting CROSS JOIN jsonb_array_elements_text(payload -> 'listing_ids') AS listing
)
SELECT wanted.channel_id, array_agg(wanted.listing_id ORDER BY wanted.listing_id)
FROM unnest(%(channels)s::bigint[], %(listings)s::bigint[]) AS wanted (channel_id, listing_id)
WHERE wanted.listing_id NOT IN (SELECT id FROM told) GROUP BY 1
"""
_LOCK = "FOR UPDATE OF e SKIP LOCKED"
_HANDLER = "marketplaces.stock_sync.push_stale"


def _have_told(wanted: Mapping[int, Mapping[int, Since]]) -> None:
    """A step: events for these listings by channel, but for those that wait in one already: a shop that is down heaps up none."""
    pairs = [(channel_id, listing_id) for channel_id, since in wanted.items() for listing_id in since]
    if not pairs:
        return
    handlers = {channel_id: f"{_HANDLER}:{channel_id}" for channel_id in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            _UNTOLD.format(lock=_LOCK),
            {"handlers": list(handlers.values()), "channels": [pair[0] for pair in pairs], "listings": [pair[1] for pair in pairs]},
        )
        untold = dict(cursor.fetchall())
    outbox.emit_all([event for channel_id, listing_ids in untold.items() for event in _events(channel_id, listing_ids, wanted[channel_id])])
    # Whoever looked meanwhile has passed over what is locked.
    outbox.nudge_after_commit({handler for channel_id, handler in handlers.items() if channel_id not in untold})


_RAISED = """
SELECT l.id FROM unnest(%s::text[], %s::bigint[]) AS shown (external_id, quantity)
JOIN marketplaces_listing l ON l.channel_id = %s AND l.external_id = shown.external_id
WHERE l.sku_id IS NOT NULL AND l.pushed_quantity < shown.quantity ORDER BY l.id
"""


def notice(channel: Channel, shown: Mapping[str, int]) -> None:
    """A step: what the shop says by itself that its listings show. Fewer than told have been sold; more somebody else has put there: told again."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISED, [list(shown), list(shown.values()), channel.pk])
        raised = [key for (key,) in cursor.fetchall()]
    stale(channel.pk, raised, "raised")


def stale_all(channel: Channel, because: str) -> None:
    stale(channel.pk, list(channel.listings.filter(sku__isnull=False).order_by("id").values_list("pk", flat=True)), because)


def tell_all(*, channel: Channel) -> None:
    """Have the channel told all of its numbers again."""
    with transaction.atomic():
        stale_all(channel, "all")


def _events(channel_id: int, listing_ids: Sequence[int], since: Mapping[int, Since]) -> list[tuple[str, dict[str, Any]]]:
    parts = [listing_ids[start : start + EVENT_LISTINGS] for start in range(0, len(listing_ids), EVENT_LISTINGS)]
    return [
        ("channel.stale", {"lane": channel_id, "channel_id": channel_id, **push_log.in_payload({key: since[key] for key in part})})
        for part in parts
    ]


def push_stale(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.stale` {channel_id, listing_ids; at, because}, one channel's events at a time.

    Raises ChannelQuiet: try again later.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"]).first()
    if channel is None or not channel.hears:  # resuming tells all numbers again
        return
    since = push_log.of_payloads(payloads)
    tries = max(int(payload.get("tries", 0)) for payload in payloads)
    with calling(channel) as shop, noting(partial(_store, channel)) as note:
        told = _Round(since, tries, time.monotonic() + BUDGET_S, note)
        ahead = ReadAhead(lambda keys: numbers(channel, keys), sorted(since))
        listing_ids = _most_urgent_first(ahead.left())
        size = shop.capabilities.batch_size
        for start in range(0, len(listing_ids), size):
            if time.monotonic() > told.until:
                told.leave(channel, listing_ids[start:])
                return
            _push_batch(channel, shop, ahead.take(listing_ids[start : start + size]), told)


@dataclass(frozen=True, slots=True)
class _Round:
    """Since when the listings are stale, how often they were tried, when this has to end (time.monotonic), and where answers go."""

    since: Mapping[int, Since]
    tries: int
    until: float
    note: Callable[[Sequence[Answered]], None]

    def leave(self, channel: Channel, listing_ids: Sequence[int]) -> None:
        """Somebody else goes on with these."""
        with transaction.atomic():
            _have_told({channel.pk: {key: self.since[key] for key in listing_ids}})


def _most_urgent_first(rows: Sequence[Told]) -> list[int]:
    """What falls before what rises, and little before much. A number that is too high sells what is not there."""
    urgent = sorted(
        rows, key=lambda row: (row.pushed_quantity is not None and row.quantity >= row.pushed_quantity, row.quantity, row.listing_id)
    )
    return list(dict.fromkeys(row.listing_id for row in urgent))


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel may sell of one listing now."""

    listing_id: int
    external_id: str
    quantity: int
    pushed_quantity: int | None
    pushed_at: datetime | None
    unsure: bool  # the last push got no answer: the shop may have done it

    def level(self, expected: int | None) -> StockLevel:
        revision = self.pushed_at.isoformat() if self.pushed_at else "first"
        return StockLevel(self.external_id, self.quantity, expected=expected, revision=revision)


# Sold in a shop and not yet promised here: those units must not be offered a second time.
_NUMBERS = """
WITH waiting AS (
    SELECT (line ->> 'sku_id')::bigint AS sku_id, sum((line ->> 'quantity')::bigint) AS quantity
    FROM marketplaces_channelorder o
    JOIN marketplaces_channel c ON c.id = o.channel_id AND c.warehouse_id = %(warehouse)s
    CROSS JOIN jsonb_array_elements(o.lines) AS line
    WHERE o.merchant_id = %(merchant)s AND o.order_id IS NULL AND o.shop_state = 'open' AND line ->> 'sku_id' IS NOT NULL
    GROUP BY 1
)
SELECT l.id, l.external_id,
       least(
           coalesce(l.cap, c.cap, m.cap),
           greatest(0, coalesce(a.on_hand - a.committed - a.backordered, 0) - coalesce(w.quantity, 0) - coalesce(l.buffer, c.buffer, m.buffer, 0))
               * coalesce(l.share_percent, c.share_percent, m.share_percent, 100) / 100
       ),
       l.pushed_quantity, l.pushed_at,
       starts_with(l.last_error, 'unavailable')
FROM marketplaces_listing l
JOIN marketplaces_channel c ON c.id = l.channel_id
LEFT JOIN marketplaces_merchantoffers m ON m.merchant_id = l.merchant_id
LEFT JOIN inventory_availability a ON a.sku_id = l.sku_id AND a.warehouse_id = %(warehouse)s
LEFT JOIN waiting w ON w.sku_id = l.sku_id
WHERE l.channel_id = %(channel)s AND l.sku_id IS NOT NULL AND (%(listings)s::bigint[] IS NULL OR l.id = ANY(%(listings)s::bigint[]))
ORDER BY l.id
"""


def numbers(channel: Channel, listing_ids: Sequence[int] | None = None) -> list[Told]:
    """What the channel may sell now of these listings, or of all that are tied to a sku, by the rules of marketplaces.models.OfferRule."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NUMBERS,
            {
                "channel": channel.pk,
                "merchant": channel.merchant_id,
                "warehouse": channel.warehouse_id,
                "listings": None if listing_ids is None else list(listing_ids),
            },
        )
        rows = cursor.fetchall()
    return [Told(key, external_id, 0 if channel.sells_nothing else int(quantity), *pushed) for key, external_id, quantity, *pushed in rows]


def _push_batch(channel: Channel, shop: Marketplace, rows: Sequence[Told], about: _Round) -> None:
    told = {row.external_id: row for row in rows}
    if not told:
        return
    if shop.capabilities.compare_and_set and any(row.unsure for row in rows):
        # Sales since may have brought its number back to the one that we know: take them in, or it would be taken for untouched.
        listing_ids = [row.listing_id for row in rows]
        if not order_import.catch_up(channel, shop, about.until):
            about.leave(channel, listing_ids)
            return
        told = {row.external_id: row for row in numbers(channel, listing_ids)}
    sent_at = time.time()
    results = shop.push_stock([row.level(row.pushed_quantity) for row in told.values()])
    if shop.capabilities.compare_and_set:
        results = _after_sales(channel, shop, told, results, about.until)
    at = sent_at, time.time()
    answers = [_answered(told[result.listing_id], about.since, at, result) for result in results]
    taken = [answer for answer in answers if answer.result.error is PushError.PENDING]
    if taken:
        _await_outcome(channel, taken, about.since, about.tries)
    results = [result for result in results if result.error is not PushError.PENDING]
    about.note(answers)
    failed = [result for result in results if result.retryable]
    if not failed:
        return
    if len(failed) == len(results) and all(result.error in (PushError.UNAVAILABLE, PushError.THROTTLED) for result in failed):
        waits = [result.retry_after for result in failed if result.retry_after]
        raise ChannelUnavailable(reason=failed[0].message, retry_after=max(waits, default=None))
    try_again(channel, {told[result.listing_id].listing_id: result for result in failed}, about.since, about.tries)


def _answered(row: Told, since: Mapping[int, Since], at: tuple[float, float], result: PushResult) -> Answered:
    return Answered(row.listing_id, row.pushed_quantity, since.get(row.listing_id), *at, result)


def _after_sales(channel: Channel, shop: Marketplace, told: dict[str, Told], results: list[PushResult], until: float) -> list[PushResult]:
    """Where the shop's number has moved: take in its orders, compute again, push again upon the number that it showed before they were read.

    In this order, or the sale behind that number would be offered a second time.
    """
    stale = {result.listing_id: result.shown for result in results if result.error is PushError.STALE and result.shown is not None}
    if not stale or not order_import.catch_up(channel, shop, until):
        return results
    told |= {row.external_id: row for row in numbers(channel, [told[key].listing_id for key in stale])}
    again = shop.push_stock([told[key].level(shown) for key, shown in stale.items()])
    renewed = {result.listing_id: result for result in again}
    return [renewed.get(result.listing_id, result) for result in results]


def _await_outcome(channel: Channel, taken: Sequence[Answered], since: Mapping[int, Since], tries: int) -> None:
    """Remember what the shop took under a ticket and have it asked for; what it could not take yet is pushed again."""
    by_ticket: dict[str, list[Answered]] = {}
    for answer in taken:
        by_ticket.setdefault(answer.result.ticket, []).append(answer)
    untold = by_ticket.pop("", [])
    with transaction.atomic():
        for ticket, answers in by_ticket.items():
            told = [[row.listing_id, row.result.listing_id, row.result.quantity, *(row.since or (None, ""))] for row in answers]
            Submission.objects.get_or_create(channel=channel, ticket=ticket, defaults={"rows": told})
            wait = max(row.result.retry_after or 0.0 for row in answers)
            outbox.emit_later(wait, "channel.submitted", lane=channel.pk, channel_id=channel.pk, ticket=ticket)
    if untold:
        try_again(channel, {answer.listing_id: answer.result for answer in untold}, since, tries)


def try_again(channel: Channel, failed: dict[int, PushResult], since: Mapping[int, Since], tries: int) -> None:
    """Only the listings that failed come back. A number that moved in the shop means that there are orders to fetch first."""
    spent = {key: result for key, result in failed.items() if result.error is PushError.SPENT}
    others = {key: result for key, result in failed.items() if key not in spent}
    with transaction.atomic():
        if any(result.error is PushError.STALE for result in failed.values()):
            order_import.ask(channel.pk)
        for group in (spent, others):  # what waits for tomorrow holds up no other
            if group:
                wait = max([result.retry_after or 0.0 for result in group.values()] + [min(LONGEST_DELAY_S, 2.0 ** min(tries, 12))])
                told = push_log.in_payload({key: since.get(key) or push_log.now("") for key in group})
                outbox.emit_later(wait, "channel.stale", lane=channel.pk, channel_id=channel.pk, **told, tries=tries + 1)


_STORE = """
UPDATE marketplaces_listing l
SET pushed_quantity = CASE WHEN r.error = '' THEN r.quantity ELSE l.pushed_quantity END,
    pushed_at = CASE WHEN r.error = '' THEN now() ELSE l.pushed_at END,
    last_error = r.error
FROM json_to_recordset(%s::json) AS r (id bigint, quantity bigint, error text) WHERE l.id = r.id AND l.channel_id = %s
"""


def _store(channel: Channel, answers: Sequence[Answered]) -> None:
    """Believe what the shop has done, and keep all of its answers. What is pending changes no listing yet."""
    final = [
        {"id": answer.listing_id, "quantity": answer.result.quantity, "error": "" if answer.result.ok else _why(answer.result)}
        for answer in answers
        if answer.result.error is not PushError.PENDING
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        push_log.write(answers)
        cursor.execute(_STORE, [json.dumps(final), channel.pk])
        if any(answer.result.ok for answer in answers):
            cursor.execute("UPDATE marketplaces_channel SET last_push_at = now(), busy_since = now() WHERE id = %s", [channel.pk])


def _why(result: PushResult) -> str:
    return f"{result.error}: {result.message}"[:500].replace("\x00", "")


def unmapped(channel: Channel) -> list[Listing]:
    """Offers without a sku: nobody tells the shop their numbers."""
    return list(channel.listings.filter(sku=None).order_by("external_sku", "id"))
