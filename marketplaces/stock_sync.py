"""Shops are told what they may sell: always the number of this moment, whatever the event said, so that late and repeated events end right.

`stock.changed` fans out into one `channel.stale` for each channel, and each channel is a lane of the outbox: one push at a time, so that
an older number never follows a newer one, and a shop that is down holds up no other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from marketplaces import by_hand, leaving, order_asking, order_import, pace, push_log, revisions, telling
from marketplaces.calling import calling, keep_busy, well_again
from marketplaces.holding import hold
from marketplaces.models import Channel, Submission
from marketplaces.numbers import HOUSE_IDS, Told, numbers
from marketplaces.port import ChannelThrottled, ChannelUnavailable, Marketplace, PushError, PushResult
from marketplaces.push_log import Answered, Since
from marketplaces.rounds import Round, most_urgent_first
from marketplaces.telling import Where
from marketplaces.together import Key, ReadAhead, noting
from wms.core import outbox

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
# What failed again and again is tried this often at least; what people keep buying in the shop itself fails for no other reason, and soon.
LONGEST_DELAY_S, LONGEST_MOVED_S = 900.0, 30.0
# For longer than this no worker waits for a shop's next call to be free.
LONGEST_NAP_S = 3.0

_AFFECTED = """
WITH changed AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::text[]) AS changed (warehouse_id, sku_id, at, because)
)
SELECT l.channel_id, p.location, l.id, changed.at, changed.because FROM changed
JOIN marketplaces_listing l ON l.sku_id = changed.sku_id
JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id AND p.warehouse_id = changed.warehouse_id
JOIN marketplaces_channel c ON c.id = l.channel_id AND c.active
UNION ALL
SELECT l.channel_id, p.location, l.id, changed.at, changed.because FROM changed
JOIN marketplaces_bundlecomponent k ON k.sku_id = changed.sku_id
JOIN marketplaces_listing l ON l.bundle_id = k.bundle_id
JOIN marketplaces_channelwarehouse p ON p.channel_id = l.channel_id AND p.warehouse_id = changed.warehouse_id
JOIN marketplaces_channel c ON c.id = l.channel_id AND c.active
ORDER BY at DESC
"""


def push_changed(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `stock.changed` {warehouse_id, sku_ids; at, by, because}: find who has to hear, one event for each channel, or for
    each place of a located one.

    No network here. What changed is kept for those who look into an oversale.
    """
    changed = push_log.oldest_changes(payloads)
    affected: dict[Where, dict[int, Since]] = {}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_AFFECTED, changed)
            for channel_id, location, listing_id, at, because in cursor.fetchall():
                affected.setdefault((channel_id, location), {})[listing_id] = Since(at, because)
        push_log.write_changes(payloads)
        telling.have_told(affected)


def stale(channel_id: int, listing_ids: Sequence[int], because: str, location: str = "") -> None:
    """A step: the channel does not know these listings' numbers, at all of its places or at one; `because` tells why, where no stock changed."""
    telling.have_told({(channel_id, location): dict.fromkeys(listing_ids, push_log.now(because))})


def stale_all(channel: Channel, because: str) -> None:
    stale(channel.pk, list(channel.listings.to_tell().order_by("id").values_list("pk", flat=True)), because)


def tell_all(*, channel: Channel) -> None:
    """Have the channel told all of its numbers again."""
    with transaction.atomic():
        stale_all(channel, "all")


