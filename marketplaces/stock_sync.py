"""Shops are told what they may sell: always the number of this moment, whatever the event said, so that late and repeated events end right.

`stock.changed` fans out into one `channel.stale` for each channel, and each channel is a lane of the outbox: one push at a time, so that
an older number never follows a newer one, and a shop that is down holds up no other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction

from marketplaces import order_import, pace, push_log, revisions
from marketplaces.calling import calling, keep_busy, well_again
from marketplaces.models import Channel, Listing, Submission
from marketplaces.numbers import HOUSE_IDS, Told, numbers
from marketplaces.port import ChannelUnavailable, Marketplace, PushError, PushResult
from marketplaces.push_log import Answered, Since
from marketplaces.together import ReadAhead, noting
from wms.core import outbox
from wms.core.prepared import array_literal

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
EVENT_LISTINGS = 1000
LONGEST_DELAY_S = 900.0
# For longer than this no worker waits for a shop's next call to be free.
LONGEST_NAP_S = 3.0

_AFFECTED = """
WITH changed AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::text[]) AS changed (warehouse_id, sku_id, at, because)
)
SELECT l.channel_id, l.id, changed.at, changed.because FROM changed
JOIN marketplaces_listing l ON l.sku_id = changed.sku_id
JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id AND p.warehouse_id = changed.warehouse_id
JOIN marketplaces_channel c ON c.id = l.channel_id AND c.active
UNION ALL
SELECT l.channel_id, l.id, changed.at, changed.because FROM changed
JOIN marketplaces_bundlecomponent k ON k.sku_id = changed.sku_id
JOIN marketplaces_listing l ON l.bundle_id = k.bundle_id
JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id AND p.warehouse_id = changed.warehouse_id
JOIN marketplaces_channel c ON c.id = l.channel_id AND c.active
ORDER BY at DESC
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
      AND e.due_at <= greatest(now() + make_interval(secs => %(wait)s), c.quiet_until) + interval '1 second'
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


def _have_told(wanted: Mapping[int, Mapping[int, Since]], wait_s: float = 0.0, **more: Any) -> None:
    """A step: events for these listings by channel, but for those that wait in one already: a shop that is down heaps up none.

    They are due in `wait_s` seconds; `more` says why they wait.
    """
    pairs = [(channel_id, listing_id) for channel_id, since in wanted.items() for listing_id in since]
    if not pairs:
        return
    handlers = {channel_id: f"{_HANDLER}:{channel_id}" for channel_id in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            _UNTOLD.format(lock=_LOCK),
            {
                "handlers": list(handlers.values()),
                "channels": array_literal([channel_id for channel_id, _listing_id in pairs]),
                "listings": array_literal([listing_id for _channel_id, listing_id in pairs]),
                "wait": wait_s,
            },
        )
        untold = dict(cursor.fetchall())
    events = [event for channel_id, listing_ids in untold.items() for event in _events(channel_id, listing_ids, wanted[channel_id], more)]
    if wait_s:
        outbox.emit_all_later(wait_s, events)
        return
    outbox.emit_all(events)
    # Whoever looked meanwhile has passed over what is locked.
    outbox.nudge_after_commit({handler for channel_id, handler in handlers.items() if channel_id not in untold})


_RAISED = """
SELECT l.id FROM unnest(%s::text[], %s::bigint[]) AS shown (external_id, quantity)
JOIN marketplaces_listing l ON l.channel_id = %s AND l.external_id = shown.external_id
WHERE (l.sku_id IS NOT NULL OR l.bundle_id IS NOT NULL) AND l.pushed_quantity < shown.quantity ORDER BY l.id
"""


