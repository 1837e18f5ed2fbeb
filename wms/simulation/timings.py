"""How long each step took, and the percentiles of that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

STEPS = ("accept", "accept_bulk", "receive", "put_away", "pick", "pack", "ship", "cancel", "put_back", "scan")


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return ordered[rank - 1]


class Timings:
    """Milliseconds by step, from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, list[float]] = {step: [] for step in STEPS}

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Only what ends well is counted."""
        began = time.perf_counter()
        yield
        self.add(step, (time.perf_counter() - began) * 1000)

    def add(self, step: str, milliseconds: float) -> None:
        with self._lock:
            self._taken[step].append(milliseconds)

    def summary(self) -> dict[str, dict[str, float | int | None]]:
        """{step: {"count", "p50", "p95", "p99"}}, milliseconds; None where a step did not happen."""
        with self._lock:
            return {
                step: {
                    "count": len(taken),
                    **{f"p{share}": round(percentile(taken, share / 100), 1) if taken else None for share in (50, 95, 99)},
                }
                for step, taken in self._taken.items()
            }
