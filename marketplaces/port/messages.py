"""What a shop says by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from marketplaces.port.orders import ChannelOrder
from marketplaces.port.stock import ChannelListing
from marketplaces.port.texts import make_storable


@dataclass(frozen=True, slots=True)
class Subscription:
    subscription_id: str
    topic: str


class EventKind(StrEnum):
    PING = "ping"
    ORDER = "order"
    ORDER_DELETED = "order_deleted"
    LISTING = "listing"
    LISTING_DELETED = "listing_deleted"
    SUBMISSION = "submission"
    BUYER_DELETED = "buyer_deleted"
    BUYERS_DELETED = "buyers_deleted"
    DATA_REQUESTED = "data_requested"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """A message that the shop pushed. A repeat has the same `delivery_id`.

    Platforms do not sign everything (WooCommerce leaves the topic out), messages overtake each other and come twice: an event says
    where to look, and the order it brings is as old as its `updated_at`. `order` is None where only a call can tell the truth.
    `listing`: the offer itself, of shops that send it whole; `shown`: what the shop says that a listing shows, by location; under "" as a whole.
    `changed_at`: since when a listing as a whole shows that, of shops whose words are echoes of what we told them, too.
    `said_at`: when the shop said it, by our clock, of shops that say so: a message that is tried again for hours is as old as that.
    `ticket`: what `abilities.Submits.outcome` can tell of now. `buyer_ids`: the names of one buyer whom the platform has forgotten, and everybody
    has to; `order_ids`: of which orders, where the platform says that. BUYERS_DELETED: all buyers of the shop.
    DATA_REQUESTED: the `buyer` (email, phone, id, as far as the platform says) of these orders asks for what is held of him, under `request_id`.
    """

    kind: EventKind
    topic: str
    delivery_id: str
    order_id: str = ""
    listing_id: str = ""
    order: ChannelOrder | None = None
    listing: ChannelListing | None = None
    shown: Mapping[str, int] = field(default_factory=dict)
    changed_at: datetime | None = None
    said_at: datetime | None = None
    ticket: str = ""
    buyer_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()
    request_id: str = ""
    buyer: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        make_storable(self)
