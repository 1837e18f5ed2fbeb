"""The totes of the floor, shared by all scanners: which are free, and which were left with something in them."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class NoTote(Exception):
    """Every tote is in use: those at hand have to be emptied first."""


class Totes:
    """A tote is free, in somebody's hands, or left: its goods still have to be packed or put back."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._free = list(dict.fromkeys(codes))
        self._left: list[str] = []

    def take(self) -> str:
        """Raises NoTote."""
        with self._lock:
            if not self._free:
                raise NoTote
            return self._free.pop(0)

    def give_back(self, code: str) -> None:
        """It is empty."""
        with self._lock:
            if code not in self._free:
                self._free.append(code)

    def leave(self, code: str) -> None:
        """Its goods could not be packed: the order was stopped, or somebody else has still to pick for it."""
        with self._lock:
            if code not in self._left:
                self._left.append(code)

    def next_left(self) -> str | None:
        """One that was left, for this asker alone."""
        with self._lock:
            return self._left.pop(0) if self._left else None

    def emptied(self, code: str) -> None:
        """Somebody put back what was in it."""
        with self._lock:
            if code in self._left:
                self._left.remove(code)
                self._free.append(code)
