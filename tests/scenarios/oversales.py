"""Why more was sold of something than there was: every unit too many is held against what the platforms had let us know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from marketplaces.calling import open_shop
from marketplaces.models import ChannelOrder, StockPush
from tests.scenarios.corner import LOST, Corner, Sale, Span

# What a platform does to us, or the machine.
UNHEARD = "no platform had told us yet of the units that others bought"
ON_ITS_WAY = "the shop had our number and had not answered yet"
FAILED = "the shop that had to be asked or told failed us"
KILLED = "a worker was killed that had it in hand"
OURS = "it was in our hands"
OVERTAKEN = "the platform worked on an older number of ours after a newer one"
# What must not be.
KNEW = "the shop had confirmed that there were too few, and was told more again"
UNTOLD = "the shop was never told"


class Units(NamedTuple):
    """So many of one sku, sold in one order out of one place (`code`: Corner.goods); `told_at` is when its shop told us, or when we found out by
    ourselves, and `taken_at` when it was taken in here.
    """

    corner: Corner
    sale: Sale
    code: str
    quantity: int
    told_at: datetime
    taken_at: datetime


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
    pushes, failures = _pushes(corners), {corner.adapter: corner.failures() for corner in corners}
    found = []
    for sold in _by_sku(corners).values():
        total = 0
        for units in sorted(sold, key=lambda units: units.sale.placed_at):
            total += units.quantity
            if total > there:
                told = pushes[units.corner.adapter, units.code]
                known_at, booked_at = _too_few_at(units, sold, there, "told_at"), _too_few_at(units, sold, there, "taken_at")
                asked = {other.corner.adapter for other in sold if other.told_at <= known_at < other.taken_at}
                way = Way(known_at, booked_at, [span for name in asked for span in failures[name]], failures[units.corner.adapter])
                found.append(explained(units, way, told, killed))
    return found


def offered_twice(corners: Sequence[Corner], there: int, lease: timedelta) -> list[str]:
    """Numbers that a shop with compare-and-set took although it had sold some of these units itself, or we had, with orders of other shops.

    `lease`: for how long a worker may have a number in hand once it was read.
    """
    offered, sold, pushes = [], _by_sku(corners), _pushes(corners)
    for corner in corners:
        if not open_shop(corner.channel).capabilities.compare_and_set:
            continue
        for code, lines in sold.items():
            for push in pushes[corner.adapter, code]:
                gone = sum(
                    units.quantity
                    for units in lines
                    if (units.sale.placed_at if units.corner is corner else units.taken_at + lease) < push.sent_at
                )
                if not push.error and push.quantity > max(0, there - gone):
                    offered.append(
                        f"{corner.adapter}: {push.quantity} of {code} at {push.sent_at:%H:%M:%S.%f}, {gone} of {there} were gone"
                    )
    return offered


def hearing(corners: Sequence[Corner], killed: Sequence[Span]) -> dict[tuple[Corner, str], timedelta]:
    """By shop and what became of its words: for how long at most nothing but we was in the way of an order, until it was in our books.

    From the shop's word on; where that was lost, from when the order was placed.
    """
    longest: dict[tuple[Corner, str], timedelta] = {}
    for corner in corners:
        others = [*corner.failures(), *killed]
        heard = dict(ChannelOrder.objects.filter(channel=corner.channel).values_list("external_id", "heard_at"))
        for sale in corner.sales:
            heard_at = heard[sale.number]
            assert heard_at is not None
            took = length_of(without((sale.told_at or sale.placed_at, heard_at), others))
            key = corner, LOST if sale.told_at is None else sale.word
            longest[key] = max(longest.get(key, took), took)
    return longest


def _by_sku(corners: Sequence[Corner]) -> dict[str, list[Units]]:
    by_sku: dict[str, list[Units]] = defaultdict(list)
    for corner in corners:
        rows = ChannelOrder.objects.filter(channel=corner.channel).values_list("external_id", "heard_at", "parts__order__created_at")
        ours = {number: (heard_at, taken_at) for number, heard_at, taken_at in rows if heard_at and taken_at}
        for sale in corner.sales:
            heard_at, taken_at = ours[sale.number]
            told_at = min(sale.told_at or heard_at, heard_at)
            for code, quantity in sale.lines:
                by_sku[code].append(Units(corner, sale, code, quantity, told_at, taken_at))
    return by_sku


def _pushes(corners: Sequence[Corner]) -> dict[tuple[str, str], list[StockPush]]:
    found: dict[tuple[str, str], list[StockPush]] = defaultdict(list)
    for corner in corners:
        rows = StockPush.objects.filter(listing__channel=corner.channel).select_related("listing__sku").order_by("sent_at", "pk")
        for push in rows:
            assert push.listing.sku is not None
            found[corner.adapter, corner.goods(push.listing.sku.code, push.location)].append(push)
    return found


def _too_few_at(units: Units, sold: Iterable[Units], there: int, when: str) -> datetime:
    """From when on fewer were left than the sale takes, as far as was known: of this sale itself nothing is known before it is made."""
    left, known_at = there, attrgetter(when)
    others = (other for other in sold if other is not units)
    for other in sorted(others, key=known_at):
        left -= other.quantity
        if left < units.quantity:
            found: datetime = known_at(other)
            return found
    raise AssertionError(f"{units.code} is not oversold")


class Way(NamedTuple):
    """From the shops' word, at `known_at`, that too few are left, by way of our own books, at `booked_at`, to the shop that has to hear of it.

    `asked`, `told`: when the shops failed that had to be asked for it, and that one.
    """

    known_at: datetime
    booked_at: datetime
    asked: Sequence[Span]
    told: Sequence[Span]

    def ours(self, until: datetime, killed: Sequence[Span] = ()) -> timedelta:
        """Of the time until then, what nobody else was in the way."""
        booked_at = min(self.booked_at, until)
        asking, telling = without((self.known_at, booked_at), [*self.asked, *killed]), without((booked_at, until), [*self.told, *killed])
        return length_of([*asking, *telling])


def explained(units: Units, way: Way, pushes: Sequence[StockPush], killed: Sequence[Span]) -> Oversold:
    placed_at = units.sale.placed_at
    if placed_at <= way.known_at:
        return Oversold(units, UNHEARD, timedelta(0))
    after = [push for push in pushes if push.sent_at >= way.known_at and push.quantity < units.quantity]
    told = next((push for push in after if not push.error), None)
    if told is None:
        return Oversold(units, UNTOLD, placed_at - way.known_at)
    if told.answered_at <= placed_at:
        older = (push for push in pushes if push.sent_at < told.sent_at and push.quantity >= units.quantity)
        late = any(told.answered_at < push.answered_at for push in older)
        return Oversold(units, OVERTAKEN if late else KNEW, timedelta(0))
    until = min(placed_at, after[0].sent_at)
    waited, ours = until - way.known_at, way.ours(until, killed)
    if told.sent_at <= placed_at:
        return Oversold(units, ON_ITS_WAY, ours)
    if after[0].sent_at <= placed_at or way.ours(until) < waited:
        return Oversold(units, FAILED, ours)
    return Oversold(units, KILLED if ours < waited else OURS, ours)


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
