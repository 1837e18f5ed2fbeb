"""Telling shop and buyer that a parcel left: one fulfilment for each parcel. Never twice."""

from typing import Any

from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.carriers import company
from marketplaces.adapters.shopify.connection import Connection, JsonObject, gid
from marketplaces.adapters.shopify.work import READY, Work, WorkLine, WorkList
from marketplaces.port import ChannelRefused, ChannelUnavailable, NotOnChannel, Tracking, reasons

DEAD = {"CANCELLED", "ERROR", "FAILURE"}


class TrackingDesk:
    def __init__(self, connection: Connection, work: WorkList) -> None:
        self._connection = connection
        self._work = work

    def send(self, tracking: Tracking) -> None:
        """Look first, then write: an earlier try may have got through though its answer was lost."""
        order_id = gid("Order", tracking.order_id)
        fulfilments = self._fulfilments(order_id)
        if _told(fulfilments, tracking.number):
            return
        if tracking.joins:
            self._join(tracking, fulfilments)
            return
        order = self._connection.call(documents.WORK, id=order_id, after=None).get("order")
        if not isinstance(order, dict):
            raise NotOnChannel(reason=reasons.NO_SUCH_ORDER.format(what=tracking.order_id), channel_code="not_found")
        if order["cancelledAt"]:
            raise ChannelRefused(reason=reasons.CANCELLED, channel_code="order_cancelled")
        work = self._work.of({"id": order_id, **order})
        parts = _allot(tracking, [part for part in work if part.status in READY])
        if not parts:
            self._add_to_earlier(tracking, fulfilments, work)
            return
        for part, _lines in parts:
            if part.cancellation_requested:  # too late: it has left
                self._work.answer_cancellation(part, accepted=False)
        self._fulfil(tracking, order_id, parts)

    def _fulfil(self, tracking: Tracking, order_id: str, parts: "Parts") -> None:
        rows = [
            {
                "fulfillmentOrderId": part.work_id,
                "fulfillmentOrderLineItems": [{"id": line.work_line_id, "quantity": quantity} for line, quantity in lines],
            }
            for part, lines in parts
        ]
        change = {"lineItemsByFulfillmentOrder": rows, "trackingInfo": _tracking_info(tracking), "notifyCustomer": True}
        try:
            self._connection.write(documents.FULFIL, "fulfillmentCreate", fulfillment=change)
        except ChannelRefused:
            # Somebody else's try of the same parcel may have come first.
            if not _told(self._fulfilments(order_id), tracking.number):
                raise

    def _join(self, tracking: Tracking, fulfilments: list[JsonObject]) -> None:
        """A further number for the fulfilment that has the earlier one. The platform knows one company for all of its numbers."""
        for row in fulfilments:
            numbers = [info["number"] for info in row["trackingInfo"] if info["number"]]
            if row["status"] not in DEAD and tracking.joins in numbers:
                info = {"company": company(tracking.carrier), "numbers": [*numbers, tracking.number]}
                self._connection.write(documents.UPDATE_TRACKING, "fulfillmentTrackingInfoUpdate", id=row["id"], tracking=info)
                return
        raise ChannelRefused(reason=reasons.NO_SUCH_NUMBER.format(what=tracking.joins), channel_code="nothing_to_join")

    def _add_to_earlier(self, tracking: Tracking, fulfilments: list[JsonObject], work: list[Work]) -> None:
        """Nothing is left to fulfil: by hand, perhaps, without a number. Then the only such fulfilment gets ours."""
        bare = [row for row in fulfilments if row["status"] not in DEAD and not any(info["number"] for info in row["trackingInfo"])]
        if len(bare) != 1:
            waiting = any(part.waiting for part in work)
            reason = reasons.ON_HOLD if waiting else reasons.NOTHING_LEFT
            raise ChannelRefused(reason=reason, channel_code="on_hold" if waiting else "nothing_left")
        self._connection.write(
            documents.UPDATE_TRACKING, "fulfillmentTrackingInfoUpdate", id=bare[0]["id"], tracking=_tracking_info(tracking)
        )

    def _fulfilments(self, order_id: str) -> list[JsonObject]:
        order = self._connection.call(documents.FULFILMENTS, id=order_id).get("order")
        if order is None:
            raise NotOnChannel(reason=reasons.NO_SUCH_ORDER.format(what=order_id), channel_code="not_found")
        try:
            return [dict(row) for row in order["fulfillments"]]
        except (KeyError, TypeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.PARCELS, error), answered=True) from error


Parts = list[tuple[Work, list[tuple[WorkLine, int]]]]


def _told(fulfilments: list[JsonObject], number: str) -> bool:
    return any(row["status"] not in DEAD and any(info["number"] == number for info in row["trackingInfo"]) for row in fulfilments)


def _tracking_info(tracking: Tracking) -> dict[str, Any]:
    info = {"number": tracking.number, "company": company(tracking.carrier)}
    return {**info, "url": tracking.url} if tracking.url else info


def _allot(tracking: Tracking, work: list[Work]) -> Parts:
    """The parcel's units on the fulfilment orders that still miss them, those of its own location first; without lines all that is left."""
    wanted = {line.line_id: line.quantity for line in tracking.lines}
    parts: Parts = []
    for part in sorted(work, key=lambda part: part.location != tracking.location):
        lines = []
        for line in part.lines:
            quantity = line.remaining if not tracking.lines else min(line.remaining, wanted.get(line.line_id, 0))
            if quantity > 0:
                wanted[line.line_id] = wanted.get(line.line_id, 0) - quantity
                lines.append((line, quantity))
        if lines:
            parts.append((part, lines))
    return parts
