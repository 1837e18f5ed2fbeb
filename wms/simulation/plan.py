"""What a run will do, decided before it starts and by its seed alone."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wms.simulation.order_file import FileOrder, OrderFile

CANCEL_ONE_IN = 50
# When a merchant changes its mind, as the floor sees it.
STAGES = ("accepted", "released", "picking", "picked", "packed")
SHOP_SHARE = 0.1
SHOP_MOST = 200
# A shop's buyers do not order seven hundred different things at once.
SHOP_LINES = 60
CARTON_SKUS = 12
ASN_CARTONS = 40


@dataclass(frozen=True, slots=True)
class PlannedCarton:
    """One box of an ASN: (sku, quantity) lines, and whether it is received and put away unopened."""

    code: str
    lines: list[tuple[str, int]]
    whole: bool


@dataclass(frozen=True, slots=True)
class PlannedAsn:
    reference: str
    cartons: list[PlannedCarton]


@dataclass(frozen=True, slots=True)
class Plan:
    """`goods` are units to receive by sku, `cancels` the stage by reference, `in_shop` the references that buyers place in the shop."""

    file: OrderFile
    goods: dict[str, int]
    asns: list[PlannedAsn]
    cancels: dict[str, str]
    in_shop: frozenset[str]


def demand(orders: Iterable[FileOrder]) -> Counter[str]:
    """Units by sku."""
    units: Counter[str] = Counter()
    for order in orders:
        for sku, quantity in order.lines:
            units[sku] += quantity
    return units


def covered(units: int, coverage: float) -> int:
    """Demand times coverage, rounded up. Exact: 0.97 is 97 hundredths here, not the double next to it."""
    return math.ceil(units * Fraction(str(coverage)))


def make_plan(file: OrderFile, *, coverage: float, seed: int, run: str) -> Plan:
    """`run` goes into the carton codes."""
    chance = random.Random(seed)
    goods = {sku: covered(units, coverage) for sku, units in sorted(demand(file.orders).items())}
    return Plan(
        file=file,
        goods=goods,
        asns=_asns([(sku, quantity) for sku, quantity in goods.items() if quantity], run),
        cancels=_cancels(file.orders, chance),
        in_shop=_in_shop(file.orders, chance),
    )


def _asns(goods: Sequence[tuple[str, int]], run: str) -> list[PlannedAsn]:
    """Cartons of a dozen skus; every other carton is opened and counted by piece."""
    boxes = [list(goods[start : start + CARTON_SKUS]) for start in range(0, len(goods), CARTON_SKUS)]
    cartons = [PlannedCarton(f"{run}-C{number:04}", box, whole=number % 2 == 1) for number, box in enumerate(boxes, 1)]
    return [
        PlannedAsn(f"{run}-A{number:02}", cartons[start : start + ASN_CARTONS])
        for number, start in enumerate(range(0, len(cartons), ASN_CARTONS), 1)
    ]


def _cancels(orders: Sequence[FileOrder], chance: random.Random) -> dict[str, str]:
    """One order out of each fifty (of a last, smaller group by chance), at a random stage."""
    chosen = {}
    for start in range(0, len(orders), CANCEL_ONE_IN):
        group = orders[start : start + CANCEL_ONE_IN]
        if len(group) == CANCEL_ONE_IN or chance.random() < len(group) / CANCEL_ONE_IN:
            chosen[chance.choice(group).reference] = chance.choice(STAGES)
    return chosen


def _in_shop(orders: Sequence[FileOrder], chance: random.Random) -> frozenset[str]:
    fitting = [order.reference for order in orders if len(order.lines) <= SHOP_LINES]
    return frozenset(chance.sample(fitting, min(SHOP_MOST, len(fitting), math.ceil(len(orders) * SHOP_SHARE))))
