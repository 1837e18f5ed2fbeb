"""Ours, theirs, and what was told last, side by side; what differs is told again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from marketplaces import stock_sync
from marketplaces.calling import calling, keep_busy, need_lists
from marketplaces.models import Channel, ChannelOrder
from marketplaces.numbers import numbers
from marketplaces.port import ChannelError, Marketplace
from marketplaces.port import ChannelOrderState as State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """One listing whose number in the shop, or at one of its places, is not ours. `theirs` is None where the shop does not count or no longer has it."""

    listing_id: int
    external_id: str
    ours: int
    theirs: int | None
    told: int | None
    there: bool = True
    location: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """All that differs, of how many listings; `sold`: numbers of orders that the shop has and we have not, by the listings in them and the places
    that are to send them.
    """

    differences: list[Difference]
    count: int
    sold: dict[tuple[str, str], list[str]]


def compare(channel: Channel) -> list[Difference]:
    """Ask the shop for all its numbers. Raises CannotBeAsked, ChannelQuiet."""
    return compare_all(channel).differences


def compare_all(channel: Channel) -> Compared:
    """Ask the shop for all its numbers, and where it shows fewer than it was told for the orders that it has. Raises CannotBeAsked, ChannelQuiet."""
    theirs: dict[tuple[str, str], int | None] = {}
    sold: dict[tuple[str, str], list[str]] = {}
    cursor = ""
    with calling(channel) as shop:
        need_lists(shop, channel)
        while True:
            page = shop.listings(cursor=cursor)
            keep_busy(channel)
            theirs |= {(listing.listing_id, listing.location): listing.quantity for listing in page.listings}
            if not page.cursor or page.cursor == cursor:
                break
            cursor = page.cursor
        # A place that is left is told 0 and looked at no more.
        ours = [row for row in numbers(channel) if row.location in (channel.locations or ("",))]
        differences = [
            Difference(row.listing_id, row.external_id, row.quantity, shown, row.pushed_quantity, place in theirs, row.location)
            for row in ours
            if (shown := theirs.get(place := (row.external_id, row.location))) != row.quantity
        ]
        if any(row.theirs is not None and row.told is not None and row.theirs < row.told for row in differences):
            sold = _sold(channel, shop)
    return Compared(differences, len({row.listing_id for row in ours}), sold)


def _sold(channel: Channel, shop: Marketplace) -> dict[tuple[str, str], list[str]]:
    """The next page of changed orders, only looked at: the poll takes them in."""
    try:
        page = shop.orders(since=channel.orders_since, cursor=channel.order_cursor)
    except ChannelError as error:  # the numbers are there all the same
        log.warning("channel %s: its orders cannot be looked at: %s", channel.pk, error)
        return {}
    ids = [order.order_id for order in page.orders if order.state in (State.OPEN, State.PENDING)]
    known = set(channel.orders.filter(external_id__in=ids).exclude(status__in=ChannelOrder.NOT_TAKEN).values_list("external_id", flat=True))
    sold: dict[tuple[str, str], list[str]] = {}
    for order in page.orders:
        if order.order_id in ids and order.order_id not in known:
            for line in order.lines:
                sold.setdefault((line.listing_id, line.location), []).append(order.number or order.order_id)
    return sold


def repair(channel: Channel) -> list[Difference]:
    """Compare, and have what differs told again through the channel's own lane."""
    differences = compare(channel)
    if differences:
        with transaction.atomic():
            tell_again(channel, [(difference.listing_id, difference.location) for difference in differences])
    return differences


def tell_again(channel: Channel, places: Iterable[tuple[int, str]]) -> None:
    """A step: have these numbers told again, {(listing's key, location)}: at the places that differ, and at no other."""
    by_location: dict[str, list[int]] = {}
    for key, location in places:
        by_location.setdefault(location, []).append(key)
    for location, keys in by_location.items():
        stock_sync.stale(channel.pk, keys, "drift", location)
