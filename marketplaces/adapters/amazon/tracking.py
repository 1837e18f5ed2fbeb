"""Telling Amazon and its buyer that a parcel left: one package for each parcel, never twice (confirmShipment, Orders API v0)."""

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

from marketplaces.adapters.amazon.carriers import carrier
from marketplaces.adapters.amazon.connection import Connection, JsonObject
from marketplaces.adapters.amazon.orders import Orders, unshipped
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, Tracking, reasons

INCLUDED = "FULFILLMENT,CANCELLATION,PACKAGES"
OVER = {"CANCELLED", "UNFULFILLABLE"}


class TrackingDesk:
    def __init__(self, connection: Connection, orders: Orders, marketplace_ids: list[str]) -> None:
        self._connection = connection
        self._orders = orders
        self._marketplace_ids = marketplace_ids

    def send(self, tracking: Tracking) -> None:
        """Look first, then write: an earlier try may have got through though its answer was lost.

        A second package of units that are confirmed already has no room there.
        """
        if tracking.joins:
            return
        order = self._orders.row(tracking.order_id, INCLUDED)
        try:
            if _told(order, tracking.number):
                return
            if order["fulfillment"]["fulfillmentStatus"] in OVER:
                raise ChannelRefused(reason=reasons.CANCELLED, channel_code="order_cancelled")
            package = _package(tracking, order)
            marketplace = order["salesChannel"].get("marketplaceId") or self._marketplace_ids[0]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDER, error), answered=True) from error
        try:
            self._connection.call(
                "confirmShipment",
                "POST",
                f"/orders/v0/orders/{quote(tracking.order_id, safe='')}/shipmentConfirmation",
                body={"marketplaceId": marketplace, "packageDetail": package},
            )
        except CredentialsRefused:
            raise
        except ChannelRefused:
            # Somebody else's try of the same parcel may have come first.
            if not _told(self._orders.row(tracking.order_id, INCLUDED), tracking.number):
                raise


def _told(order: JsonObject, number: str) -> bool:
    return any(package.get("trackingNumber") == number for package in order.get("packages") or [])


def _package(tracking: Tracking, order: JsonObject) -> JsonObject:
    items = _allot(tracking, order)
    if not items:
        raise ChannelRefused(reason=reasons.NOTHING_LEFT, channel_code="nothing_left")
    # Amazon refuses what left before it was ordered, or will leave.
    left = min(max(tracking.shipped_at, datetime.fromisoformat(order["createdTime"])), datetime.now(UTC))
    return {
        "packageReferenceId": reference_of(tracking),
        **carrier(tracking.carrier),
        "trackingNumber": tracking.number,
        "shipDate": left.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "orderItems": [{"orderItemId": key, "quantity": quantity} for key, quantity in items.items()],
    }


def reference_of(tracking: Tracking) -> str:
    """A number that names the package within its order: the same whenever the parcel is told, so that a repeat changes it only."""
    digest = hashlib.sha256(f"{tracking.order_id} {tracking.number}".encode()).digest()
    return str(int.from_bytes(digest[:5]) + 1)


def _allot(tracking: Tracking, order: JsonObject) -> dict[str, int]:
    """The parcel's units of the items that still miss them; without lines all that is left."""
    wanted = {line.line_id: line.quantity for line in tracking.lines}
    items: dict[str, int] = {}
    for item in order["orderItems"]:
        key, left = str(item["orderItemId"]), unshipped(item)
        if units := min(left, wanted.get(key, 0)) if tracking.lines else left:
            items[key] = units
    return items
