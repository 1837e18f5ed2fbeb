"""Where a shop takes several calls to be told: their numbers are read, and their answers written down, many at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

# How long a number may wait for its call, and answers to be written down. What changes in between leaves an event, and is told after it;
# where the worker is killed in between, the shop is told the same again.
FRESH_S = NOTED_EVERY_S = 0.5


Key = tuple[int, str]
"""A listing's key, and at which of the shop's places; empty where all of its numbers go out together."""

Row = TypeVar("Row")
Answer = TypeVar("Answer")


class ReadAhead(Generic[Row]):
    """What `read` says of listings, whose rows are asked for by and by, each by its `key_of`; none of it older than FRESH_S."""

    def __init__(self, read: Callable[[Sequence[int]], Sequence[Row]], key_of: Callable[[Row], Key], listing_ids: Sequence[int]) -> None:
        self._read, self._key_of = read, key_of
        self._rows = self._look(listing_ids)

    def _look(self, listing_ids: Sequence[int]) -> dict[Key, list[Row]]:
        self._read_at = time.monotonic()
        rows: dict[Key, list[Row]] = {}
        for row in self._read(listing_ids):
            rows.setdefault(self._key_of(row), []).append(row)
        return rows

    def left(self) -> list[Row]:
        """What was read and not taken yet."""
        return [row for rows in self._rows.values() for row in rows]

    def take(self, keys: Iterable[Key]) -> list[Row]:
        """The rows with these keys, which are not asked for again."""
        if time.monotonic() - self._read_at > FRESH_S and self._rows:
            fresh = self._look(sorted({listing_id for listing_id, _location in self._rows}))
            self._rows = {key: fresh[key] for key in self._rows if key in fresh}
        return [row for key in keys for row in self._rows.pop(key, ())]


@contextmanager
def noting(write: Callable[[Sequence[Answer]], None]) -> Iterator[Callable[[Sequence[Answer]], None]]:
    """`write` gets what is noted in larger parts, and all of it at the latest when the calls have ended, however they did."""
    noted: list[Answer] = []
    written_at = time.monotonic()

    def flush() -> None:
        nonlocal written_at
        if noted:
            write(noted)
        noted.clear()
        written_at = time.monotonic()

    def note(answers: Sequence[Answer]) -> None:
        noted.extend(answers)
        if time.monotonic() - written_at > NOTED_EVERY_S:
            flush()

    try:
        yield note
    finally:
        flush()
