"""Orders as a shop has them, and the parcels that it is told of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marketplaces.port.texts import make_storable
from marketplaces.port.units import MOST_UNITS


class ChannelOrderState(StrEnum):
    """What the warehouse has to do with an order of the shop."""

    PENDING = "pending"  # not paid: do not import; its units are for nobody else while it may still be paid
    OPEN = "open"  # import and ship
    SHIPPED = "shipped"  # done there, by us or by somebody else
    CANCELLED = "cancelled"  # cancel it if we have it, otherwise ignore it; never take it for goods coming back


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where to. The fields of our own order API; empty where the shop has none."""

    name: str
    line1: str
    city: str
    postcode: str
    country: str
    company: str = ""
    line2: str = ""
    region: str = ""
    phone: str = ""
    email: str = ""

    def __post_init__(self) -> None:
        make_storable(self)


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """What is left to ship of one line (refunded units are taken off). `listing_id` is empty where the shop no longer has the product.

    `location`: which of the shop's places is to send it, where it has several and says so; a line that several send comes once for each.
    """

    line_id: str
    listing_id: str
    sku: str
    title: str
    quantity: int
    total: Decimal
    location: str = ""

    def __post_init__(self) -> None:
        make_storable(self)
        if self.quantity > MOST_UNITS:
            raise ValueError(f"{self.quantity} units of line {self.line_id}")


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """An order as the shop has it now. `raw` is the platform's own words: buyer data, to be stored encrypted or not at all.

    `shipped`: units that have left already, by line, where the platform takes them off the lines' quantities.
    `cancellation_requested`: cancelled only if the warehouse agrees; the platform waits for `answer_cancellation`. Of an open one: the
    buyer wishes it, and only the merchant can do it, in the shop. `buyer_id`: the platform's own name of the buyer, where it says later
    that it has forgotten him. `awaits_payment`: that a pending one may still be paid; a draft, or one whose payment failed, binds no goods.
    `seller_id`: the platform's own name of who sold it, where keys do not say that (abilities.NamesSeller).
    """

    order_id: str
    number: str
    state: ChannelOrderState
    placed_at: datetime
    updated_at: datetime
    ship_to: ShipTo
    lines: tuple[ChannelLine, ...]
    currency: str
    total: Decimal
    channel_status: str
    shipping_method: str = ""
    note: str = ""
    ship_by: datetime | None = None
    shipped: Mapping[str, int] = field(default_factory=dict)
    cancellation_requested: bool = False
    awaits_payment: bool = True
    buyer_id: str = ""
    seller_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        make_storable(self)


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order that came but makes no sense: shown to people, never dropped silently. `again`: the shop broke down when it was asked for the rest of
    it; it can be asked for alone.
    """

    order_id: str
    reason: str
    again: bool = False

    def __post_init__(self) -> None:
        make_storable(self)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders that changed since the cursor, with overlap: the same order may come again. Store `cursor` when the page is safely imported.

    While `more` is true ask again at once, else at the next poll; both times with this cursor.
    """

    orders: tuple[ChannelOrder, ...]
    cursor: str
    more: bool
    unreadable: tuple[UnreadableOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackedLine:
    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Tracking:
    """One parcel that left. No lines means: all that is left of the order. `completes_order` is false while more parcels are to come.

    `location`: the shop's place that it left, where it has several. `joins`: the number of an earlier parcel that was told with the units of which
    this one brings more, as of a bundle in two boxes. Then it has no lines and claims nothing: it is a further number for those units.
    """

    order_id: str
    number: str
    carrier: str
    shipped_at: datetime
    url: str = ""
    lines: tuple[TrackedLine, ...] = ()
    completes_order: bool = True
    location: str = ""
    joins: str = ""
