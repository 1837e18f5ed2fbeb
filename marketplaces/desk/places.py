"""Which of the shop's own places each of a channel's warehouses is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from inventory.models import Warehouse
from marketplaces import drift, places
from marketplaces.desk import asked
from marketplaces.desk.finding import find_connected
from marketplaces.models import Channel
from marketplaces.numbers import Told
from wms.core import desk

MOST_WAREHOUSES = 200


@dataclass(frozen=True, slots=True)
class Spot:
    """A listing at one of the shop's places; `differs` where the shop was just asked and shows another number."""

    name: str
    told: Told
    differs: drift.Difference | None


def names(channel: Channel) -> dict[str, str]:
    """The codes of the warehouses that the shop's places are, by location; {} of a channel that is one place."""
    return dict(channel.places.values_list("location", "warehouse__code")) if channel.located else {}


def spots(channel: Channel, told: Sequence[Told], differences: Iterable[drift.Difference]) -> dict[int, list[Spot]]:
    """By listing; nothing of a channel that is one place. A place that is left has its location for a name."""
    if not channel.located:
        return {}
    codes = names(channel)
    different = {(row.listing_id, row.location): row for row in differences}
    found: dict[int, list[Spot]] = {}
    for row in told:
        spot = Spot(codes.get(row.location, row.location), row, different.get((row.listing_id, row.location)))
        found.setdefault(row.listing_id, []).append(spot)
    return found


def together(differences: Iterable[drift.Difference], spots: Mapping[int, Sequence[Spot]]) -> dict[int, drift.Difference]:
    """By listing what the shop shows in all of its places, where it is not ours; unknown where it is at one of them."""
    found: dict[int, drift.Difference] = {}
    for row in differences:
        shown = [spot.differs.theirs if spot.differs else spot.told.quantity for spot in spots.get(row.listing_id, ())] or [row.theirs]
        known = [quantity for quantity in shown if quantity is not None]
        found[row.listing_id] = replace(row, theirs=sum(known) if len(known) == len(shown) else None)
    return found


def _page(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Asks the shop for its places: for those who may change the channel."""
    desk.need(request, "marketplaces.change_channel")
    found = find_connected(request, channel_id)
    has = dict(found.places.values_list("warehouse__code", "location"))
    rows = [
        (house, request.POST.get(_field(house), has.get(house.code, "")))
        for house in Warehouse.objects.filter(active=True).order_by("code")[:MOST_WAREHOUSES]
    ]
    return render(
        request,
        "marketplaces/desk/places.html",
        {
            "channel": found,
            "rows": rows,
            "there": places.of_shop(found),
            "houses": request.POST.get("warehouses", ", ".join(house.code for house in found.houses)),
            "routing": request.POST.get("routing", found.routing),
            "routings": Channel.Routing.choices,
        },
    )


page = desk.page(_page)


def _field(house: Warehouse) -> str:
    return f"location-{house.code}"


@desk.action(shows=page, permission="marketplaces.change_channel")
def act(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields: warehouses (codes, the first one first), routing, and `location-CODE` for each warehouse that is one of the shop's places."""
    found = find_connected(request, channel_id)
    houses = asked.warehouses(request, "warehouses")
    locations = {house.code: desk.clean(request.POST.get(_field(house)), places.LONGEST_LOCATION) for house in houses}
    places.set_warehouses(channel=found, warehouses=houses, routing=asked.routing(request), locations=locations)
    return desk.done(request, _("The warehouses are changed; all numbers are told again."), "desk:channel", channel_id=channel_id)