def push_stale(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.stale` {channel_id, listing_ids; location, at, because, tries} and `channel.shown` {channel_id, shown} (by_hand) and
    `channel.left` {channel_id, left} (leaving), one channel's events at a time.

    Raises ChannelQuiet: try again later.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"]).annotate(**HOUSE_IDS).first()
    if channel is None or not channel.hears:  # resuming tells all numbers again
        return
    since = by_hand.stale(channel, payloads) | push_log.of_payloads(payloads)
    tries = leaving.wanted(payloads)
    if not since and tries is None:
        return
    until = time.monotonic() + BUDGET_S
    with calling(channel) as shop, noting(partial(_store, channel)) as note:
        whole = shop.capabilities.whole_listings
        in_vain = None if tries is None else leaving.tell(channel, shop, until, tries)
        _push_all(channel, shop, Round(channel, since, push_log.places_of(payloads), whole, until, note))
    if in_vain is not None:
        with transaction.atomic():
            leaving.again(channel, in_vain)


def _push_all(channel: Channel, shop: Marketplace, about: Round) -> None:
    """Batch by batch, the most urgent first, as fast as the shop may be asked; what has to wait for long is left for later."""
    if channel.holds_pending != shop.capabilities.holds_pending:
        channel.holds_pending = shop.capabilities.holds_pending
        channel.save(update_fields=["holds_pending"])
    ahead = ReadAhead(lambda listing_ids: about.due(numbers(channel, listing_ids)), about.key_of, sorted(about.since))
    (waiting, falling), granted = most_urgent_first(ahead.left(), about.key_of), 0
    while waiting:
        if time.monotonic() > about.until:
            about.leave(waiting)
            return
        if not granted:
            granted, wait_s = pace.for_push(channel, shop.capabilities, len(waiting), falling)
        if not granted and wait_s > LONGEST_NAP_S and falling:
            falling = 0  # with single calls so scarce, the way that many go is no slower for them, and all others need not wait either
            continue
        if not granted and wait_s > LONGEST_NAP_S:
            about.leave(waiting, wait_s, "tokens")
            return
        if not granted:
            time.sleep(wait_s)
            keep_busy(channel)
            continue
        count = min(granted, shop.capabilities.batch_size)
        batch, waiting, granted, falling = waiting[:count], waiting[count:], granted - count, max(0, falling - count)
        _push_batch(channel, shop, ahead.take(batch), about)
        pace.heard(channel, shop.allowance)


def _push_batch(channel: Channel, shop: Marketplace, rows: list[Told], about: Round) -> None:
    if not rows:
        return
    # That a paused shop sells nothing needs no comparison, and its orders wait.
    compares = shop.capabilities.compare_and_set and channel.active
    if compares and any(row.unsure for row in rows):
        # Sales since may have brought its number back to the one that we know: take them in, or it would be taken for untouched.
        keys = dict.fromkeys(about.key_of(row) for row in rows)
        if not order_import.catch_up(channel, shop, about.until):
            about.leave(keys)
            return
        rows = [
            row for row in about.due(numbers(channel, sorted({listing_id for listing_id, _location in keys}))) if about.key_of(row) in keys
        ]
    rows, later = revisions.sort(shop.capabilities, rows, about.since)
    _wait_for_revisions(later, about)
    told = {(row.external_id, row.location): row for row in rows}
    if not told:
        return
    sent_at = time.time()
    results = shop.push_stock([row.level(row.pushed_quantity if channel.active else None) for row in told.values()])
    if compares:
        results = _after_sales(channel, shop, told, results, about.until)
    at = sent_at, time.time()
    answers = [_answered(told[result.listing_id, result.location], about, at, result) for result in results]
    if any(answer.result.error not in (PushError.UNAVAILABLE, PushError.THROTTLED) for answer in answers):
        well_again(channel)
    taken = [answer for answer in answers if answer.result.error is PushError.PENDING]
    if taken:
        _await_outcome(channel, taken)
    results = [result for result in results if result.error is not PushError.PENDING]
    revisions.count(channel, shop.capabilities, answers)
    about.note(answers)
    failed = [result for result in results if result.retryable]
    if not failed:
        return
    # One at which the shop breaks down says nothing of the others, as long as nobody knows it to be in trouble.
    alone = not channel.failures and all(result.alone for result in failed)
    if not alone and len(failed) == len(results) and all(result.error in (PushError.UNAVAILABLE, PushError.THROTTLED) for result in failed):
        waits = [result.retry_after for result in failed if result.retry_after]
        for result in failed:
            if result.error is PushError.THROTTLED:
                pace.refused(channel, shop.allowance)
                raise ChannelThrottled(reason=result.message, retry_after=max(waits, default=None))
        raise ChannelUnavailable(reason=failed[0].message, retry_after=max(waits, default=None))
    try_again(
        channel,
        {
            about.key_of(row): (result, about.since_at(row.listing_id, row.location))
            for result in failed
            for row in [told[result.listing_id, result.location]]
        },
    )


def _wait_for_revisions(later: Mapping[int, float], about: Round) -> None:
    """One event for the listings that wait until about the same minute."""
    by_minute: dict[int, list[Key]] = {}
    for listing_id, seconds in later.items():
        by_minute.setdefault(math.ceil(seconds / 60), []).append((listing_id, ""))
    for minutes, group in by_minute.items():
        about.leave(group, minutes * 60.0, "revisions")


def _answered(row: Told, about: Round, at: tuple[float, float], result: PushResult) -> Answered:
    return Answered(row.listing_id, row.pushed_quantity, about.since_at(row.listing_id, row.location), *at, result, row.location)


def _after_sales(
    channel: Channel, shop: Marketplace, told: dict[tuple[str, str], Told], results: list[PushResult], until: float
) -> list[PushResult]:
    """Where the shop's number has moved: take in its orders, compute again, push again upon the number that it showed before they were read.

    In this order, or the sale behind that number would be offered a second time.
    """
    stale = {
        (result.listing_id, result.location): result.shown
        for result in results
        if result.error is PushError.STALE and result.shown is not None
    }
    if not stale or not order_import.catch_up(channel, shop, until):
        return results
    # What the shop grants no call for stays stale, and comes back.
    granted = dict(list(stale.items())[: _granted_again(channel, shop, len(stale))])
    if not granted:
        return results
    now = {(row.external_id, row.location): row for row in numbers(channel, [told[key].listing_id for key in granted])}
    told |= {key: now[key] for key in granted if key in now}
    again = shop.push_stock([told[key].level(shown) for key, shown in granted.items()])
    renewed = {(result.listing_id, result.location): result for result in again}
    return [renewed.get((result.listing_id, result.location), result) for result in results]


def _granted_again(channel: Channel, shop: Marketplace, count: int) -> int:
    """How many of `count` numbers may be told a second time in one turn: that is a call as every other. Waits for it no longer than a moment."""
    pace.heard(channel, shop.allowance)
    granted, wait_s = pace.for_push(channel, shop.capabilities, count)
    if not granted and wait_s <= LONGEST_NAP_S:
        time.sleep(wait_s)
        keep_busy(channel)
        granted, _wait_s = pace.for_push(channel, shop.capabilities, count)
    return granted


def _await_outcome(channel: Channel, taken: Sequence[Answered]) -> None:
    """Remember what the shop took under a ticket and have it asked for; what it could not take yet is pushed again."""
    by_ticket: dict[str, list[Answered]] = {}
    for answer in taken:
        by_ticket.setdefault(answer.result.ticket, []).append(answer)
    untold = by_ticket.pop("", [])
    with transaction.atomic():
        for ticket, answers in by_ticket.items():
            told = [
                [row.listing_id, row.result.listing_id, row.result.quantity, *(row.since[:2] if row.since else (None, ""))]
                for row in answers
            ]
            Submission.objects.get_or_create(channel=channel, ticket=ticket, defaults={"rows": told})
            wait = max(row.result.retry_after or 0.0 for row in answers)
            outbox.emit_later(wait, "channel.submitted", lane=channel.pk, channel_id=channel.pk, ticket=ticket)
    if untold:
        try_again(channel, {(answer.listing_id, answer.location): (answer.result, answer.since) for answer in untold})


def try_again(channel: Channel, failed: Mapping[tuple[int, str], tuple[PushResult, Since | None]]) -> None:
    """Only the listings that failed come back, at the places where they did, {(its key, location): (the answer, since when it is stale)}; each
    the later the oftener it did, so that one that always fails holds up no other.

    A number that moved in the shop means that there are orders to fetch first.
    """
    groups: dict[tuple[bool, bool, int, str], dict[int, tuple[PushResult, Since]]] = {}
    for (key, location), (result, known) in failed.items():  # what waits for tomorrow holds up no other
        since = known or push_log.now("")
        kind = result.error is PushError.SPENT, result.error is PushError.STALE, since.tries, location
        groups.setdefault(kind, {})[key] = result, since
    with transaction.atomic():
        if any(moved for _spent, moved, *_rest in groups):
            order_asking.ask(channel.pk)
        for (_spent, moved, tries, location), group in sorted(groups.items()):
            backed_off = min(LONGEST_MOVED_S if moved else LONGEST_DELAY_S, 2.0 ** min(tries, 12))
            wait = max(backed_off, *(result.retry_after or 0.0 for result, _since in group.values()))
            told = push_log.in_payload({key: since._replace(tries=tries + 1) for key, (_result, since) in group.items()})
            where = {"location": location} if location else {}
            outbox.emit_later(wait, "channel.stale", lane=channel.pk, channel_id=channel.pk, **told, **where)


def _store(channel: Channel, answers: Sequence[Answered]) -> None:
    """Believe what the shop has done, and keep all of its answers. What is pending changes no listing yet."""
    with transaction.atomic(), connection.cursor() as cursor:
        hold(channel.pk)
        believe = push_log.write_and_believe_there if channel.located else push_log.write_and_believe
        believe(answers, channel.pk)
        if any(answer.result.error is None for answer in answers):
            cursor.execute("UPDATE marketplaces_channel SET last_push_at = now(), busy_since = now() WHERE id = %s", [channel.pk])
