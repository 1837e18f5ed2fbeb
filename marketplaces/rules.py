"""What platforms demand of their sellers, as data: each adapter declares its RULES, the books are held against them (standings.py).

Here is no network and no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Measure(StrEnum):
    """What is bad. Platforms see more than our books do (the carrier's scans, buyers' complaints): theirs is the last word."""

    LATE = "late"  # of orders that were due: handed over, or told to the shop, after the ship-by, or not yet
    CANCELLED = "cancelled"  # of orders that were placed: cancelled here before the shop said so
    UNTRACKED = "untracked"  # of parcels of orders that were due: without a tracking number that the shop took


@dataclass(frozen=True, slots=True)
class Rule:
    """Of what `measure` counts within the last `days` days less than `limit_percent` may be bad; fewer bad ones than `at_least` never matter."""

    measure: Measure
    days: int
    limit_percent: Decimal
    at_least: int = 1
