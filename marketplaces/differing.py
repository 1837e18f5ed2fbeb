"""Why a shop shows another number than ours: every difference of a comparison is explained and kept, so that its page is instant."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from marketplaces import drift, leaving, places, stock_sync
from marketplaces.calling import CannotBeAsked
from marketplaces.models import Channel, Comparison, Difference, Listing, ListingPlace, Submission
from marketplaces.numbers import WAITING, WAITING_THERE, of_channel
from marketplaces.port import ChannelThrottled
from wms.core.models import OutboxEvent

Facts = dict[str, Any]
FINAL = ("refused", "unknown_listing")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event of the channel's lane that a listing waits in: since when its number is stale, why it waits, until when, and if it died."""

    since: datetime
    waits: str
    due_at: datetime
    dead: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of all differing listings of a channel, by listing; of `waiting` by listing and place, empty for all of them."""

    channel: Channel
    waiting: Mapping[tuple[int, str], Waiting]
    pending: frozenset[int]
    sold: Mapping[tuple[str, str], Sequence[str]]


def run(channel: Channel) -> Comparison:
    """Ask the shop for all its numbers, and keep what differs with its reasons in place of what was found before. Raises CannotBeAsked, ChannelQuiet."""
    found = drift.compare_all(channel)
    channel.refresh_from_db()
    listings = {row.pk: row for row in channel.listings.filter(pk__in=[row.listing_id for row in found.differences])}
    known = Known(channel, _waiting(channel), _pending(channel), found.sold)
    spots = {
        (place.listing_id, place.location): place for place in ListingPlace.objects.filter(listing__in=listings if channel.located else [])
    }
    formulas = _formulas(channel, found.differences)
    rows = []
    for row in found.differences:
        listing = listings[row.listing_id]
        never = ListingPlace(listing=listing, location=row.location) if row.location else None
        why, facts = reason(known, listing, row, spots.get((listing.pk, row.location), never))
        formula = formulas.get((row.listing_id, row.location), {})
        rows.append(
            Difference(listing=listing, location=row.location, ours=row.ours, theirs=row.theirs, why=why, facts=facts, formula=formula)
        )
    with transaction.atomic():
        # The nightly run and somebody at the desk: the later one's findings stay.
        Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        Comparison.objects.filter(channel=channel).delete()
        comparison = Comparison.objects.create(channel=channel, at=timezone.now(), listing_count=found.count)
        for difference in rows:
            difference.comparison = comparison
        Difference.objects.bulk_create(rows)
    return comparison


def tell_again(*, channel: Channel) -> int:
    """Have all that differed told again; answers how many numbers."""
    places = list(Difference.objects.filter(comparison=channel.pk).order_by("listing", "location").values_list("listing", "location"))
    with transaction.atomic():
        drift.tell_again(channel, places)
    return len(places)


def mend(channel: Channel) -> None:
    """Every night: have told again what the shop refused, whatever the reason was, and what it shows differently. Raises ChannelQuiet."""
    failed = channel.listings.to_tell().exclude(last_error="").order_by("pk").values_list("pk", flat=True)
    try:
        places.forget_gone(channel)
        run(channel)
        tell_again(channel=channel)
    except CannotBeAsked:  # what was found while it answered says nothing any more
        Comparison.objects.filter(channel=channel).delete()
    finally:
        with transaction.atomic():
            leaving.go_on(channel)
            stock_sync.stale(channel.pk, list(failed), "refused")


def reason(known: Known, listing: Listing, row: drift.Difference, place: ListingPlace | None = None) -> tuple[str, Facts]:
    """The code of why one listing differs, with the facts that its sentence needs; of a located channel at its `place`."""
    told = place or listing
    if row.theirs is None:
        return "not_counted" if row.there else "unknown_there", {}
    if told.last_error.startswith(FINAL):
        return "refused", {"answer": told.last_error.partition(": ")[2]}
    waiting = known.waiting.get((listing.pk, row.location)) or known.waiting.get((listing.pk, ""))
    if waiting is not None:
        return _why_it_waits(known.channel, listing, waiting, told.last_error)
    if listing.pk in known.pending or told.pushed_at is None:
        return "pending" if listing.pk in known.pending else "never_told", {}
    return _what_the_shop_did(known, told, row)


def _why_it_waits(channel: Channel, listing: Listing, waiting: Waiting, error: str) -> tuple[str, Facts]:
    facts: Facts = {"since": waiting.since.isoformat(), "until": waiting.due_at.isoformat()}
    if waiting.dead:
        return "dead", facts
    if waiting.waits == "revisions":
        return "revisions", {**facts, "used": listing.revisions}
    if waiting.waits == "tokens":
        return "throttled", facts
    if not channel.active:
        return "paused", facts
    if channel.quiet_until and channel.quiet_until > timezone.now():
        code = "throttled" if channel.last_error.startswith(ChannelThrottled.code) else "quiet"
        return code, {**facts, "until": channel.quiet_until.isoformat(), "answer": channel.last_error[:300]}
    return ("failed", {**facts, "answer": error[:300]}) if error else ("queued", facts)


def _what_the_shop_did(known: Known, told: Listing | ListingPlace, row: drift.Difference) -> tuple[str, Facts]:
    """It was told, and nothing waits: whoever sold or changed it did so in the shop."""
    assert row.theirs is not None
    if row.theirs == told.pushed_quantity:
        channel = known.channel
        # Nothing waits for a channel that keeps its last numbers.
        return ("moved", {}) if channel.hears or channel.paused_at is None else ("paused_last", {"since": channel.paused_at.isoformat()})
    orders = known.sold.get((row.external_id, row.location)) or known.sold.get((row.external_id, "")) or ()
    if row.told is not None and row.theirs < row.told and orders:
        return "sold", {"orders": list(orders)[:5]}
    return "changed_there", {}


def _waiting(channel: Channel) -> dict[tuple[int, str], Waiting]:
    rows = OutboxEvent.objects.filter(handler=f"marketplaces.stock_sync.push_stale:{channel.pk}").order_by("-pk")
    found: dict[tuple[int, str], Waiting] = {}
    for event in rows:
        location = event.payload.get("location", "")
        ids = event.payload["listing_ids"]
        for key, at in zip(ids, event.payload.get("at") or [event.created_at.timestamp()] * len(ids), strict=True):
            since = datetime.fromtimestamp(at, tz=event.created_at.tzinfo)
            found[key, location] = Waiting(since, event.payload.get("waits", ""), event.due_at, event.dead_at is not None)
    return found


def _pending(channel: Channel) -> frozenset[int]:
    return frozenset(int(row[0]) for submission in Submission.objects.filter(channel=channel) for row in submission.rows)


_GOODS = """
    'on_hand', coalesce(a.on_hand, 0), 'committed', coalesce(a.committed, 0), 'backordered', coalesce(a.backordered, 0), 'waiting', coalesce(w.quantity, 0)
