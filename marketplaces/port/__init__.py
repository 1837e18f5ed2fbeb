"""The one shape in which every marketplace speaks to the sync. Adapters implement `Marketplace`; here is no network and no database.

What differs between platforms is declared in `Capabilities`, so that the sync never asks which platform it talks to. All ids are
opaque strings that the adapter made: the sync stores them and hands them back. All times are aware and UTC, all quantities are
units as the platform counts them.
"""

from marketplaces.port.answers import answered, counting, note_answer
from marketplaces.port.errors import (
    CallThrottled,
    ChannelError,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    CursorsRefused,
    MessageUnreadable,
    NotOnChannel,
    NotUsable,
    RightsMissing,
    SignatureInvalid,
)
from marketplaces.port.limits import Allowance, Capabilities, Pace
from marketplaces.port.marketplace import Marketplace
from marketplaces.port.messages import ChannelEvent, EventKind, Subscription
from marketplaces.port.orders import ChannelLine, ChannelOrder, ChannelOrderState, OrderPage, ShipTo, TrackedLine, Tracking, UnreadableOrder
from marketplaces.port.patience import left_s, within
from marketplaces.port.stock import ChannelListing, ListingPage, PushError, PushResult, StockLevel
from marketplaces.port.texts import storable
from marketplaces.port.units import MOST_UNITS, units

__all__ = [
    "MOST_UNITS",
    "Allowance",
    "CallThrottled",
    "Capabilities",
    "ChannelError",
    "ChannelEvent",
    "ChannelLine",
    "ChannelListing",
    "ChannelOrder",
    "ChannelOrderState",
    "ChannelRefused",
    "ChannelThrottled",
    "ChannelUnavailable",
    "CredentialsRefused",
    "CursorsRefused",
    "EventKind",
    "ListingPage",
    "Marketplace",
    "MessageUnreadable",
    "NotOnChannel",
    "NotUsable",
    "OrderPage",
    "Pace",
    "PushError",
    "PushResult",
    "RightsMissing",
    "ShipTo",
    "SignatureInvalid",
    "StockLevel",
    "Subscription",
    "TrackedLine",
    "Tracking",
    "UnreadableOrder",
    "answered",
    "counting",
    "left_s",
    "note_answer",
    "storable",
    "units",
    "within",
]
