"""A shop's orders and offers as the shop itself sees them, by its own ids, in a constant number of statements for any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Subquery

from marketplaces import tracking
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart, Listing, ToldParcel
from marketplaces.numbers import Told
from marketplaces.numbers import numbers as sellable
from outbound.models import Parcel, ParcelLine


def orders(rows: Sequence[ChannelOrder]) -> list[dict[str, Any]]:
    """With the parcels that have left. `rows` have their parts with their orders loaded."""
    lines = Prefetch("lines", ParcelLine.objects.select_related("line"))
    told = ToldParcel.objects.filter(parcel=OuterRef("pk"))
    ours = [part.order_id for row in rows for part in row.parts.all() if part.order_id and not part.merchants_own]
    left = Parcel.objects.filter(order__in=ours, status=Parcel.Status.SHIPPED)
    parcels: dict[int, list[Parcel]] = {}
    # As the shop heard of them: which parcel claims a bundle hangs on it.
    for parcel in (
        left.alias(told_at=Subquery(told.values("told_at")))
        .annotate(refused=Exists(told.exclude(error="")))
        .prefetch_related(lines)
        .order_by(F("told_at").asc(nulls_last=True), "shipped_at", "pk")
    ):
        parcels.setdefault(parcel.order_id, []).append(parcel)
    return [
        {
            "id": row.external_id,
            "number": row.number,
            "state": row.shop_state,
            "status": row.status,
            "problem": row.problem,
            "problem_detail": row.problem_detail if row.problem else "",
            "order": next(iter(_ours(row)), None),
            "orders": _ours(row),
            "parcels": [answer for part in row.parts.all() for answer in _parcels(parcels.get(part.order_id or 0, ()), part)],
        }
        for row in rows
    ]


def _ours(row: ChannelOrder) -> list[dict[str, Any]]:
    names = ("id", "reference", "status", "ship_by", "updated_at")
    return [{name: getattr(part.order, name) for name in names} for part in row.parts.all() if part.order and not part.merchants_own]


def _parcels(parcels: Sequence[Parcel], part: ChannelOrderPart) -> list[dict[str, Any]]:
    """No lines say that it is all of the order, or that it joins another one, as the shop is told."""
    before: Counter[int] = Counter()
    earlier: list[Parcel] = []
    answers = []
    for parcel in parcels:
        lines = tracking.lines_of(parcel, part, before)
        joins = tracking.joined(parcel, part, earlier) if lines == () else ""
        # What the shop refused has claimed nothing.
        if not parcel.refused:  # type: ignore[attr-defined]  # annotated above
            before += tracking.units_of(parcel.lines.all())
            earlier.append(parcel)
        if lines != () or joins:
            answers.append(
                {
                    "tracking_number": parcel.tracking_number,
                    "carrier": parcel.carrier,
                    "shipped_at": parcel.shipped_at,
                    "lines": [{"id": line.line_id, "quantity": line.quantity} for line in lines or ()],
                    "joins": joins,
                }
            )
    return answers


def numbers(channel: Channel, listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """What the channel may sell of these listings, which have their skus and bundles loaded: `quantity` is None where nobody knows what it is.

    `places`: how much of it at which of the shop's locations, of a channel that is several. Then `told` is what all of them were told together, and
    `told_at` the oldest of their moments; both None while one was never told.
    """
    quantities: Counter[int] = Counter()
    places: dict[int, list[Told]] = {}
    for row in sellable(channel, [listing.pk for listing in listings]):
        quantities[row.listing_id] += row.quantity
        if row.location:
            places.setdefault(row.listing_id, []).append(row)
    return [
        {
            "id": listing.external_id,
            "sku": listing.sku.code if listing.sku else None,
            "bundle": listing.bundle.code if listing.bundle else None,
            "quantity": quantities.get(listing.pk),
            "places": [{"location": row.location, "quantity": row.quantity} for row in places.get(listing.pk, ())],
            **_told(listing, places.get(listing.pk, ())),
            "error": listing.last_error,
        }
        for listing in listings
    ]


def _told(listing: Listing, places: Sequence[Told]) -> dict[str, Any]:
    """Of a listing without places what stands at it."""
    if not places:
        return {"told": listing.pushed_quantity, "told_at": listing.pushed_at}
    quantities = [row.pushed_quantity for row in places if row.pushed_quantity is not None]
    moments = [row.pushed_at for row in places if row.pushed_at is not None]
    every = len(quantities) == len(moments) == len(places)
    return {"told": sum(quantities) if every else None, "told_at": min(moments) if every else None}
