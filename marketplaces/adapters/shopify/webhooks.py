"""Messages that the shop pushes. Signed with base64(HMAC-SHA256(raw body, the app's client secret)); no header is signed.

They only say where to look: what is the warehouse's part of an order stands in no message.
"""

import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, JsonObject, number_of
from marketplaces.adapters.shopify.orders import WORK_PREFIX
from marketplaces.port import (
    ChannelEvent,
    ChannelUnavailable,
    EventKind,
    MessageUnreadable,
    SignatureInvalid,
    Subscription,
    reasons,
    storable,
)

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "INVENTORY_LEVELS_UPDATE",
    "FULFILLMENT_ORDERS_CANCELLATION_REQUEST_SUBMITTED",
    "FULFILLMENT_ORDERS_HOLD_RELEASED",
    "FULFILLMENT_ORDERS_MOVED",
    "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE",
    "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
    "PRODUCTS_DELETE",
    "APP_UNINSTALLED",
)
# The buyer's data is not needed here: the order is asked for.
FIELDS = {topic: ["id", "admin_graphql_api_id", "updated_at"] for topic in ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED")}
# The shop tries for four hours; what is older or from the future was kept by somebody else.
OLDEST, AHEAD = timedelta(hours=6), timedelta(minutes=10)


class Webhooks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def subscribe(self, *, url: str) -> list[Subscription]:
        """One subscription per topic. The shop removes those whose messages were not taken for hours: they are made anew."""
        existing = self._existing(url)
        subscriptions = []
        for topic in TOPICS:
            ids = existing.get(topic, [])
            if not ids:
                wanted: dict[str, Any] = {"uri": url, "format": "JSON"}
                if topic in FIELDS:
                    wanted["includeFields"] = FIELDS[topic]
                made = self._connection.write(documents.SUBSCRIBE, "webhookSubscriptionCreate", topic=topic, subscription=wanted)
                try:
                    ids = [made["webhookSubscription"]["id"]]
                except (KeyError, TypeError) as error:
                    raise ChannelUnavailable(reason=reasons.NO_SUBSCRIPTION.format(what=topic), answered=True) from error
            for repeated in ids[1:]:
                self._delete(repeated)
            subscriptions.append(Subscription(ids[0], topic))
        return subscriptions

    def unsubscribe(self, *, url: str) -> int:
        ids = [key for group in self._existing(url).values() for key in group]
        for key in ids:
            self._delete(key)
        return len(ids)

    def _delete(self, key: str) -> None:
        self._connection.write(documents.UNSUBSCRIBE, "webhookSubscriptionDelete", id=key)

    def _existing(self, url: str) -> dict[str, list[str]]:
        """Ids by topic, in the shop's order."""

        def page(cursor: str | None) -> JsonObject:
            answer: JsonObject = self._connection.call(documents.SUBSCRIPTIONS, uri=url, after=cursor)["webhookSubscriptions"]
            return answer

        found: dict[str, list[str]] = defaultdict(list)
        try:
            for row in self._connection.pages(page(None), page):
                if row["uri"] == url and row["id"] not in found[row["topic"]]:
                    found[row["topic"]].append(row["id"])
        except (KeyError, TypeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.SUBSCRIPTIONS, error), answered=True) from error
        return found


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def read(*, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
    """Raises SignatureInvalid before it believes anything, and for what is too old to come from the shop."""
    lower = _lower(headers)
    signature = lower.get("x-shopify-hmac-sha256", "")
    if not secret or not hmac.compare_digest(sign(body, secret).encode(), signature.encode()) or not _is_timely(lower):
        raise SignatureInvalid
    return reread(headers=headers, body=body)


def reread(*, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
    """A message that was believed when it came. Raises MessageUnreadable."""
    lower = _lower(headers)
    try:
        payload = json.loads(body)
        if not isinstance(payload, dict):
            raise TypeError("not an object")
        return _event(lower.get("x-shopify-topic", ""), _delivery_id(lower, body), payload)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"{type(error).__name__}: {error}") from error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _is_timely(headers: Mapping[str, str]) -> bool:
    text = headers.get("x-shopify-triggered-at", "")
    if not text:
        return True
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(text)
    except (ValueError, TypeError):  # TypeError: without a zone
        return False
    return -AHEAD <= age <= OLDEST


def _delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The same for a repeat and for a second subscription's copy; another for each change that one event made."""
    event = headers.get("x-shopify-event-id") or headers.get("x-shopify-webhook-id") or ""
    digest = hashlib.sha256(headers.get("x-shopify-topic", "").encode() + b"\n" + body).hexdigest()
    return f"{event[:60]}:{digest[:32]}"


def _event(topic: str, delivery_id: str, payload: JsonObject) -> ChannelEvent:
    resource = topic.partition("/")[0]
    if resource in {"orders", "refunds"}:
        order_id = payload["order_id"] if resource == "refunds" else payload["id"]
        return ChannelEvent(kind=EventKind.ORDER, topic=topic, delivery_id=delivery_id, order_id=str(int(order_id)))
    if resource == "fulfillment_orders":
        # A move names the original one.
        part = payload.get("fulfillment_order") or payload["original_fulfillment_order"]
        return ChannelEvent(
            kind=EventKind.ORDER, topic=topic, delivery_id=delivery_id, order_id=f"{WORK_PREFIX}{number_of(str(part['id']))}"
        )
    if topic == "inventory_levels/update":
        item = str(int(payload["inventory_item_id"]))
        return ChannelEvent(kind=EventKind.LISTING, topic=topic, delivery_id=delivery_id, listing_id=item)
    if topic == "products/delete":  # the product's id says nothing of what was counted
        return ChannelEvent(kind=EventKind.LISTING_DELETED, topic=topic, delivery_id=delivery_id)
    return _about_buyers(topic, delivery_id, payload) or ChannelEvent(kind=EventKind.OTHER, topic=topic, delivery_id=delivery_id)


def _about_buyers(topic: str, delivery_id: str, payload: JsonObject) -> ChannelEvent | None:
    """The topic is not signed: each must also look like it, or a buyer who asks what is kept of him could be forgotten, and all others with him."""
    if topic == "customers/redact":
        orders = tuple(str(int(key)) for key in payload["orders_to_redact"])
        customer = payload.get("customer") or {}
        buyers = (str(customer["id"]),) if customer.get("id") else ()
        return ChannelEvent(kind=EventKind.BUYER_DELETED, topic=topic, delivery_id=delivery_id, order_ids=orders, buyer_ids=buyers)
    if topic == "customers/data_request":
        orders = tuple(str(int(key)) for key in payload["orders_requested"])
        customer, asked = payload.get("customer") or {}, payload.get("data_request") or {}
        return ChannelEvent(
            kind=EventKind.DATA_REQUESTED,
            topic=topic,
            delivery_id=delivery_id,
            order_ids=orders,
            request_id=str(asked.get("id") or ""),
            buyer={name: storable(str(customer[name]))[:200] for name in ("email", "phone", "id") if customer.get(name)},
        )
    if topic == "shop/redact" and "shop_id" in payload and "customer" not in payload:
        return ChannelEvent(kind=EventKind.BUYERS_DELETED, topic=topic, delivery_id=delivery_id)
    return None
