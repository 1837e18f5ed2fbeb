"""What a platform can do, and how much it may be asked."""

from dataclasses import dataclass
from datetime import datetime


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
    `locations`: each of its places may be told a number of its own (abilities.HasPlaces); `whole_listings`: then it wants those of a listing all
    together, and `batch_size` counts listings. `holds_pending`: it keeps the units of its own unpaid orders back beside the number that it is
    told; elsewhere they are still for sale there after every push, and are taken off the number. `lists`: it can be asked what it sells and shows;
    else it says so by itself (abilities.Reports).
    """

    batch_size: int
    compare_and_set: bool = False
    locations: bool = False
    whole_listings: bool = False
    ship_by: bool = False
    cancel: bool = False
    hears_cancellations: bool = False
    cancellation_requests: bool = False
    webhooks: bool = False
    daily_revisions: int | None = None
    day_zone: str = "UTC"
    pace: Pace | None = None
    holds_pending: bool = False
    poll_every_s: float = 0.0
    lists: bool = True


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
