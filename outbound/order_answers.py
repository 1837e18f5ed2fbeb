"""An order as its merchant sees it, in a constant number of statements for any number of orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from outbound import clock
from outbound.models import Order, OrderLine, Parcel


def describe(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """With lines, parcels and the clock as it stands now. `orders` have their warehouse loaded."""
    keys, now = [order.pk for order in orders], timezone.now()
    rooms = clock.headroom_of(keys)
    lines: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
    for order_id, number, sku, quantity, shipped in (
        OrderLine.objects.filter(order_id__in=keys)
        .order_by("order_id", "number")
        .values_list("order_id", "number", "sku__code", "quantity", "shipped")
    ):
        lines[order_id].append({"number": number, "sku": sku, "quantity": quantity, "shipped": shipped})
    parcels: dict[int, list[dict[str, Any]]] = {key: [] for key in keys}
    for parcel in Parcel.objects.filter(order_id__in=keys).exclude(status=Parcel.Status.VOID).order_by("order_id", "number"):
        parcels[parcel.order_id].append(
            {
                "id": parcel.pk,
                "number": parcel.number,
                "status": parcel.status,
                "carrier": parcel.carrier,
                "tracking_number": parcel.tracking_number,
                "weight_g": parcel.weight_g,
                "shipped_at": parcel.shipped_at,
            }
        )
    return [
        {
            "id": order.pk,
            "reference": order.reference,
            "status": order.status,
            "warehouse": order.warehouse.code,
            "service": order.service,
            "ship_by": order.ship_by,
            "seconds_left": clock.seconds_left(order, now),
            "late": clock.is_late(order, now),
            "late_headroom": rooms[order.pk].room if order.pk in rooms else None,
            "country": order.country,
            "lines": lines[order.pk],
            "parcels": parcels[order.pk],
            "created_at": order.created_at,
            "updated_at": order.updated_at,
            "shipped_at": order.shipped_at,
            "buyer_erased_at": order.erased_at,
        }
        for order in orders
    ]
