"""Out of which warehouses a channel sells, and which of the shop's own places each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inventory.models import Warehouse
from marketplaces import stock_sync, telling
from marketplaces.abilities import HasPlaces, ShopPlace
from marketplaces.calling import calling
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrderPart, ChannelWarehouse, ListingPlace
from marketplaces.port import PushError
from outbound.models import Order
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import InvalidInput

LONGEST_LOCATION = 100


def of_shop(channel: Channel) -> list[ShopPlace] | None:
    """The places that the shop says it has; None where it has none with numbers of their own, [] where it cannot be asked for them.

    Raises ChannelQuiet, ChannelRefused.
    """
    with calling(channel) as shop:
        if not isinstance(shop, HasPlaces) or not shop.capabilities.locations:
            return None
        return shop.places() or []


def set_warehouses(*, channel: Channel, warehouses: Sequence[Warehouse], routing: str, locations: Mapping[str, str] | None = None) -> None:
    """Sell out of these from now on, the first one first, and tell the shop its numbers anew. Orders stay where they are.

    `locations`: the shop's own id of the place that each is, by the warehouse's code; None: they keep those that they have. The shop is asked
    whether it has them. A place that is left is told 0. Raises InvalidInput without any warehouse, where only some of them have a location,
    for one that the shop does not have and for one that is left with orders under way, each with its warehouse's code; ChannelQuiet where the
    shop cannot be asked.
    """
    if not warehouses:
        raise InvalidInput([{"path": ["warehouses"], "message": _("Name one warehouse at least.")}])
    if locations is None:
        locations = dict(channel.places.exclude(location="").values_list("warehouse__code", "location"))
    placed = {house: locations.get(house.code, "").strip() for house in warehouses}
    _refuse_mixtures(placed)
    _refuse_to_leave_orders(channel, placed)
    own, there = _ask(channel, placed) if channel.located or any(placed.values()) else ("", None)
    _change(channel=channel, placed=placed, routing=routing, was_located=channel.located, own=own, there=there)


@command
def _change(
    *, channel: Channel, placed: Mapping[Warehouse, str], routing: str, was_located: bool, own: str, there: set[str] | None
) -> None:
    """`own`, `there`: as _ask answers them. What was looked at before the shop was asked is looked at again: meanwhile it may have sold something."""
    hold(channel.pk)
    if Channel.objects.values_list("located", flat=True).get(pk=channel.pk) != was_located:
        # Of what the shop was asked for depends which places are told 0, and which are forgotten.
        problem = _("Somebody else has just changed the warehouses of this channel. Look at them again.")
        raise InvalidInput([{"path": ["warehouses"], "message": problem}])
    _refuse_to_leave_orders(channel, placed)
    _refuse_to_leave_sales(channel, placed, own, there)
    channel.routing, channel.located = routing, any(placed.values())
    channel.save(update_fields=["routing", "located"])
    channel.places.all().delete()
    place(channel, placed)
    _forget_gone(channel, there)
    if channel.located and not was_located:
        _begin_places(channel, own)
    elif was_located and not channel.located:
        _end_places(channel, own)
    stock_sync.stale_all(channel, "all")


def place(channel: Channel, placed: Mapping[Warehouse, str]) -> None:
    """A step: these warehouses with their locations, in this order, of a channel that has none yet."""
    ChannelWarehouse.objects.bulk_create(
        ChannelWarehouse(channel=channel, warehouse=warehouse, rank=rank, location=location)
        for rank, (warehouse, location) in enumerate(placed.items(), start=1)
    )
    channel.houses, channel.house_ids = list(placed), [warehouse.pk for warehouse in placed if warehouse.active]
    channel.locations = {location: warehouse.pk for warehouse, location in placed.items() if location}


def _refuse_mixtures(placed: Mapping[Warehouse, str]) -> None:
    used: dict[str, str] = {}
    problems: list[dict[str, Any]] = []
    for house, location in placed.items():
        if not location and any(placed.values()):
            problems.append(_problem(house, _("Either every warehouse of a channel has a location of the shop, or none has.")))
        elif location and location in used:
            problems.append(_problem(house, _("Warehouse %(code)s has this location already.") % {"code": used[location]}))
        elif len(location) > LONGEST_LOCATION:
            problems.append(_problem(house, _("This is too long.")))
        used.setdefault(location, house.code)
    if problems:
        raise InvalidInput(problems)


def _refuse_to_leave_orders(channel: Channel, placed: Mapping[Warehouse, str]) -> None:
    """Orders of a location are read and tracked there: it keeps its warehouse until none of its orders is under way."""
    stays = {(house.pk, location) for house, location in placed.items()}
    problems = []
    for was in channel.places.exclude(location="").select_related("warehouse"):
        if (was.warehouse_id, was.location) in stays:
            continue
        parts = ChannelOrderPart.objects.filter(
            channel_order__channel=channel, warehouse=was.warehouse, order__shipped_at=None, merchants_own=False
        )
        # One without an order is just being taken in.
        under_way = Q(order__isnull=False) & ~Q(order__status=Order.Status.CANCELLED) | Q(order=None, channel_order__shop_state="open")
        if count := parts.filter(under_way).count():
            message = ngettext(
                "%(count)d order of its location is under way: ship or cancel it first.",
                "%(count)d orders of its location are under way: ship or cancel them first.",
                count,
            )
            problems.append(_problem(was.warehouse, message % {"count": count}))
    if problems:
        raise InvalidInput(problems)


def _ask(channel: Channel, placed: Mapping[Warehouse, str]) -> tuple[str, set[str] | None]:
    """The place that the shop itself means where none is named, and all that it has, None where it cannot be asked for them.

    Raises InvalidInput for what the shop does not have.
    """
    there: set[str] | None = None
    with calling(channel) as shop:
        if not isinstance(shop, HasPlaces) or not shop.capabilities.locations:
            raise InvalidInput([_problem(house, _("This shop has no places with numbers of their own.")) for house in _named(placed)])
        listed = shop.places()
        if listed is not None:
            there = {found.location for found in listed}
            if unknown := [house for house in _named(placed) if placed[house] not in there]:
                raise InvalidInput(
                    [_problem(house, _("The shop has no location %(location)s.") % {"location": placed[house]}) for house in unknown]
                )
    return shop.own_location, there


def _refuse_to_leave_sales(channel: Channel, placed: Mapping[Warehouse, str], own: str, there: set[str] | None) -> None:
    """A channel that becomes the shop's `own` place alone tells the others nothing any more: they must show nothing."""
    if not own or any(placed.values()):
        return
    # A number whose answer was lost may have arrived.
    sells = Q(pushed_quantity__gt=0) | Q(last_error__startswith=PushError.UNAVAILABLE)
    left = ListingPlace.objects.filter(sells, listing__channel=channel).exclude(location=own)
    still = set((left if there is None else left.filter(location__in=there)).values_list("location", flat=True))
    if outbox.in_hand(telling.lane(channel.pk)):  # what they are told just now nobody knows yet
        still |= set(channel.places.exclude(location__in=["", own]).values_list("location", flat=True))
    if still:
        raise InvalidInput(
            [
                {
                    "path": ["locations"],
                    "message": _("The shop still sells at location %(location)s: leave its warehouse out first, until it is told 0.")
                    % {"location": ", ".join(sorted(still))},
                }
            ]
        )


