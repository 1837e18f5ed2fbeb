"""What Amazon says by itself: no call to an address of ours, but messages in a queue (SQS) of the merchant's own AWS account.

They only say where to look: what an order is now stands in no message.
"""

import json
from typing import Any
from urllib.parse import quote

from marketplaces.adapters.amazon.connection import Connection, JsonObject
from marketplaces.adapters.amazon.tokens import NOTIFICATIONS
from marketplaces.port import ChannelEvent, ChannelUnavailable, EventKind, MessageUnreadable, NotOnChannel, Subscription, reasons, units

ORDERS, STOCK, FEEDS = "ORDER_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "FEED_PROCESSING_FINISHED"
VERSIONS = {ORDERS: "1.0", STOCK: "1.0", FEEDS: "2020-09-04"}
# Tips change nothing for a warehouse.
FILTERS = {ORDERS: {"eventFilterType": ORDERS, "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"]}}
BY_SELLER = "MFN"
PATH = "/notifications/v1"


class Notifications:
    def __init__(self, connection: Connection, queue_arn: str) -> None:
        self._connection = connection
        self._queue_arn = queue_arn

    def subscribe(self) -> list[Subscription]:
        """One subscription a type, into this queue. One that fills another queue is moved here: there is only one a type."""
        destination = self._destination() or self._make_destination()
        subscriptions = []
        for kind, version in VERSIONS.items():
            found = self._existing(kind)
            if found and found["destinationId"] != destination:
                self._delete(kind, found["subscriptionId"])
                found = None
            key = found["subscriptionId"] if found else self._subscribe(kind, version, destination)
            subscriptions.append(Subscription(str(key), kind))
        return subscriptions

    def unsubscribe(self) -> int:
        destination, count = self._destination(), 0
        for kind in VERSIONS if destination else ():
            found = self._existing(kind)
            if found and found["destinationId"] == destination:
                self._delete(kind, found["subscriptionId"])
                count += 1
        return count

    def _destination(self) -> str:
        """The id under which Amazon knows the queue; "" where it does not."""
        answer = self._connection.call("getDestinations", "GET", f"{PATH}/destinations", scope=NOTIFICATIONS)
        try:
            rows = answer.get("payload") or []
            return next((row["destinationId"] for row in rows if (row["resource"].get("sqs") or {}).get("arn") == self._queue_arn), "")
        except (KeyError, TypeError, AttributeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.SUBSCRIPTIONS, error), answered=True) from error

    def _make_destination(self) -> str:
        wanted = {"name": f"wms {self._queue_arn.rpartition(':')[2]}"[:256], "resourceSpecification": {"sqs": {"arn": self._queue_arn}}}
        answer = self._connection.call("createDestination", "POST", f"{PATH}/destinations", body=wanted, scope=NOTIFICATIONS)
        return str(_payload(answer, "destinationId")["destinationId"])

    def _existing(self, kind: str) -> JsonObject | None:
        params = {"payloadVersion": VERSIONS[kind]}
        try:
            answer = self._connection.call("getSubscription", "GET", f"{PATH}/subscriptions/{kind}", params=params)
        except NotOnChannel:
            return None
        return _payload(answer, "destinationId", "subscriptionId")

    def _subscribe(self, kind: str, version: str, destination: str) -> str:
        wanted: dict[str, Any] = {"payloadVersion": version, "destinationId": destination}
        if kind in FILTERS:
            wanted["processingDirective"] = {"eventFilter": FILTERS[kind]}
        answer = self._connection.call("createSubscription", "POST", f"{PATH}/subscriptions/{kind}", body=wanted)
        return str(_payload(answer, "subscriptionId")["subscriptionId"])

    def _delete(self, kind: str, key: str) -> None:
        path = f"{PATH}/subscriptions/{kind}/{quote(key, safe='')}"
        self._connection.call("deleteSubscriptionById", "DELETE", path, scope=NOTIFICATIONS)


def _payload(answer: JsonObject, *names: str) -> JsonObject:
    payload = answer.get("payload")
    if not isinstance(payload, dict) or any(not payload.get(name) for name in names):
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.SUBSCRIPTIONS, type(payload).__name__), answered=True)
    return payload


def read(body: str, *, seller_id: str, marketplace_ids: list[str]) -> ChannelEvent:
    """A notification as it stands in the queue. Raises MessageUnreadable. Of another seller, or of what Amazon ships: kind OTHER."""
    try:
        message = _small(json.loads(body))
        kind, metadata, payload = str(message["notificationType"]), _small(message["notificationMetadata"]), _small(message["payload"])
        event = _event(kind, str(metadata["notificationId"]), payload, seller_id, marketplace_ids)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MessageUnreadable(reason=f"{type(error).__name__}: {error}") from error
    return event


def _event(kind: str, key: str, payload: JsonObject, seller_id: str, marketplace_ids: list[str]) -> ChannelEvent:
    if kind == ORDERS:
        order = _small(payload["orderChangeNotification"])
        summary = _small(order["summary"])
        ours = summary["fulfillmentType"] == BY_SELLER and summary["marketplaceId"] in marketplace_ids
        if ours and order["sellerId"] == seller_id:
            return ChannelEvent(kind=EventKind.ORDER, topic=kind, delivery_id=key, order_id=str(order["amazonOrderId"]))
    elif kind == STOCK:
        if payload["sellerId"] == seller_id and payload["fulfillmentChannelCode"] == "DEFAULT":
            shown = {"": units(payload["quantity"], "quantity")}
            return ChannelEvent(kind=EventKind.LISTING, topic=kind, delivery_id=key, listing_id=str(payload["sku"]), shown=shown)
    elif kind == FEEDS:
        feed = _small(payload["feedProcessingFinishedNotification"])
        if feed.get("sellerId", seller_id) == seller_id:
            return ChannelEvent(kind=EventKind.SUBMISSION, topic=kind, delivery_id=key, ticket=str(feed["feedId"]))
    return ChannelEvent(kind=EventKind.OTHER, topic=kind, delivery_id=key)


def _small(data: JsonObject) -> JsonObject:
    """Older types of notifications begin their names with capitals, younger ones do not."""
    return {name[:1].lower() + name[1:]: value for name, value in data.items()}
