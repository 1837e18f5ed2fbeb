"""Telling shop and buyer that a parcel left: a fulfilment where the shop has that feature, else a note to the customer. Never twice."""

import re
from typing import Any

from django.utils.translation import gettext as _

from marketplaces.adapters.woocommerce.carriers import provider
from marketplaces.adapters.woocommerce.connection import NO_ROUTE, Connection, JsonObject, plain
from marketplaces.adapters.woocommerce.orders import path_id, state_of
from marketplaces.port import ChannelOrderState, ChannelRefused, Tracking, reasons


class TrackingDesk:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, tracking: Tracking) -> None:
        """Look first, then write: an earlier try may have got through though its answer was lost."""
        order_path = f"orders/{path_id(tracking.order_id)}"
        order = self._connection.get_object(order_path)
        # A fulfilment has room for one number: a further one is told in a note.
        fulfilments = None if tracking.joins else self._fulfilments(order_path)
        if fulfilments is None:
            told = any(_mentions(note, tracking.number) for note in self._notes(order_path))
        else:
            told = any(_tracking_number(row) == tracking.number for row in fulfilments)
        state = state_of(order)
        if state is ChannelOrderState.CANCELLED:
            if told:
                return
            raise ChannelRefused(
                reason=reasons.ORDER_IS.format(what=order.get("number"), other=order.get("status")), channel_code="order_cancelled"
            )
        if not told and fulfilments is None:
            self._connection.write("POST", f"{order_path}/notes", {"note": _note(tracking), "customer_note": True})
        elif not told and fulfilments is not None:
            self._connection.write("POST", f"{order_path}/fulfillments", _fulfilment(tracking, order, fulfilments))
        if tracking.completes_order and state is not ChannelOrderState.SHIPPED:
            self._connection.write("PUT", order_path, {"status": "completed"})

    def _fulfilments(self, order_path: str) -> list[JsonObject] | None:
        """None where the shop has not switched the feature on: its route does not exist then."""
        try:
            rows = self._connection.get_list(f"{order_path}/fulfillments", optional=True)
        except ChannelRefused as error:
            if error.channel_code == NO_ROUTE:
                return None
            raise
        return [row for row in rows if not row.get("date_deleted")]

    def _notes(self, order_path: str) -> list[str]:
        return [str(row.get("note", "")) for row in self._connection.get_list(f"{order_path}/notes", type="customer")]


def _meta(fulfilment: JsonObject, key: str) -> Any:
    return next((meta.get("value") for meta in fulfilment.get("meta_data") or [] if meta.get("key") == key), None)


def _tracking_number(fulfilment: JsonObject) -> str:
    return str(_meta(fulfilment, "_tracking_number") or "") if fulfilment.get("is_fulfilled") else ""


def _mentions(note: str, number: str) -> bool:
    """The whole number, not a part of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(number)}(?![\w-])", plain(note)) is not None


def _note(tracking: Tracking) -> str:
    text = _("Your parcel has left our warehouse with %(carrier)s. Tracking number: %(number)s") % {
        "carrier": tracking.carrier,
        "number": tracking.number,
    }
    return f"{text} {tracking.url}".strip()


def _fulfilment(tracking: Tracking, order: JsonObject, earlier: list[JsonObject]) -> JsonObject:
    meta: dict[str, Any] = {
        "_items": _items(tracking, order, earlier),
        "_tracking_number": tracking.number,
        "_shipment_provider": provider(tracking.carrier),
    }
    if tracking.url:
        meta["_tracking_url"] = tracking.url
    return {
        "status": "fulfilled",
        "is_fulfilled": True,
        "notify_customer": True,
        "meta_data": [{"key": key, "value": value} for key, value in meta.items()],
    }


def _items(tracking: Tracking, order: JsonObject, earlier: list[JsonObject]) -> list[dict[str, int]]:
    """The units in this parcel; without lines all that no earlier fulfilment has taken."""
    if tracking.lines:
        return [{"item_id": int(line.line_id), "qty": line.quantity} for line in tracking.lines]
    left = {int(item["id"]): int(item["quantity"]) for item in order.get("line_items") or []}
    for fulfilment in earlier:
        for taken in _meta(fulfilment, "_items") or []:
            left[int(taken["item_id"])] = left.get(int(taken["item_id"]), 0) - int(taken["qty"])
    return [{"item_id": item_id, "qty": quantity} for item_id, quantity in left.items() if quantity > 0]
