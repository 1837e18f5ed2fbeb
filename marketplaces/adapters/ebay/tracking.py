"""Telling platform and buyer that a parcel left: one shipping fulfilment for each parcel. Never twice."""

import re
from datetime import UTC, datetime

from marketplaces.adapters._reading import moment
from marketplaces.adapters.ebay.carriers import code
from marketplaces.adapters.ebay.connection import FULFILMENT, Connection, JsonObject, rows_of, segment
from marketplaces.adapters.ebay.reading import CANCELLED, ordered, shipped_units, stamp
from marketplaces.port import ChannelRefused, ChannelUnavailable, NotOnChannel, Tracking, reasons


class TrackingDesk:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, tracking: Tracking) -> None:
        """Look first, then write: an earlier try may have got through though its answer was lost.

        A second package of the same units has no room there: all components of a line belong into one.
        """
        if tracking.joins:
            return
        path = f"{FULFILMENT}/order/{segment(tracking.order_id)}"
        told = self._fulfilments(path)
        if _is_told(told, tracking):
            return
        order = self._connection.get(path)
        try:
            if order["cancelStatus"]["cancelState"] == CANCELLED:
                raise ChannelRefused(reason=reasons.CANCELLED, channel_code="order_cancelled")
            lines = _allot(tracking, order, told)
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDER, error), answered=True) from error
        if not lines:
            raise ChannelRefused(reason=reasons.NOTHING_LEFT, channel_code="nothing_left")
        body: JsonObject = {"lineItems": lines, "shippedDate": stamp(min(tracking.shipped_at, datetime.now(UTC)))}
        if number := plain(tracking.number):  # both or neither
            body |= {"shippingCarrierCode": code(tracking.carrier), "trackingNumber": number}
        try:
            self._connection.send("POST", f"{path}/shipping_fulfillment", body=body)
        except NotOnChannel:
            raise
        except ChannelRefused:
            # Somebody else's try of the same parcel may have come first.
            if not _is_told(self._fulfilments(path), tracking):
                raise

    def _fulfilments(self, path: str) -> list[JsonObject]:
        return rows_of(self._connection.get(f"{path}/shipping_fulfillment"), "fulfillments")


def plain(number: str) -> str:
    """The platform takes letters and digits only."""
    return re.sub(r"[^A-Za-z0-9]", "", number)


def _is_told(fulfilments: list[JsonObject], tracking: Tracking) -> bool:
    number = plain(tracking.number)
    if number:
        return any(plain(str(row.get("shipmentTrackingNumber") or "")) == number for row in fulfilments)
    # Without a number only the moment tells one parcel from another.
    bare = [row for row in fulfilments if not row.get("shipmentTrackingNumber") and row.get("shippedDate")]
    return any(abs((moment(row["shippedDate"]) - tracking.shipped_at).total_seconds()) < 1 for row in bare)


def _allot(tracking: Tracking, order: JsonObject, fulfilments: list[JsonObject]) -> list[JsonObject]:
    """The parcel's units on the lines that still miss them; without lines all that is left."""
    shipped, wanted = shipped_units(order, fulfilments), {line.line_id: line.quantity for line in tracking.lines}
    lines = []
    for row in order["lineItems"]:
        left = ordered(row) - shipped.get(row["lineItemId"], 0)
        quantity = min(left, wanted.get(row["lineItemId"], 0)) if tracking.lines else left
        if quantity > 0:
            lines.append({"lineItemId": row["lineItemId"], "quantity": quantity})
    return lines
