"""Telling the shop that a parcel left. The same parcel has the same message id: a shop that keeps those hears of it once."""

from __future__ import annotations

from datetime import UTC

from marketplaces.adapters.storefront.connection import Connection, JsonObject, message_id
from marketplaces.port import Tracking


class TrackingDesk:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, tracking: Tracking) -> None:
        data: JsonObject = {
            "order_id": tracking.order_id,
            "tracking_number": tracking.number,
            "carrier": tracking.carrier,
            "tracking_url": tracking.url,
            "shipped_at": tracking.shipped_at.astimezone(UTC).isoformat(),
            "lines": [{"id": line.line_id, "quantity": line.quantity} for line in tracking.lines],
            "completes_order": tracking.completes_order,
        }
        if tracking.location:
            data["location"] = tracking.location
        if tracking.joins:
            data["joins"] = tracking.joins
        self._connection.call("parcel.shipped", data, uid=message_id("parcel.shipped", tracking.order_id, tracking.number))
