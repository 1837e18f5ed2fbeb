"""Ours, theirs, and what was told last, side by side; what differs is told again."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from marketplaces import stock_sync
from marketplaces.calling import calling, keep_busy
from marketplaces.models import Channel
from marketplaces.numbers import numbers


@dataclass(frozen=True, slots=True)
class Difference:
    """One listing whose number in the shop is not ours. `theirs` is None where the shop does not count or no longer has it."""

    listing_id: int
    external_id: str
    ours: int
    theirs: int | None
    told: int | None


def compare(channel: Channel) -> list[Difference]:
    """Ask the shop for all its numbers. Raises ChannelQuiet."""
    theirs: dict[str, int | None] = {}
    cursor = ""
    with calling(channel) as shop:
        while True:
            page = shop.listings(cursor=cursor)
            keep_busy(channel)
            theirs |= {listing.listing_id: listing.quantity for listing in page.listings}
            if not page.cursor or page.cursor == cursor:
                break
            cursor = page.cursor
    return [
        Difference(row.listing_id, row.external_id, row.quantity, theirs.get(row.external_id), row.pushed_quantity)
        for row in numbers(channel)
        if theirs.get(row.external_id) != row.quantity
    ]


def repair(channel: Channel) -> list[Difference]:
    """Compare, and have what differs told again through the channel's own lane."""
    differences = compare(channel)
    if differences:
        with transaction.atomic():
            stock_sync.stale(channel.pk, [difference.listing_id for difference in differences], "drift")
    return differences


def mend(channel: Channel) -> None:
    """Have told again what the shop refused, whatever the reason was, then what it shows differently. Raises ChannelQuiet."""
    failed = channel.listings.filter(sku__isnull=False).exclude(last_error="").order_by("pk").values_list("pk", flat=True)
    with transaction.atomic():
        stock_sync.stale(channel.pk, list(failed), "refused")
    repair(channel)
