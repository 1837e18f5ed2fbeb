"""The time of a shop that stands still, and that of a client that does not wait long."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
HASTE_S = 0.5


class Clock:
    """The shop's time, and the adapter's where it reads one, stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)
