"""How many calls the day still has, by eBay's own word: getRateLimits of the Developer Analytics interface.

The numbers count for the application, whatever seller it calls for
(https://developer.ebay.com/api-docs/developer/analytics/resources/rate_limit/methods/getRateLimits). The interface is not among those
that eBay's contracts here describe: the form of its answer is out of the documentation.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from marketplaces.adapters.ebay.connection import ANALYTICS, Connection, JsonObject, rows_of
from marketplaces.adapters.ebay.offers import number
from marketplaces.adapters.ebay.tokens import Caller
from marketplaces.port import Allowance, ChannelError, ChannelUnavailable, reasons

log = logging.getLogger(__name__)

INVENTORY, FULFILMENT = "inventory", "fulfillment"
# As often eBay is asked; what is left of a day does not change faster.
EVERY = timedelta(minutes=15)
# Of what is left so much may go at once, the rest is spread over the time until eBay counts anew: whatever is sold, the day is never spent.
AT_ONCE = 0.1


@dataclass(frozen=True, slots=True)
class Rate:
    """`remaining` calls until `reset`."""

    remaining: int
    reset: datetime

    def allowance(self, now: datetime) -> Allowance:
        left_s = max((self.reset - now).total_seconds(), 1.0)
        at_once = max(1.0, self.remaining * AT_ONCE)
        return Allowance(min(at_once, self.remaining), at_once, max(1.0, self.remaining - at_once) / left_s, now)


class Limits:
    """Of one application, shared by all that call with it from this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._rates: dict[str, Rate] = {}

    def read(self, connection: Connection) -> Allowance | None:
        """Asks eBay where its last word is old, and answers how fast stock may be told from now on; None where nothing new was heard.

        Whatever goes wrong here concerns nobody's stock and orders.
        """
        now = datetime.now(UTC)
        with self._lock:
            if self._read_at is not None and now - self._read_at < EVERY:
                return None
            self._read_at = now
        try:
            answer = connection.get(f"{ANALYTICS}/rate_limit/", caller=Caller.APPLICATION, api_context="sell")
            rates = {api: rate for api in (INVENTORY, FULFILMENT) if (rate := _tightest(answer, api, now))}
        except ChannelError as error:
            log.warning("eBay does not say how many calls are left: %s", error)
            return None
        with self._lock:
            self._rates = rates
        return rates[INVENTORY].allowance(now) if INVENTORY in rates else None

    def doubt(self) -> None:
        """eBay says that it was one call too many: its last word is too old."""
        with self._lock:
            self._read_at = None

    def spent_s(self, api: str) -> float:
        """Seconds until eBay takes calls of this interface again; 0 where some are left, or nobody knows."""
        with self._lock:
            rate = self._rates.get(api)
        return max(0.0, (rate.reset - datetime.now(UTC)).total_seconds()) if rate and rate.remaining <= 0 else 0.0


def _tightest(answer: JsonObject, api: str, now: datetime) -> Rate | None:
    """Of all that is counted for the interface, what allows the fewest calls a second; rows without numbers are no limits."""
    found = []
    for row in rows_of(answer, "rateLimits"):
        if str(row.get("apiName")).casefold() != api:
            continue
        for resource in rows_of(row, "resources"):
            found += [rate for each in rows_of(resource, "rates") if (rate := _rate(each, now))]
    return min(found, key=lambda rate: rate.remaining / max((rate.reset - now).total_seconds(), 1.0), default=None)


def _rate(row: JsonObject, now: datetime) -> Rate | None:
    """{"limit", "remaining", "reset": moment, "timeWindow": seconds}"""
    remaining, window = number(row.get("remaining")), number(row.get("timeWindow"))
    if remaining is None:
        return None
    try:
        reset = datetime.fromisoformat(str(row["reset"])) if row.get("reset") else now + timedelta(seconds=window or 0)
    except ValueError as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.LIMITS, error), answered=True) from error
    reset = reset if reset.tzinfo else reset.replace(tzinfo=UTC)
    return Rate(remaining, reset) if reset > now else None


_limits: dict[str, Limits] = {}
_limits_lock = threading.Lock()


def limits_of(application: str) -> Limits:
    """The process's knowledge of one application."""
    with _limits_lock:
        return _limits.setdefault(application, Limits())