def forget_gone(channel: Channel) -> None:
    """A place that is no warehouse's any more, refuses its numbers, and is gone at the shop itself is told nothing again. Raises ChannelQuiet."""
    left = ListingPlace.objects.filter(listing__channel=channel).exclude(last_error="").exclude(location__in=channel.locations)
    if channel.located and left.exists():
        there = {found.location for found in of_shop(channel) or ()} or None
        with transaction.atomic():
            hold(channel.pk)
            _forget_gone(channel, there)


def _forget_gone(channel: Channel, there: set[str] | None) -> None:
    """A step, with the channel held."""
    if there is not None:
        ListingPlace.objects.filter(listing__channel=channel).exclude(location__in=[*there, *channel.locations]).delete()


def _named(placed: Mapping[Warehouse, str]) -> Iterable[Warehouse]:
    return [house for house, location in placed.items() if location]


def _problem(house: Warehouse, message: str) -> dict[str, Any]:
    return {"path": ["locations", house.code], "message": message}


_BEGIN = """
INSERT INTO marketplaces_listingplace (listing_id, location, pushed_quantity, pushed_at, last_error)
SELECT l.id, %(own)s, l.pushed_quantity, l.pushed_at, l.last_error FROM marketplaces_listing l
WHERE l.channel_id = %(channel)s AND (l.pushed_quantity IS NOT NULL OR l.last_error <> '')
ON CONFLICT (listing_id, location) DO NOTHING
"""
_END = """
WITH left_places AS (
    DELETE FROM marketplaces_listingplace s USING marketplaces_listing l WHERE l.id = s.listing_id AND l.channel_id = %(channel)s RETURNING s.*
)
UPDATE marketplaces_listing l SET pushed_quantity = s.pushed_quantity, pushed_at = s.pushed_at, last_error = coalesce(s.last_error, '')
FROM marketplaces_listing told LEFT JOIN left_places s ON s.listing_id = told.id AND s.location = %(own)s
WHERE told.id = l.id AND l.channel_id = %(channel)s
"""


def _begin_places(channel: Channel, own: str) -> None:
    """What the shop was told as one place it was told at its own: with compare-and-set that is what it still has to show."""
    if own:
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, {"channel": channel.pk, "own": own})


def _end_places(channel: Channel, own: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_END, {"channel": channel.pk, "own": own})
