"""The leaky bucket of points that a shop grants to its API's callers, as the shop told it last.

Each answer says how many points there are, how fast they come back and what the call asked for
(https://shopify.dev/docs/api/usage/limits); a call that finds too few of them is refused.
"""

import threading
from datetime import UTC, datetime
from typing import Any

from marketplaces.port import Allowance

# The shop's clock is not ours, and it rounds.
SLACK_S = 0.1


class Bucket:
    """Shared by all that call one shop from this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._costs: dict[str, float] = {}
        self.allowance: Allowance | None = None

    def wait_s(self, operation: str) -> float:
        """Seconds until the bucket should hold what `operation` asked for when it was called last; 0 where that is not known."""
        with self._lock:
            cost, allowance = self._costs.get(operation, 0.0), self.allowance
        wait = allowance.wait_s(cost, datetime.now(UTC)) if allowance else 0.0
        return wait + SLACK_S if wait else 0.0

    def heard(self, operation: str, cost: Any) -> None:
        """Remember `extensions.cost` of an answer; nonsense is passed over."""
        try:
            status = cost["throttleStatus"]
            allowance = Allowance(
                available=float(status["currentlyAvailable"]),
                maximum=float(status["maximumAvailable"]),
                per_second=float(status["restoreRate"]),
                at=datetime.now(UTC),
            )
            requested = float(cost["requestedQueryCost"])
        except (KeyError, TypeError, ValueError):
            return
        with self._lock:
            self.allowance, self._costs[operation] = allowance, requested


_buckets: dict[str, Bucket] = {}
_buckets_lock = threading.Lock()


def bucket_of(key: str) -> Bucket:
    """The process's bucket of one app in one shop."""
    with _buckets_lock:
        return _buckets.setdefault(key, Bucket())