def notice(channel: Channel, shown: Mapping[str, int]) -> None:
    """A step: what the shop says by itself that its listings show. Fewer than told have been sold; more somebody else has put there: told again."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISED, [list(shown), list(shown.values()), channel.pk])
        raised = [key for (key,) in cursor.fetchall()]
    stale(channel.pk, raised, "raised")


def stale_all(channel: Channel, because: str) -> None:
    stale(channel.pk, list(channel.listings.tied().order_by("id").values_list("pk", flat=True)), because)


def tell_all(*, channel: Channel) -> None:
    """Have the channel told all of its numbers again."""
    with transaction.atomic():
        stale_all(channel, "all")


def _events(
    channel_id: int, listing_ids: Sequence[int], since: Mapping[int, Since], more: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    parts = [listing_ids[start : start + EVENT_LISTINGS] for start in range(0, len(listing_ids), EVENT_LISTINGS)]
    return [
        ("channel.stale", {"lane": channel_id, "channel_id": channel_id, **push_log.in_payload({key: since[key] for key in part}), **more})
        for part in parts
    ]


def push_stale(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.stale` {channel_id, listing_ids; at, because}, one channel's events at a time.

    Raises ChannelQuiet: try again later.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"]).annotate(**HOUSE_IDS).first()
    if channel is None or not channel.hears:  # resuming tells all numbers again
        return
    since = push_log.of_payloads(payloads)
    tries = max(int(payload.get("tries", 0)) for payload in payloads)
    with calling(channel) as shop, noting(partial(_store, channel)) as note:
        _push_all(channel, shop, _Round(since, tries, time.monotonic() + BUDGET_S, note))


def _push_all(channel: Channel, shop: Marketplace, about: _Round) -> None:
    """Batch by batch, the most urgent first, as fast as the shop may be asked; what has to wait for long is left for later."""
    if channel.holds_pending != shop.capabilities.holds_pending:
        channel.holds_pending = shop.capabilities.holds_pending
        channel.save(update_fields=["holds_pending"])
    ahead = ReadAhead(lambda keys: numbers(channel, keys), sorted(about.since))
    waiting, granted = _most_urgent_first(ahead.left()), 0
    while waiting:
        if time.monotonic() > about.until:
            about.leave(channel, waiting)
            return
        if not granted:
            granted, wait_s = pace.for_push(channel, shop.capabilities, len(waiting))
        if not granted and wait_s > LONGEST_NAP_S:
            about.leave(channel, waiting, wait_s, "tokens")
            return
        if not granted:
            time.sleep(wait_s)
            keep_busy(channel)
            continue
        count = min(granted, shop.capabilities.batch_size)
        batch, waiting, granted = waiting[:count], waiting[count:], granted - count
        _push_batch(channel, shop, ahead.take(batch), about)
        pace.heard(channel, shop.allowance)


@dataclass(frozen=True, slots=True)
class _Round:
    """Since when the listings are stale, how often they were tried, when this has to end (time.monotonic), and where answers go."""

    since: Mapping[int, Since]
    tries: int
    until: float
    note: Callable[[Sequence[Answered]], None]

    def leave(self, channel: Channel, listing_ids: Sequence[int], wait_s: float = 0.0, waits: str = "") -> None:
        """Somebody else goes on with these, in `wait_s` seconds; `waits` says what for."""
        with transaction.atomic():
            _have_told({channel.pk: {key: self.since[key] for key in listing_ids}}, wait_s, waits=waits, tries=self.tries)


def _most_urgent_first(rows: Sequence[Told]) -> list[int]:
    """What falls before what rises, and little before much. A number that is too high sells what is not there."""
    urgent = sorted(
        rows, key=lambda row: (row.pushed_quantity is not None and row.quantity >= row.pushed_quantity, row.quantity, row.listing_id)
    )
    return list(dict.fromkeys(row.listing_id for row in urgent))


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
    now, later = revisions.sort(shop.capabilities, list(told.values()), about.since)
    _wait_for_revisions(channel, later, about)
    told = {row.external_id: row for row in now}
    if not told:
        return
    sent_at = time.time()
    results = shop.push_stock([row.level(row.pushed_quantity) for row in told.values()])
    if shop.capabilities.compare_and_set:
        results = _after_sales(channel, shop, told, results, about.until)
    at = sent_at, time.time()
    answers = [_answered(told[result.listing_id], about.since, at, result) for result in results]
    if any(answer.result.error not in (PushError.UNAVAILABLE, PushError.THROTTLED) for answer in answers):
        well_again(channel)
    taken = [answer for answer in answers if answer.result.error is PushError.PENDING]
    if taken:
        _await_outcome(channel, taken, about.since, about.tries)
    results = [result for result in results if result.error is not PushError.PENDING]
    revisions.count(shop.capabilities, answers)
    about.note(answers)
    failed = [result for result in results if result.retryable]
    if not failed:
        return
    if len(failed) == len(results) and all(result.error in (PushError.UNAVAILABLE, PushError.THROTTLED) for result in failed):
        if any(result.error is PushError.THROTTLED for result in failed):
            pace.refused(channel, shop.allowance)
        waits = [result.retry_after for result in failed if result.retry_after]
        raise ChannelUnavailable(reason=failed[0].message, retry_after=max(waits, default=None))
    try_again(channel, {told[result.listing_id].listing_id: result for result in failed}, about.since, about.tries)


def _wait_for_revisions(channel: Channel, later: Mapping[int, float], about: _Round) -> None:
    """One event for the listings that wait until about the same minute."""
    by_minute: dict[int, list[int]] = {}
    for listing_id, seconds in later.items():
        by_minute.setdefault(math.ceil(seconds / 60), []).append(listing_id)
    for minutes, group in by_minute.items():
        about.leave(channel, group, minutes * 60.0, "revisions")


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


def _store(channel: Channel, answers: Sequence[Answered]) -> None:
    """Believe what the shop has done, and keep all of its answers. What is pending changes no listing yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        push_log.write_and_believe(answers, channel.pk)
        if any(answer.result.error is None for answer in answers):
            cursor.execute("UPDATE marketplaces_channel SET last_push_at = now(), busy_since = now() WHERE id = %s", [channel.pk])


def unmapped(channel: Channel) -> list[Listing]:
    """Offers of nothing that we know: nobody tells the shop their numbers."""
    return list(channel.listings.unmapped().order_by("external_sku", "id"))
