"""A shop's order in the fields of its row: what the warehouse goes by, what is about the buyer, and by what a word is known again."""

from __future__ import annotations

from typing import Any

from marketplaces import port
from marketplaces.addresses import COUNTRIES
from marketplaces.models import Channel
from marketplaces.port import ChannelOrderState as State
from wms.core import sealing
from wms.core.json_text import as_json

LONGEST_TITLE = 100


def word(order: port.ChannelOrder) -> str:
    """What the warehouse goes by of a shop's word. Of one that waits for its payment nothing of the buyer."""
    goods = sorted((line.line_id, line.location, line.listing_id, line.sku, line.quantity) for line in order.lines)
    address = {} if order.state is State.PENDING else ship_to(order.ship_to)
    return as_json([goods, address, order.ship_by, order.cancellation_requested]).decode()


def buyer_key(adapter: str, buyer_id: str) -> str:
    """The platform's name of a buyer, of whose fingerprint alone anything is kept."""
    return f"{adapter}:{buyer_id}"


def buyer_hash(channel: Channel, order: port.ChannelOrder) -> str:
    """By which the platform's name of the buyer is known again; "" where it says none."""
    return sealing.fingerprint(buyer_key(channel.adapter, order.buyer_id)) if order.buyer_id else ""


def lines(order: port.ChannelOrder) -> list[dict[str, Any]]:
    """As ChannelOrder.lines has them; what their goods are is not looked up here. What the buyer was shown names those that have no sku."""
    return [
        {"line_id": line.line_id, "listing_id": line.listing_id, "sku": line.sku, "quantity": line.quantity, "components": []}
        | ({"location": line.location} if line.location else {})
        | ({"title": line.title[:LONGEST_TITLE]} if line.title and not line.sku else {})
        for line in order.lines
    ]


def about(order: port.ChannelOrder) -> dict[str, Any]:
    """Fields of the row, but for the goods and the buyer."""
    return {
        "number": order.number[:100], "placed_at": order.placed_at, "service": order.shipping_method[:50], "ship_by": order.ship_by,
    }  # fmt: skip


def personal(order: port.ChannelOrder) -> dict[str, Any]:
    """What is sealed with the row: {"ship_to", "note", "raw"}."""
    return {"ship_to": ship_to(order.ship_to), "note": order.note, "raw": dict(order.raw)}


def ship_to(address: port.ShipTo) -> dict[str, str]:
    """The address in the fields of our own orders, else as the shop wrote it; empty parts that are not required are left out."""
    required = ("name", "line1", "city", "postcode", "country")
    fields = {name: str(getattr(address, name)).strip() for name in address.__dataclass_fields__}
    fields["country"] = COUNTRIES.get(fields["country"].upper(), fields["country"].upper())
    return {name: value for name, value in fields.items() if value or name in required}