"""
# Of several warehouses those that are counted, as in numbers.py.
_STOCK = """
LEFT JOIN LATERAL (
    SELECT sum(b.on_hand) AS on_hand, sum(b.committed) AS committed, sum(b.backordered) AS backordered FROM (
        SELECT b.* FROM inventory_sku g JOIN inventory_availability b ON b.sku_id = g.id
        WHERE g.id = {of}.sku_id AND g.active AND b.warehouse_id = ANY(%(warehouses)s)
          AND (cardinality(%(warehouses)s::bigint[]) = 1 OR b.on_hand > b.committed + b.backordered)
        ORDER BY b.on_hand - b.committed - b.backordered DESC LIMIT CASE WHEN %(splits)s THEN NULL ELSE 1 END
    ) b
) a ON TRUE
"""
_FORMULA = f"""
WITH waiting AS ({{waiting}})
SELECT l.id, (jsonb_build_object(
    'buffer', coalesce(l.buffer, c.buffer, m.buffer, 0), 'share_percent', coalesce(l.share_percent, c.share_percent, m.share_percent, 100),
    'cap', coalesce(l.cap, c.cap, m.cap)
) || CASE WHEN l.bundle_id IS NULL THEN jsonb_build_object({_GOODS}) ELSE jsonb_build_object('components', (
    SELECT jsonb_agg(jsonb_build_object('sku', s.code, 'units', k.quantity, {_GOODS}) ORDER BY k.id)
    FROM marketplaces_bundlecomponent k JOIN inventory_sku s ON s.id = k.sku_id
    {_STOCK.format(of="k")}
    LEFT JOIN waiting w ON w.sku_id = k.sku_id
    WHERE k.bundle_id = l.bundle_id
)) END)::text
FROM marketplaces_listing l
JOIN marketplaces_channel c ON c.id = l.channel_id
LEFT JOIN marketplaces_merchantoffers m ON m.merchant_id = l.merchant_id
{_STOCK.format(of="l")}
LEFT JOIN waiting w ON w.sku_id = l.sku_id
WHERE l.id = ANY(%(listings)s)
"""


def _formulas(channel: Channel, differences: Sequence[drift.Difference]) -> dict[tuple[int, str], Facts]:
    """By listing and place. One statement, or one for each place."""
    by_location: dict[str, list[int]] = {}
    for row in differences:
        by_location.setdefault(row.location, []).append(row.listing_id)
    found: dict[tuple[int, str], Facts] = {}
    with connection.cursor() as cursor:
        for location, keys in by_location.items():
            wanted = {**of_channel(channel), "listings": keys, "splits": channel.routing == Channel.Routing.SPLIT}
            if location:
                wanted["warehouses"] = [house_id for house_id in channel.house_ids if house_id == channel.locations[location]]
            cursor.execute(_FORMULA.format(waiting=WAITING_THERE if location else WAITING), wanted)
            found |= {(key, location): json.loads(formula) for key, formula in cursor.fetchall()}
    return found
