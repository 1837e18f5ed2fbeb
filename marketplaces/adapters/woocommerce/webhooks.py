"""Messages that the shop pushes. Signed with base64(HMAC-SHA256(raw body, secret)); the topic stands in a header that is not signed."""

import base64
import hashlib
import hmac
import json
import re
from collections import defaultdict
from collections.abc import Mapping

from marketplaces.adapters.woocommerce.connection import Connection, JsonObject
from marketplaces.adapters.woocommerce.orders import moment, read_order
from marketplaces.adapters.woocommerce.stock import counted, listing_id
from marketplaces.port import ChannelEvent, EventKind, MessageUnreadable, SignatureInvalid, Subscription

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated", "product.deleted")
PING = re.compile(rb"webhook_id=\d{1,20}")
# WordPress decodes HTML entities in the secret before it signs, and cleans it before it stores it.
SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")


class Webhooks:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def subscribe(self, *, url: str, secret: str) -> list[Subscription]:
        """One active webhook per topic. The shop never shows a secret: an existing webhook is told ours again, and woken if disabled."""
        if not SECRET.fullmatch(secret):
            raise ValueError("A webhook secret has 16 to 128 letters, digits, _ or -.")
        existing = self._existing(url)
        subscriptions = []
        for topic in TOPICS:
            ids = existing.get(topic, [])
            if ids:
                self._connection.write("PUT", f"webhooks/{ids[0]}", {"status": "active", "secret": secret})
            else:
                body = {"name": f"Warehouse: {topic}", "status": "active", "topic": topic, "delivery_url": url, "secret": secret}
                ids = [int(self._connection.write("POST", "webhooks", body)["id"])]
            for repeated in ids[1:]:
                self._connection.delete(f"webhooks/{repeated}", force=True)
            subscriptions.append(Subscription(str(ids[0]), topic))
        return subscriptions

    def unsubscribe(self, *, url: str) -> int:
        ids = [webhook_id for group in self._existing(url).values() for webhook_id in group]
        for webhook_id in ids:
            self._connection.delete(f"webhooks/{webhook_id}", force=True)
        return len(ids)

    def _existing(self, url: str) -> dict[str, list[int]]:
        """Ids by topic, oldest first."""
        found: dict[str, list[int]] = defaultdict(list)
        for row in self._connection.every("webhooks", orderby="id", order="asc", status="all"):
            if row.get("delivery_url") == url:
                found[str(row.get("topic"))].append(int(row["id"]))
        return found


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def read(*, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
    """Raises SignatureInvalid before it believes anything; only the bare ping of a new webhook comes unsigned."""
    signature = _lower(headers).get("x-wc-webhook-signature", "")
    if not signature and PING.fullmatch(body):
        return ChannelEvent(kind=EventKind.PING, topic="ping", delivery_id=body.decode())
    if not secret or not hmac.compare_digest(sign(body, secret).encode(), signature.encode()):
        raise SignatureInvalid
    return reread(headers=headers, body=body)


def reread(*, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
    """A message that was believed when it came. Raises MessageUnreadable."""
    lower = _lower(headers)
    try:
        payload = json.loads(body)
        resource_id = int(payload["id"])
        topic = lower.get("x-wc-webhook-topic", "")
        return _event(topic, _delivery_id(lower, body), resource_id, payload)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"{type(error).__name__}: {error}") from error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The shop makes its own of the webhook's id and the second: all that one webhook tells of within a second has the same."""
    return f"{headers.get('x-wc-webhook-delivery-id', '')[:60]}:{hashlib.sha256(body).hexdigest()[:32]}"


def _event(topic: str, delivery_id: str, resource_id: int, payload: JsonObject) -> ChannelEvent:
    resource, _dot, what = topic.partition(".")
    # The topic is not signed: what is deleted must also look like it, or a repeated body with another topic would cancel an order.
    deleted = what == "deleted" and set(payload) == {"id"}
    if resource == "order":
        if deleted or "line_items" not in payload:
            kind = EventKind.ORDER_DELETED if deleted else EventKind.OTHER
            return ChannelEvent(kind=kind, topic=topic, delivery_id=delivery_id, order_id=str(resource_id))
        # With refunds the quantities stand elsewhere: the caller has to ask for the order.
        order = None if payload.get("refunds") else read_order(payload, {})
        return ChannelEvent(kind=EventKind.ORDER, topic=topic, delivery_id=delivery_id, order_id=str(resource_id), order=order)
    if resource == "product":
        parent = payload.get("parent_id") or 0
        listing = listing_id(parent, resource_id) if payload.get("type") == "variation" else listing_id(resource_id)
        if deleted:
            return ChannelEvent(kind=EventKind.LISTING_DELETED, topic=topic, delivery_id=delivery_id, listing_id=listing)
        quantity, changed_at = _shown(payload), moment(payload.get("date_modified_gmt"))
        if quantity is None or changed_at is None:
            return ChannelEvent(kind=EventKind.LISTING, topic=topic, delivery_id=delivery_id, listing_id=listing)
        return ChannelEvent(
            kind=EventKind.LISTING,
            topic=topic,
            delivery_id=delivery_id,
            listing_id=listing,
            shown={"": quantity},
            changed_at=changed_at,
        )
    return ChannelEvent(kind=EventKind.OTHER, topic=topic, delivery_id=delivery_id)


def _shown(product: JsonObject) -> int | None:
    """The units that it counts; none also for parts of a unit, which a plug-in may sell: no number of ours is ever compared with that."""
    try:
        return counted(product)
    except ValueError:
        return None
