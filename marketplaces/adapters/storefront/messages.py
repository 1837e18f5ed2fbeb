"""Messages that the shop pushes to the channel's hook: {"type", "timestamp", "data"}, signed by the Standard Webhooks specification.

The id is signed too, so that a repeat is known whatever else is changed; what is too old was kept by somebody else.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from standardwebhooks import Webhook

from marketplaces.adapters.storefront.reading import read_id, read_listing, read_order, read_shown
from marketplaces.port import ChannelEvent, ChannelOrder, EventKind, MessageUnreadable, SignatureInvalid

# The tolerance that the specification proposes.
OLDEST = timedelta(minutes=5)
LONGEST_ID = 100
# Who says that it happened longer ago says nonsense: no shop tries for so long.
LONGEST_TRIED = timedelta(days=7)


def read(*, headers: Mapping[str, str], body: bytes, location: str = "", at: Sequence[str] = ()) -> ChannelEvent:
    """A message that was checked. `location`, `at`: as read_order takes them. Raises MessageUnreadable."""
    lower = _lower(headers)
    try:
        content = json.loads(body)
        kind, data, said_at = str(content["type"]), content.get("data"), _said_at(lower, content.get("timestamp"))
        uid = lower.get("webhook-id", "")
        return _event(
            kind, uid, data, said_at, partial(read_order, location=location, at=at), partial(read_shown, at=at, location=location)
        )
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"{type(error).__name__}: {error}") from error


def check(*, headers: Mapping[str, str], body: bytes, signer: Webhook) -> None:
    """Raises SignatureInvalid. `received-at` among the headers is our own word on when it came."""
    headers = _lower(headers)
    uid = headers.get("webhook-id", "")
    try:
        sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        came_at = datetime.fromisoformat(headers["received-at"]) if "received-at" in headers else datetime.now(UTC)
        expected = signer.sign(uid, sent_at, body.decode()).encode()
        signatures = headers["webhook-signature"].encode().split(b" ")
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise SignatureInvalid from error
    # While a shop changes its secret it may sign with both.
    if not 0 < len(uid) <= LONGEST_ID or not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise SignatureInvalid
    if abs(came_at - sent_at) > OLDEST:
        raise SignatureInvalid


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _said_at(headers: Mapping[str, str], happened_at: Any) -> datetime:
    """By our clock: when it came, less the time for which the shop had tried by then, by its own clock. Where it says none it spoke when it came."""
    came_at = datetime.fromisoformat(headers["received-at"]) if "received-at" in headers else datetime.now(UTC)
    try:
        tried_for = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC) - datetime.fromisoformat(happened_at)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return came_at
    return came_at - tried_for if timedelta(0) < tried_for < LONGEST_TRIED else came_at


def _event(
    kind: str, uid: str, data: Any, said_at: datetime, read_as: Callable[[Any], ChannelOrder], shown_by: Callable[[Any], dict[str, int]]
) -> ChannelEvent:
    if kind == "order.changed":
        order_id = read_id(data["id"])
        try:
            order = read_as(data)
        except MessageUnreadable:  # there is one, and only a call can tell the truth
            return ChannelEvent(kind=EventKind.ORDER, topic=kind, delivery_id=uid, order_id=order_id)
        return ChannelEvent(kind=EventKind.ORDER, topic=kind, delivery_id=uid, order_id=order.order_id, order=order)
    if kind == "listing.changed":
        listing = read_listing(data)
        return ChannelEvent(
            kind=EventKind.LISTING,
            topic=kind,
            delivery_id=uid,
            listing_id=listing.listing_id,
            listing=listing,
            shown=shown_by(data),
            said_at=said_at,
        )
    return ChannelEvent(kind=EventKind.PING if kind == "ping" else EventKind.OTHER, topic=kind[:60], delivery_id=uid)
