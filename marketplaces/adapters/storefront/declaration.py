"""What a shop says it can do: one document, asked for once in a while, or given with the channel's keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplaces.port import Capabilities, ChannelUnavailable, NotUsable, reasons

# What every shop takes. All else only where the shop names it.
ALWAYS = frozenset({"stock.set", "parcel.shipped"})
KNOWN = ALWAYS | {
    "cancellation.answer",
    "hook.remove",
    "hook.set",
    "listings.list",
    "locations.list",
    "order.cancelled",
    "order.get",
    "orders.list",
}
BATCH_SIZE, LARGEST_BATCH = 100, 1000
# So long a declaration is believed without asking again.
REMEMBERED_S = 300.0

_remembered: dict[str, tuple[float, Declaration]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Declaration:
    """`answers`: the messages that the shop takes."""

    answers: frozenset[str] = ALWAYS
    batch_size: int = BATCH_SIZE
    compare_and_set: bool = False
    ship_by: bool = False
    holds_pending: bool = False
    locations: bool = False

    def capabilities(self, *, location: str) -> Capabilities:
        """A number that moved may be told anew only upon the orders that moved it: without a list of them no compare-and-set."""
        return Capabilities(
            batch_size=self.batch_size,
            compare_and_set=self.compare_and_set and "orders.list" in self.answers,
            locations=self.locations or bool(location),
            ship_by=self.ship_by,
            holds_pending=self.holds_pending,
            cancel="order.cancelled" in self.answers,
            hears_cancellations="order.cancelled" in self.answers,
            cancellation_requests="cancellation.answer" in self.answers,
            webhooks="hook.set" in self.answers,
            lists="listings.list" in self.answers,
        )


def read(document: Mapping[str, Any]) -> Declaration:
    """Raises ValueError. Messages that we do not know are for later versions of this program."""
    answers, size = document.get("answers", []), document.get("batch_size", BATCH_SIZE)
    if not isinstance(answers, list) or not all(isinstance(name, str) for name in answers):
        raise ValueError("answers is not a list of messages")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= LARGEST_BATCH:
        raise ValueError(f"batch_size is not a number from 1 to {LARGEST_BATCH}")
    flags = {name: document.get(name, False) for name in ("compare_and_set", "ship_by", "holds_pending", "locations")}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise ValueError(f"{', '.join(flags)} are true or false")
    return Declaration(ALWAYS | (KNOWN & set(answers)), size, **flags)


def given(text: str) -> Declaration | None:
    """The one that came with the channel's keys, as JSON; None where none came. Raises ChannelRefused."""
    if not text.strip():
        return None
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        return read(document)
    except ValueError as error:
        raise NotUsable(reason=reasons.BAD_DECLARATION.format(what=error), channel_code="bad_declaration") from error


def asked(account: str, ask: Callable[[], Mapping[str, Any]]) -> Declaration:
    """The shop's own, remembered within the process. Raises what `ask` raises, and ChannelUnavailable for one that makes no sense."""
    with _lock:
        until, known = _remembered.get(account, (0.0, None))
    if known is not None and until > time.monotonic():
        return known
    try:
        found = read(ask())
    except ValueError as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.ABILITIES, error), answered=True) from error
    with _lock:
        _remembered[account] = (time.monotonic() + REMEMBERED_S, found)
    return found


def forget(account: str = "") -> None:
    """Ask this shop anew, or every one."""
    with _lock:
        if account:
            _remembered.pop(account, None)
        else:
            _remembered.clear()
