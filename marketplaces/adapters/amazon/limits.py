"""How often each operation may be called: a bucket each, by Amazon's usage plans, corrected by what its answers say.

The limits count for each app in each seller's account (https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits).
"""

import threading
from datetime import UTC, datetime

from marketplaces.port import Allowance

# Calls a second, and how many at once; from the operations' descriptions. Of listings feeds: 5 in 5 minutes.
PLANS: dict[str, tuple[float, float]] = {
    "patchListingsItem": (5, 5),
    "searchListingsItems": (5, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (5 / 300, 5),
    "getFeed": (2, 15),
    "getFeedDocument": (0.0222, 10),
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2, 10),
    "getDestinations": (1, 5),
    "createDestination": (1, 5),
    "getSubscription": (1, 5),
    "createSubscription": (1, 5),
    "deleteSubscriptionById": (1, 5),
}


def now() -> datetime:
    return datetime.now(UTC)


class Limits:
    """Shared by all that call for one seller from this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        start = now()
        self._allowances = {name: Allowance(burst, burst, rate, start) for name, (rate, burst) in PLANS.items()}
        self._heard: set[str] = set()

    def take(self, operation: str) -> float:
        """Takes one call where there is one, and answers 0; else answers the seconds until there is."""
        with self._lock:
            moment = now()
            if wait := self._allowances[operation].wait_s(1, moment):
                return wait
            self._set(operation, self._left(operation, moment) - 1, moment)
            return 0.0

    def wait_s(self, operation: str) -> float:
        with self._lock:
            return self._allowances[operation].wait_s(1, now())

    def heard(self, operation: str, rate: str | None) -> None:
        """Amazon's own word on calls a second (`x-amzn-RateLimit-Limit`); nonsense is passed over."""
        try:
            per_second = float(rate or "")
        except ValueError:
            return
        if not 0 < per_second < 10_000:
            return
        with self._lock:
            moment = now()
            maximum = max(self._allowances[operation].maximum, per_second)
            self._allowances[operation] = Allowance(min(self._left(operation, moment), maximum), maximum, per_second, moment)
            self._heard.add(operation)

    def empty(self, operation: str) -> None:
        """Amazon says that it was one call too many: others share the bucket."""
        with self._lock:
            self._set(operation, 0.0, now())

    def allowance(self, operation: str) -> Allowance | None:
        with self._lock:
            return self._allowances[operation] if operation in self._heard else None

    def _left(self, operation: str, moment: datetime) -> float:
        known = self._allowances[operation]
        return min(known.maximum, known.available + max(0.0, (moment - known.at).total_seconds()) * known.per_second)

    def _set(self, operation: str, available: float, moment: datetime) -> None:
        known = self._allowances[operation]
        self._allowances[operation] = Allowance(available, known.maximum, known.per_second, moment)


_limits: dict[str, Limits] = {}
_limits_lock = threading.Lock()


def limits_of(key: str) -> Limits:
    """The process's buckets of one app for one seller."""
    with _limits_lock:
        return _limits.setdefault(key, Limits())
