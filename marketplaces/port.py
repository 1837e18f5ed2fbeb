"""The one shape in which every marketplace speaks to the sync. Adapters implement `Marketplace`; here is no network and no database.

What differs between platforms is declared in `Capabilities`, so that the sync never asks which platform it talks to. All ids are
opaque strings that the adapter made: the sync stores them and hands them back. All times are aware and UTC, all quantities are
units as the platform counts them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError


class ChannelError(WmsError):
    """The shop did not do what was asked."""

    code, status, message = "channel_error", 502, _("The shop failed: {reason}")


class ChannelUnavailable(ChannelError):
    """No usable answer: down, too slow, or unreadable. Try again later; `retry_after` is the shop's own wish in seconds or None.

    `answered` says whether anything came back at all.
    """

    code, status, message = "channel_unavailable", 503, _("The shop cannot be reached: {reason}")

    def __init__(self, *, reason: str, retry_after: float | None = None, answered: bool = False) -> None:
        super().__init__(reason=reason, retry_after=retry_after)
        self.retry_after = retry_after
        self.answered = answered


class ChannelThrottled(ChannelUnavailable):
    """Too many calls. Leave the whole channel alone for `retry_after` seconds."""

    code, message = "channel_throttled", _("The shop asks us to slow down: {reason}")


class CallThrottled(ChannelThrottled):
    """Too many calls of one kind, such as lists of orders: wait with these for `retry_after` seconds, the shop takes all others."""


class ChannelRefused(ChannelError):
    """The shop understood and said no: repeating the same call is useless. `channel_code` is the platform's own word."""

    code, status, message = "channel_refused", 422, _("The shop refused: {reason}")

    def __init__(self, *, reason: str, channel_code: str = "", http_status: int | None = None) -> None:
        super().__init__(reason=reason, channel_code=channel_code)
        self.channel_code = channel_code
        self.http_status = http_status


class CredentialsRefused(ChannelRefused):
    """The keys are wrong or have too few rights: nothing works on this channel until somebody changes them."""

    code, message = "channel_credentials_refused", _("The shop refuses our keys: {reason}")


class NotOnChannel(ChannelRefused):
    """The shop does not know this order or listing (any more)."""

    code, status, message = "not_on_channel", 404, _("The shop does not have it: {reason}")


class SignatureInvalid(WmsError):
    """A message that claims to come from the shop carries no valid signature. Nothing of it may be believed."""

    code, status, message = "signature_invalid", 401, _("The message is not signed by the shop.")


class MessageUnreadable(WmsError):
    """A signed message whose content makes no sense."""

    code, status, message = "message_unreadable", 422, _("The shop's message cannot be read: {reason}")


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a platform grants before it has said so itself: points or calls at once, and how many come back a second; 0: no such limit.

    `push` is what one call of push_stock costs, which tells `rows` listings; `bulk` of them or more go another way, which is not counted
    here. `poll`: what a page of orders costs, 0 where that is counted elsewhere.
    """

    maximum: float = 0.0
    per_second: float = 0.0
    push: float = 1.0
    rows: int = 1
    bulk: int | None = None
    poll: float = 1.0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do. `batch_size` is the most listings in one call.

    `cancellation_requests`: it asks whether an order can still be cancelled, and waits for the answer. `hears_cancellations`: it wants to
    know of its orders that the warehouse cancelled by itself. `daily_revisions`: how often one listing may be told a number in a day of
    `day_zone`, None without such a limit; one more is refused with PushError.SPENT. `poll_every_s`: it may be asked for its changed orders
    no more often than this; what has to be known sooner is pushed. `pace`: how fast it may be called, None where only its answers can say.
    """

    batch_size: int
    compare_and_set: bool = False
    locations: bool = False
    ship_by: bool = False
    cancel: bool = False
    hears_cancellations: bool = False
    cancellation_requests: bool = False
    webhooks: bool = False
    daily_revisions: int | None = None
    day_zone: str = "UTC"
    pace: Pace | None = None
    poll_every_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """The platform's own word on how much it may be asked: points or calls left at `at`, and how many come back a second."""

    available: float
    maximum: float
    per_second: float
    at: datetime

    def wait_s(self, cost: float, now: datetime) -> float:
        """Seconds until there should be enough for `cost`, or for all that there ever is."""
        there = self.available + max(0.0, (now - self.at).total_seconds()) * self.per_second
        missing = min(cost, self.maximum) - there
        return missing / self.per_second if missing > 0 and self.per_second > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """One thing that the shop sells and counts. `quantity` is None where the shop does not count it.

    `sells_without_stock`: buyers may order more than it shows (backorders, pre-orders).
    """

    listing_id: str
    sku: str
    title: str
    quantity: int | None
    barcode: str = ""
    url: str = ""
    active: bool = True
    sells_without_stock: bool = False


