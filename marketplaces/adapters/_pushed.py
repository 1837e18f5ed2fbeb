"""What all adapters say of a number that a shop did not take, and how they find the one that it breaks down at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from marketplaces.adapters._http import Stint
from marketplaces.port import ChannelThrottled, ChannelUnavailable, PushError, PushResult, StockLevel

# Failed calls in a row: the shop is down, it is spared the rest. One that breaks down may do so at just these numbers.
GIVE_UP_AFTER, MOST_BREAKDOWNS = 2, 6
K = TypeVar("K")


def failed(level: StockLevel, kind: PushError, message: str, shown: int | None = None) -> PushResult:
    return PushResult(level.listing_id, level.quantity, shown=shown, error=kind, message=message, location=level.location)


def later(level: StockLevel, error: ChannelUnavailable) -> PushResult:
    """No answer came, or none that says anything of this level."""
    kind = PushError.THROTTLED if isinstance(error, ChannelThrottled) else PushError.UNAVAILABLE
    reason, wait = error.details["reason"], error.retry_after
    return PushResult(level.listing_id, level.quantity, error=kind, message=reason, retry_after=wait, location=level.location)


def spared(error: ChannelUnavailable, in_a_row: int) -> bool:
    """Whether a shop in trouble as a whole is spared what is left of a push: after a throttle, no answer, break-downs at all that was tried, or two
    failed calls in a row.
    """
    return isinstance(error, ChannelThrottled) or not error.answered or error.broke_down or in_a_row >= GIVE_UP_AFTER


def apart(
    batch: Sequence[StockLevel],
    send: Callable[[Sequence[StockLevel]], Mapping[K, PushResult]],
    key: Callable[[StockLevel], K],
    stint: Stint,
    error: ChannelUnavailable,
) -> tuple[dict[K, PushResult], ChannelUnavailable | None]:
    """The shop answered this batch with `error`. Where it broke down at it the batch is halved, and its parts, until the one is found that it breaks
    down at: that holds up no other. Answers what became of all, and the error where the shop is in trouble as a whole.
    """
    results: dict[K, PushResult] = {}
    parts, breakdowns, worked = deque([batch]), 0, len(batch) == 1
    while parts:
        part = parts.popleft()
        if breakdowns:
            try:
                results |= send(part)
                breakdowns, worked = 1, True
                continue
            except ChannelUnavailable as again:
                error = again
        breakdowns += 1
        if not error.broke_down or breakdowns >= MOST_BREAKDOWNS or stint.over():
            return results | {key(level): later(level, error) for each in (part, *parts) for level in each}, error
        if len(part) == 1:
            results[key(part[0])] = replace(later(part[0], error), alone=True)
        else:
            parts += [part[: len(part) // 2], part[len(part) // 2 :]]
    return (results, None) if worked else ({key(level): later(level, error) for level in batch}, error)
