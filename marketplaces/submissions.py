"""What became of the numbers that a shop took under a ticket. Until it says so, nothing of them is believed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from marketplaces import push_log, stock_sync
from marketplaces.abilities import Submits
from marketplaces.calling import calling, keep_busy
from marketplaces.holding import hold
from marketplaces.models import Channel, Submission
from marketplaces.port import PushError, PushResult, StockLevel
from marketplaces.push_log import Answered, Since
from wms.core import outbox

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
# A shop that says nothing for so long is told all anew.
GIVE_UP_AFTER = timedelta(hours=6)
ASK_AGAIN_S = 30.0
# What failed as a whole fails again soon: minutes until the next try.
FAILED_TRIES = 8


def follow(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.submitted` {channel_id, ticket}, one channel's events at a time. Raises ChannelQuiet: try again later."""
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"]).first()
    submissions = Submission.objects.filter(channel=channel, ticket__in={payload["ticket"] for payload in payloads})
    if channel is None or not channel.hears:  # resuming tells all numbers again
        submissions.delete()
        return
    tickets = list(submissions.order_by("pk").values_list("ticket", flat=True))
    until = time.monotonic() + BUDGET_S
    with calling(channel) as shop:
        if not isinstance(shop, Submits):
            raise TypeError(f"{channel.adapter} gave a ticket that it cannot tell of")
        for number, ticket in enumerate(tickets):
            if time.monotonic() > until:
                _go_on_later(channel, tickets[number:])
                return
            # One at a time: a ticket may stand for thousands of numbers.
            submission = submissions.get(ticket=ticket)
            levels = [StockLevel(external_id, quantity) for _key, external_id, quantity, *_since in submission.rows]
            _settle(channel, submission, shop.outcome(ticket, levels))
            keep_busy(channel)


def _go_on_later(channel: Channel, tickets: Sequence[str]) -> None:
    events = [("channel.submitted", {"lane": channel.pk, "channel_id": channel.pk, "ticket": ticket}) for ticket in tickets]
    with transaction.atomic():
        outbox.emit_all(events)


# What was told since then counts, whatever became of the older number: the shop may have done the two in any order. An untied listing that may
# show this one is told 0 again.
_STORE = """
UPDATE marketplaces_listing l
SET pushed_quantity = CASE WHEN r.error = '' THEN r.quantity ELSE l.pushed_quantity END,
    pushed_at = CASE WHEN r.error = '' THEN now() ELSE l.pushed_at END,
    last_error = r.error
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS r (id, quantity, error)
WHERE l.id = r.id AND (l.pushed_at IS NULL OR l.pushed_at <= %s OR l.sku_id IS NULL AND l.bundle_id IS NULL)
RETURNING l.id
"""


def _settle(channel: Channel, submission: Submission, results: Sequence[PushResult]) -> None:
    """Note what was done, and have told again what failed or was told otherwise meanwhile."""
    keys = [int(row[0]) for row in submission.rows]
    since = {int(key): Since(at, because) for key, _id, _quantity, at, because in submission.rows if at}
    waits = [result.retry_after or ASK_AGAIN_S for result in results if result.error is PushError.PENDING]
    if waits and timezone.now() - submission.sent_at < GIVE_UP_AFTER:
        with transaction.atomic():
            outbox.emit_later(max(waits), "channel.submitted", lane=channel.pk, channel_id=channel.pk, ticket=submission.ticket)
        return
    errors = ["" if result.ok else f"{result.error}: {result.message}"[:500] for result in results]
    with transaction.atomic():
        hold(channel.pk)
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [keys, [result.quantity for result in results], errors, submission.sent_at])
            stored = {key for (key,) in cursor.fetchall()}
            sent_at, now = submission.sent_at.timestamp(), time.time()
            push_log.write([Answered(key, None, since.get(key), sent_at, now, result) for key, result in zip(keys, results, strict=True)])
            if any(result.ok for result in results):
                cursor.execute("UPDATE marketplaces_channel SET last_push_at = now() WHERE id = %s", [channel.pk])
        stock_sync.stale(channel.pk, [key for key in keys if key not in stored], "overtaken")
        # What the shop did not take comes back in its own time.
        shows = [key for key, result in zip(keys, results, strict=True) if key in stored and result.ok and result.quantity]
        untied = channel.listings.unmapped().filter(pk__in=shows).order_by("pk").values_list("pk", flat=True)
        stock_sync.stale(channel.pk, list(untied), "tied")
        submission.delete()
    failed = {
        (key, ""): (result, (since.get(key) or push_log.now(""))._replace(tries=FAILED_TRIES))
        for key, result in zip(keys, results, strict=True)
        if key in stored and result.retryable
    }
    if failed:
        stock_sync.try_again(channel, failed)
