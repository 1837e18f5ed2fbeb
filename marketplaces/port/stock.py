"""What a shop sells, and the numbers that it is told and answers."""

from dataclasses import dataclass
from enum import StrEnum

from marketplaces.port.texts import make_storable


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """One thing that the shop sells and counts. `quantity` is None where the shop does not count it.

    `sells_without_stock`: buyers may order more than it shows (backorders, pre-orders). `location`: at which of the shop's places it shows that;
    a shop that is asked for several says it of each.
    """

    listing_id: str
    sku: str
    title: str
    quantity: int | None
    barcode: str = ""
    url: str = ""
    active: bool = True
    sells_without_stock: bool = False
    location: str = ""

    def __post_init__(self) -> None:
        make_storable(self)


@dataclass(frozen=True, slots=True)
class ListingPage:
    """`cursor` is empty on the last page."""

    listings: tuple[ChannelListing, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class StockLevel:
    """How many the shop may sell from now on: absolute, never a change.

    `location`: at which of its places, where it has several. `expected` is the shop's last known number, for platforms with
    compare-and-set. `revision` changes with each number that the shop has taken: a repeat of a push whose answer was lost has the same, so
    that the platform can know it. `as_of`: when the books said so, in microseconds of the one clock that all workers share, the database's:
    of two numbers for a listing the later one is true.
    """

    listing_id: str
    quantity: int
    location: str = ""
    expected: int | None = None
    revision: str = ""
    as_of: int = 0

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


_RETRYABLE = frozenset({PushError.THROTTLED, PushError.UNAVAILABLE, PushError.SPENT, PushError.STALE, PushError.PENDING})


@dataclass(frozen=True, slots=True)
class PushResult:
    """The answer for one level. `shown` is the number that the shop said it has now, if it said so.

    `location` is the level's. `alone`: the shop broke down at this one, which says nothing of the others. `ticket` of a
    pending one: `abilities.Submits.outcome` tells what became of it. Without a ticket it was not sent: push again after `retry_after`.
    """

    listing_id: str
    quantity: int
    shown: int | None = None
    error: PushError | None = None
    message: str = ""
    retry_after: float | None = None
    ticket: str = ""
    location: str = ""
    alone: bool = False

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def retryable(self) -> bool:
        return self.error is not None and self.error in _RETRYABLE
