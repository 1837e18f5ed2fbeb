"""A channel that is one place of the shop's is given another: the place that it left is told 0, or it would go on selling.

What is left stands by listing and place (ListingPlace), and is forgotten when the shop has taken its 0. Where the keys do not reach it any more a
person sees it on the channel's page. A located channel needs none of this: the places that it leaves are among its numbers.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext_lazy

from marketplaces import adapters, pace, push_log, shop_address, troubles
from marketplaces.abilities import HasPlaces
from marketplaces.holding import hold
from marketplaces.models import Channel, ListingPlace
from marketplaces.numbers import Told, left
from marketplaces.port import Marketplace, PushError
from marketplaces.push_log import Answered
from marketplaces.telling import lane
from wms.core import outbox
from wms.core.errors import WmsError

BECAUSE = "left"
LONGEST_DELAY_S = 900.0
MOST_IN_A_TURN = 1000


@dataclass(frozen=True, slots=True)
class Left:
    """A place that was left and still sells this many listings; `trouble` is what the shop said last, in the reader's language."""

    location: str
    count: int
    trouble: str


OLD_SHOP = gettext_lazy("The old address or account is told nothing any more. Where it still sells, set its numbers to 0 there.")


def own_location(shop: Marketplace) -> str:
    """The one place that a channel with these keys is; empty where the shop has none, or its number stands for all of them."""
    return shop.own_location if isinstance(shop, HasPlaces) else ""


def place_of(channel: Channel) -> str:
    """As own_location, of a channel whose keys may be of another time."""
    try:
        shop = adapters.connect(channel.adapter, base_url=channel.base_url, credentials=channel.opened_credentials())
    except WmsError:
        return ""
    return own_location(shop)


_LEAVE = """
INSERT INTO marketplaces_listingplace (listing_id, location, pushed_quantity, pushed_at, last_error)
SELECT l.id, %(place)s, l.pushed_quantity, l.pushed_at, '' FROM marketplaces_listing l
WHERE l.channel_id = %(channel)s AND (
    l.pushed_quantity IS NOT NULL OR l.last_error <> '' OR %(in_hand)s AND (l.sku_id IS NOT NULL OR l.bundle_id IS NOT NULL)
)
ON CONFLICT (listing_id, location) DO NOTHING
"""


def leave(channel: Channel, was: str, now: str) -> None:
    """A step, with the channel held: it was this place of the shop and is that one now. One that stands for all of them leaves none."""
    if channel.located or was == now:
        return
    ListingPlace.objects.filter(listing__channel=channel, location=now).delete()
    if not was or not now:
        return
    with connection.cursor() as cursor:
        # A number that is on its way arrives at the old place, whatever we know of it.
        cursor.execute(_LEAVE, {"channel": channel.pk, "place": was, "in_hand": outbox.in_hand(lane(channel.pk))})
    go_on(channel)


def leave_shop(channel: Channel) -> None:
    """A step, with the channel held: it is another shop now. What it left is not there, where somebody else may sell at a place of the same name."""
    if not channel.located:
        ListingPlace.objects.filter(listing__channel=channel).delete()


def go_on(channel: Channel) -> None:
    """A step: have told what is still left."""
    if not channel.located and ListingPlace.objects.filter(listing__channel=channel).exists():
        outbox.emit("channel.left", **_event(channel, 0))


def _event(channel: Channel, tries: int) -> dict[str, Any]:
    return {"lane": channel.pk, "channel_id": channel.pk, "listing_ids": [], "left": tries}


def wanted(payloads: Sequence[dict[str, Any]]) -> int | None:
    """Of the events of the lane in which numbers are told: how often what is left was told in vain; None where none is about that."""
    return max((payload["left"] for payload in payloads if "left" in payload), default=None)


def tell(channel: Channel, shop: Marketplace, until: float, tries: int) -> int | None:
    """Tell 0 where something is left, which was done in vain so often; answers how often it was by now, None where nothing is to be tried again.

    No failure of that holds up other numbers.
    """
    if channel.located or not isinstance(shop, HasPlaces):
        return None
    _forget(channel, _taken_over(channel) if shop.tells_apart() else None)
    rows = left(channel, MOST_IN_A_TURN)
    more, told, again = len(rows) == MOST_IN_A_TURN, 0, False
    while rows and time.monotonic() < until:
        granted, _wait_s = pace.for_push(channel, shop.capabilities, len(rows))
        if not granted:
            break
        count = min(granted, shop.capabilities.batch_size)
        batch, rows = rows[:count], rows[count:]
        gone, failed = _tell(channel, shop, batch)
        pace.heard(channel, shop.allowance)
        told, again = told + gone, again or failed > 0
        if failed == len(batch):
            break
    if not (again or rows or (more and told)):
        return None
    return 0 if told else tries + 1


def _tell(channel: Channel, shop: Marketplace, rows: Sequence[Told]) -> tuple[int, int]:
    """How many of these sell nothing any more, and how many may be taken another time."""
    sent_at, known = time.time(), push_log.now(BECAUSE)
    results = shop.push_stock([row.level(None) for row in rows])
    by_place = {(row.external_id, row.location): row for row in rows}
    told = [(by_place[result.listing_id, result.location], result) for result in results]
    gone = Q(pk__in=[])
    with transaction.atomic():
        hold(channel.pk)
        push_log.write(
            [Answered(row.listing_id, row.pushed_quantity, known, sent_at, time.time(), result, row.location) for row, result in told]
        )
        for row, result in told:
            place = Q(listing=row.listing_id, location=row.location)
            if result.error in (None, PushError.UNKNOWN_LISTING):
                gone |= place
            else:
                error = f"{result.error}: {result.message}"[: push_log.LONGEST_ERROR]
                ListingPlace.objects.filter(place).update(last_error=error)
        count, _by_model = ListingPlace.objects.filter(gone).delete()
    return count, sum(result.retryable for result in results)


def again(channel: Channel, tries: int) -> None:
    """A step: later, what was told in vain so often. Other numbers have a turn before."""
    outbox.emit_later(min(LONGEST_DELAY_S, 2.0 ** min(tries, 12)), "channel.left", **_event(channel, tries))


def _taken_over(channel: Channel) -> set[str]:
    """Of the places that it left those that another channel of the same shop is by now: they have their numbers from there."""
    places = set(ListingPlace.objects.filter(listing__channel=channel).values_list("location", flat=True))
    others = shop_address.channels_at(channel.adapter, channel.base_url, but=channel, disconnected_at=None) if places else ()
    return places & {place for other in others for place in (other.locations if other.located else [place_of(other)])}


def _forget(channel: Channel, places: Collection[str] | None) -> None:
    """These places are not told; None: all of them, where the shop has one number for all."""
    if places is None or places:
        with transaction.atomic():
            hold(channel.pk)
            rows = ListingPlace.objects.filter(listing__channel=channel, listing__channel__located=False)
            (rows if places is None else rows.filter(location__in=places)).delete()


def still_selling(channel: Channel) -> list[Left]:
    """The places that were left and have not taken their 0; [] of a located channel, whose page names them with its listings."""
    if channel.located:
        return []
    rows = ListingPlace.objects.filter(listing__channel=channel).values("location").order_by("location")
    found = rows.annotate(count=Count("pk"), error=Max("last_error"))
    return [Left(row["location"], row["count"], troubles.in_words(row["error"])) for row in found]


def forget(*, channel: Channel, location: str) -> None:
    """A person says: nothing is sold there any more."""
    _forget(channel, [location])