@dataclass(frozen=True, slots=True)
class ListingPage:
    """`cursor` is empty on the last page."""

    listings: tuple[ChannelListing, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class StockLevel:
    """How many the shop may sell from now on: absolute, never a change.

    `expected` is the shop's last known number, for platforms with compare-and-set. `revision` changes with each number that the shop
    has taken: a repeat of a push whose answer was lost has the same, so that the platform can know it.
    """

    listing_id: str
    quantity: int
    location: str = ""
    expected: int | None = None
    revision: str = ""

    def __post_init__(self) -> None:
        if self.quantity < 0:
            raise ValueError(f"A shop cannot be told to sell {self.quantity} of {self.listing_id}.")


class PushError(StrEnum):
    """Why a shop does not show the number it was told."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    SPENT = "spent"  # this one listing may not be told anything before `retry_after` is over
    STALE = "stale"  # the shop's number moved meanwhile: import its orders, compute again, push again
    PENDING = "pending"  # taken under a ticket, or to be sent later: not done yet, and the shop is not in trouble
    UNKNOWN_LISTING = "unknown_listing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PushResult:
    """The answer for one level. `shown` is the number that the shop said it has now, if it said so.

    `ticket` of a pending one: `abilities.Submits.outcome` tells what became of it. Without a ticket it was not sent: push again after `retry_after`.
    """

    listing_id: str
    quantity: int
    shown: int | None = None
    error: PushError | None = None
    message: str = ""
    retry_after: float | None = None
    ticket: str = ""

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def retryable(self) -> bool:
        waiting = {PushError.THROTTLED, PushError.UNAVAILABLE, PushError.SPENT, PushError.STALE, PushError.PENDING}
        return self.error in waiting


class ChannelOrderState(StrEnum):
    """What the warehouse has to do with an order of the shop."""

    PENDING = "pending"  # not paid: do not import
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


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """What is left to ship of one line (refunded units are taken off). `listing_id` is empty where the shop no longer has the product."""

    line_id: str
    listing_id: str
    sku: str
    title: str
    quantity: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """An order as the shop has it now. `raw` is the platform's own words: buyer data, to be stored encrypted or not at all.

    `shipped`: units that have left already, by line, where the platform takes them off the lines' quantities.
    `cancellation_requested`: cancelled only if the warehouse agrees; the platform waits for `answer_cancellation`. Of an open one: the
    buyer wishes it, and only the merchant can do it, in the shop. `buyer_id`: the platform's own name of the buyer, where it says later
    that it has forgotten him.
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
    buyer_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order that came but makes no sense: shown to people, never dropped silently."""

    order_id: str
    reason: str


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
    """One parcel that left. No lines means: all that is left of the order. `completes_order` is false while more parcels are to come."""

    order_id: str
    number: str
    carrier: str
    shipped_at: datetime
    url: str = ""
    lines: tuple[TrackedLine, ...] = ()
    completes_order: bool = True


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
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """A message that the shop pushed. A repeat has the same `delivery_id`.

    Platforms do not sign everything (WooCommerce leaves the topic out), messages overtake each other and come twice: an event says
    where to look, and the order it brings is as old as its `updated_at`. `order` is None where only a call can tell the truth.
    `quantity`: what the shop says that a listing shows. `ticket`: what `abilities.Submits.outcome` can tell of now. `buyer_ids`: the names
    of one buyer whom the platform has forgotten, and everybody has to.
    """

    kind: EventKind
    topic: str
    delivery_id: str
    order_id: str = ""
    listing_id: str = ""
    order: ChannelOrder | None = None
    quantity: int | None = None
    ticket: str = ""
    buyer_ids: tuple[str, ...] = ()


class Marketplace(Protocol):
    """One shop of one merchant.

    Every call may raise ChannelUnavailable, ChannelThrottled, CredentialsRefused or ChannelRefused; retrying is the caller's job, and
    every call that writes may be repeated safely.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def allowance(self) -> Allowance | None:
        """What the platform said last of how much it may be asked. None: it has not, or never does."""

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Tell the shop these numbers, any count of them: one result for each level, in their order.

        Only CredentialsRefused is raised; all else is in the rows.
        """

    def listings(self, *, cursor: str = "") -> ListingPage:
        """What the shop sells, a page at a time, with the numbers that it shows."""

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        """Orders changed after `since`, or after the cursor of an earlier page, oldest change first."""

    def order(self, order_id: str) -> ChannelOrder:
        """One order as it is now. Raises NotOnChannel, MessageUnreadable."""

    def send_tracking(self, tracking: Tracking) -> None:
        """Tell the shop and its buyer that a parcel left. Raises NotOnChannel, and ChannelRefused for an order that is cancelled there."""

    def cancel(self, order_id: str) -> None:
        """Cancel an unshipped order there. Raises NotOnChannel, and ChannelRefused where it has shipped."""

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        """Say whether an order could still be cancelled. Nothing happens where nobody asked. Raises NotOnChannel, ChannelRefused."""

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """Have the shop push its changes to `url`, signed with `secret`. Mends what is there already."""

    def unsubscribe_webhooks(self, *, url: str) -> int:
        """Stop the pushes to `url`; answers how many subscriptions went."""

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        """Check and read a pushed message. Raises SignatureInvalid, MessageUnreadable.

        `received-at` among the headers is our own word on when it came; without it, it came just now.
        The shop is asked for nothing but the key that signed the message, once for each key: where it cannot say, ChannelError comes out.
        """

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """The JSON by which the hook at `url` proves itself to a shop that asks before it pushes; None where `query` asks nothing."""
