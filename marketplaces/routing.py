"""Which warehouses an order of a shop goes to: the nearest that has it whole, else as few as have it together, else the first. No database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

# Of more warehouses than this at once no order is put together: so many parcels nobody wants.
MOST_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class House:
    """A warehouse of a channel; `reaches`: how many days (country, beginning of the postcode) is away from it; the lowest rank comes first."""

    id: int
    country: str
    rank: int
    reaches: Mapping[tuple[str, str], int]

    def days_to(self, country: str, postcode: str) -> int | None:
        """By the longest beginning that is known; None where none of this country's is."""
        plain = plain_postcode(postcode)
        for length in range(len(plain), -1, -1):
            if (days := self.reaches.get((country, plain[:length]))) is not None:
                return days
        return None


@dataclass(frozen=True, slots=True)
class Need:
    """`units` of a shop's line, the `line`th from 0; one of them is `goods`, our units by sku id, which leave together."""

    line: int
    units: int
    goods: Mapping[int, int]


# What each house sends: its key, and how many units of which line.
Route = list[tuple[int, list[tuple[Need, int]]]]
# Our units by (house, sku id).
Free = dict[tuple[int, int], int]


def plain_postcode(postcode: str) -> str:
    """As beginnings of postcodes are compared: `n1 9gu` and `N19GU` are one."""
    return "".join(sign for sign in postcode.upper() if sign.isalnum())


def nearest_first(houses: Sequence[House], country: str, postcode: str) -> list[House]:
    """Fewest days first; then those that say nothing of the place, in the same country first; ties by rank."""

    def distance(house: House) -> tuple[bool, int, bool, int]:
        days = house.days_to(country, postcode)
        return days is None, days or 0, house.country != country, house.rank

    return sorted(houses, key=distance)


def route(near: Sequence[House], needs: Sequence[Need], free: Free, *, splits: bool) -> Route:
    """Where to send an order, from houses in order of nearness, and take it from `free`.

    What all of them together do not have goes to the first by rank, whole, and is short there. So does what no single one has, unless the
    channel `splits` orders.
    """
    for count in range(1, 1 + (min(len(near), MOST_TOGETHER) if splits else 1)):
        for chosen in combinations(near, count):
            taken = _take(chosen, needs, free)
            if taken is not None:
                return taken
    first = min(near, key=lambda house: house.rank)
    for need in needs:
        for sku_id, each in need.goods.items():
            free[first.id, sku_id] = free.get((first.id, sku_id), 0) - each * need.units
    return [(first.id, [(need, need.units) for need in needs])]


def _take(chosen: Sequence[House], needs: Sequence[Need], free: Free) -> Route | None:
    """From exactly these houses; a line that one of them has whole is not torn. None, and nothing taken, where they have not enough."""
    left = dict(free)
    sent: dict[int, list[tuple[Need, int]]] = {house.id: [] for house in chosen}
    for need in needs:
        missing = need.units
        for house, units in _offers(chosen, need, left):
            for sku_id, each in need.goods.items():
                left[house.id, sku_id] -= each * units
            sent[house.id].append((need, units))
            missing -= units
        if missing:
            return None
    free.update(left)
    return [(key, parts) for key, parts in sent.items() if parts]


def _offers(chosen: Sequence[House], need: Need, left: Free) -> Iterator[tuple[House, int]]:
    """How many units of the line each house sends."""
    there = [(house, min(max(0, left.get((house.id, sku_id), 0)) // each for sku_id, each in need.goods.items())) for house in chosen]
    whole = next((house for house, units in there if units >= need.units), None)
    if whole is not None:
        yield whole, need.units
        return
    missing = need.units
    for house, units in there:
        if min(units, missing):
            yield house, min(units, missing)
        missing -= min(units, missing)
