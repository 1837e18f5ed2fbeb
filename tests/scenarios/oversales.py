"""Why more was sold of something than there was: every unit too many is held against what the platforms had let us know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from marketplaces.models import ChannelOrder, StockPush
from tests.scenarios.corners import Corner, Sale, Span

# What a platform does to us, or the machine.
UNHEARD = "no platform had told us yet of the units that others bought"
ON_ITS_WAY = "the shop had our number and had not answered yet"
FAILED = "a shop failed us when it was asked or told"
KILLED = "a worker was killed that had it in hand"
OURS = "it was in our hands"
OVERTAKEN = "the platform worked on an older number of ours after a newer one"
# What must not be.
KNEW = "the shop had confirmed that there were too few, and was told more again"
UNTOLD = "the shop was never told"


class Units(NamedTuple):
    """So many of one sku, sold in one order; `told_at` is when its shop told us, or when we found out by ourselves."""

    corner: Corner
    sale: Sale
    code: str
    quantity: int
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Oversold:
    """Units that were sold beyond what there was, `why`, and for how long nothing but we ourselves was in the way."""

    units: Units
    why: str
    ours: timedelta

    def __str__(self) -> str:
        sale = self.units.sale
        return f"{self.units.corner.adapter} {sale.number}: {self.units.quantity} of {self.units.code} at {sale.placed_at:%H:%M:%S.%f}, {self.why}"


def oversold(corners: Sequence[Corner], there: int, killed: Sequence[Span]) -> list[Oversold]:
    """All sales that, as they were placed, went beyond the `there` units of their sku. `killed`: when no worker could do its part."""
    pushes, failures = _pushes(corners), [span for corner in corners for span in corner.failures()]
    found = []
    for sold in _by_sku(corners).values():
        total = 0
        for units in sorted(sold, key=lambda units: units.sale.placed_at):
            total += units.quantity
            if total > there:
                told = pushes[units.corner.adapter, units.code]
                found.append(explained(units, _known_at(units, sold, there), told, failures, killed))
    return found


def _by_sku(corners: Sequence[Corner]) -> dict[str, list[Units]]:
    by_sku: dict[str, list[Units]] = defaultdict(list)
    for corner in corners:
        rows = ChannelOrder.objects.filter(channel=corner.channel, heard_at__isnull=False)
        heard: dict[str, datetime] = dict(rows.values_list("external_id", "heard_at"))  # type: ignore[arg-type]
        for sale in corner.sales:
            told_at = min(sale.told_at or heard[sale.number], heard[sale.number])
            for code, quantity in sale.lines:
                by_sku[code].append(Units(corner, sale, code, quantity, told_at))
    return by_sku


def _pushes(corners: Sequence[Corner]) -> dict[tuple[str, str], list[StockPush]]:
    found: dict[tuple[str, str], list[StockPush]] = defaultdict(list)
    for corner in corners:
        rows = StockPush.objects.filter(listing__channel=corner.channel).select_related("listing__sku").order_by("sent_at", "pk")
        for push in rows:
            assert push.listing.sku is not None
            found[corner.adapter, push.listing.sku.code].append(push)
    return found


def _known_at(units: Units, sold: Iterable[Units], there: int) -> datetime:
    """From when on we could know that fewer were left than the sale takes: of this sale itself nothing is known before it is made."""
    left = there
    others = (other for other in sold if other is not units)
    for other in sorted(others, key=lambda other: other.told_at):
        left -= other.quantity
        if left < units.quantity:
            return other.told_at
    raise AssertionError(f"{units.code} is not oversold")


def explained(units: Units, known_at: datetime, pushes: Sequence[StockPush], failures: Sequence[Span], killed: Sequence[Span]) -> Oversold:
    placed_at = units.sale.placed_at
    if placed_at <= known_at:
        return Oversold(units, UNHEARD, timedelta(0))
    after = [push for push in pushes if push.sent_at >= known_at and push.quantity < units.quantity]
    told = next((push for push in after if not push.error), None)
    if told is None:
        return Oversold(units, UNTOLD, placed_at - known_at)
    if told.answered_at <= placed_at:
        older = (push for push in pushes if push.sent_at < told.sent_at and push.quantity >= units.quantity)
        late = any(told.answered_at < push.answered_at for push in older)
        return Oversold(units, OVERTAKEN if late else KNEW, timedelta(0))
    waited = known_at, min(placed_at, after[0].sent_at)
    ours = length_of(without(waited, [*failures, *killed]))
    if told.sent_at <= placed_at:
        return Oversold(units, ON_ITS_WAY, ours)
    if after[0].sent_at <= placed_at or length_of(without(waited, failures)) < length_of([waited]):
        return Oversold(units, FAILED, ours)
    return Oversold(units, KILLED if length_of(without(waited, killed)) < length_of([waited]) else OURS, ours)


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What is left of a span outside of the others."""
    left, (at, end) = [], span
    for begin, over in sorted(others):
        if begin >= end:
            break
        if begin > at:
            left.append((at, begin))
        at = max(at, over)
    return [*left, (at, end)] if at < end else left


def length_of(spans: Iterable[Span]) -> timedelta:
    return sum((end - begin for begin, end in spans), timedelta(0))
