"""How long whoever asks a shop waits for all of its answers: a worker has time, though not without end, a person at a screen has not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked in here, in this thread, has so many seconds for all of its answers, and no more than whoever asked for that has left."""
    until, outer = time.monotonic() + seconds, _until.get()
    token = _until.set(until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _until.reset(token)


def left_s() -> float | None:
    """Seconds until nobody waits any more, 0 when that is over; None where nobody hurries."""
    until = _until.get()
    return None if until is None else max(0.0, until - time.monotonic())
