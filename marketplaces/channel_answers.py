"""A shop's orders and offers as the shop itself sees them, by its own ids, in a constant number of statements for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch

from marketplaces import tracking
from marketplaces.models import Channel, ChannelOrder, Listing
from marketplaces.numbers import numbers as sellable
from outbound.models import Parcel, ParcelLine


def orders(rows: Sequence[ChannelOrder]) -> list[dict[str, Any]]:
    """With the parcels that have left. `rows` have their orders loaded."""
    lines = Prefetch("lines", ParcelLine.objects.select_related("line"))
    left = Parcel.objects.filter(order__in=[row.order_id for row in rows if row.order_id], status=Parcel.Status.SHIPPED)
    parcels: dict[int, list[Parcel]] = {}
    for parcel in left.prefetch_related(lines).order_by("shipped_at", "pk"):
        parcels.setdefault(parcel.order_id, []).append(parcel)
    return [
        {
            "id": row.external_id,
            "number": row.number,
            "state": row.shop_state,
            "status": row.status,
            "problem": row.problem,
            "problem_detail": row.problem_detail,
            "order": _ours(row),
            "parcels": [_parcel(parcel, row) for parcel in parcels.get(row.order_id or 0, ())],
        }
        for row in rows
    ]


def _ours(row: ChannelOrder) -> dict[str, Any] | None:
    if row.order is None:
        return None
    return {name: getattr(row.order, name) for name in ("id", "reference", "status", "ship_by", "updated_at")}


def _parcel(parcel: Parcel, row: ChannelOrder) -> dict[str, Any]:
    return {
        "tracking_number": parcel.tracking_number,
        "carrier": parcel.carrier,
        "shipped_at": parcel.shipped_at,
        "lines": [{"id": line.line_id, "quantity": line.quantity} for line in tracking.lines_of(parcel, row)],
    }


def numbers(channel: Channel, listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """What the channel may sell of these listings, which have their skus loaded: `quantity` is None where nobody knows what it is."""
    told = {row.listing_id: row.quantity for row in sellable(channel, [listing.pk for listing in listings])}
    return [
        {
            "id": listing.external_id,
            "sku": listing.sku.code if listing.sku else None,
            "quantity": told.get(listing.pk),
            "told": listing.pushed_quantity,
            "told_at": listing.pushed_at,
            "error": listing.last_error,
        }
        for listing in listings
    ]
