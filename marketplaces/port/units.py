"""How many units: what stands there can be anything that JSON can spell."""

from typing import Any

# More than any shop sells: a slip of a plug-in must not stop the other orders.
MOST_UNITS = 1_000_000_000


def units(value: Any, of: str, *, least: int = 0) -> int:
    """The number itself; `of` says whose it is. Raises ValueError for what is no whole number from `least` to MOST_UNITS.

    A part of a unit is not rounded: nobody knows what was meant.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MOST_UNITS:
        raise ValueError(f"{of} is {str(value)[:100]!r}")
    return value
