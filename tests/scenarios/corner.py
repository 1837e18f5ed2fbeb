"""A shop that is never quite well, and its channel: what a chaos run needs of each."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from inventory.models import Sku, Warehouse
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder
from tests.marketplaces import shops
from tests.marketplaces.misbehaving import Fault, fail, hang_up, hang_up_after_work, without_end
from tests.scenarios.deck import Deck
from wms.simulation.shop_server import Answer

Lines = list[tuple[str, int]]
Span = tuple[datetime, datetime]
# Each fault befalls one of so many calls to a shop.
CALLS_A_FAULT, LONGEST_NAP_S = 100, 1.5
# What becomes of twenty words that a shop pushes.
LOST, TWICE, ONCE = "lost", "twice", "once"
WORDS = [LOST] * 3 + [TWICE] * 3 + [ONCE] * 14


@dataclass(slots=True)
class Sale:
    """`word`: what becomes of the shop's word of it; `told_at`: when it first came; `here`: the order has been seen among ours."""

    number: str
    lines: Lines
    placed_at: datetime
    word: str = ONCE
    told_at: datetime | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A call of ours to a shop: when it came and went, and what the shop did to it."""

    began_at: datetime
    ended_at: datetime
    fault: str


@dataclass(eq=False)
class Corner(ABC):
    """One shop and its channel. `served`: our calls while it was ill. `sales`: what its buyers ordered, in their order.

    What its dice decide: `moods` its answers, `words` what becomes of the orders that it pushes, and what its buyers want.
    """

    shop: Any
    seed: int
    sales: list[Sale] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    channel: Channel = field(init=False)

    adapter: str = field(init=False, default="")
    # The shop's place that sells out of a warehouse of its own, where it has one beside that which it shares with all others.
    annex: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.seed} {self.adapter}")
        self.moods = Deck([*MOODS, *[""] * (CALLS_A_FAULT - len(MOODS))], self.dice)
        self.words = Deck(WORDS, self.dice)

    @property
    @abstractmethod
    def keys(self) -> dict[str, str]: ...

    @abstractmethod
    def offer(self, code: str) -> None:
        """Put a sku on sale, of which nothing is there yet."""

    @abstractmethod
    def say(self, number: str, delivery: str) -> bool:
        """Push the word of an order; the same `delivery` is the same word. False where we could not take it: it has to come again."""

    @abstractmethod
    def told(self, number: str) -> list[str]:
        """The tracking numbers that the buyer sees."""

    def unread(self) -> int:
        """How many of its words wait for us."""
        return 0

    def place(self, lines: Lines) -> Any:
        return self.shop.books.place_order(lines)

    def shelves(self) -> dict[str, int]:
        """What the shop shows, by goods. Its books are locked."""
        return dict(self.shop.books.stock())

    def shown(self) -> dict[str, int]:
        with self.shop.books.lock:
            return self.shelves()

    def goods(self, code: str, location: str) -> str:
        """What is sold out of one pool: a sku of the warehouse that all shops share, or the same of the annex."""
        return f"{code}@{location}" if location and location == self.annex else code

    def connect(self, things: list[Sku], house: Warehouse, annex: Warehouse) -> None:
        for thing in things:
            self.offer(thing.code)
        self.channel = shops.connect_as(self.adapter, self.shop, self.keys, things[0].merchant, house)

    def buy(self, lines: Lines) -> Sale | None:
        """As a buyer: only what the shop shows."""
        with self.shop.books.lock:
            stock = self.shelves()
            if any(stock[code] < quantity for code, quantity in lines):
                return None
            placed_at = datetime.now(UTC)
            sale = Sale(str(self.place(lines)), lines, placed_at, self.words.draw())
        self.sales.append(sale)
        return sale

    def untaken(self) -> list[Sale]:
        """Of which it told us, and which are not here yet."""
        said = {sale.number: sale for sale in self.sales if sale.told_at is not None and not sale.here}
        for number in ChannelOrder.objects.filter(channel=self.channel, external_id__in=said).values_list("external_id", flat=True):
            said.pop(number).here = True
        return list(said.values())

    def fall_ill(self) -> None:
        self.shop.misbehave(".*", self._moody, times=10**9)

    def _moody(self, call: Any, proper: Callable[[], Answer]) -> Answer:
        """Mostly well; else gone before the work or after it, out of order, without end, or late."""
        began_at, fault = datetime.now(UTC), self.moods.draw()
        if fault == LATE:
            time.sleep(self.dice.uniform(0.1, LONGEST_NAP_S))
        answer = MOODS.get(fault, _well)(call, proper)
        self.served.append(Served(began_at, datetime.now(UTC), fault))
        return answer

    def recover(self) -> None:
        """From now on it does what it is asked; what we call is still written down."""
        self.moods = Deck([""], self.dice)

    def polled_every(self, seconds: float) -> timedelta:
        """How often it may be asked for its orders, where it is asked every so many seconds."""
        return timedelta(seconds=max(seconds, open_shop(self.channel).capabilities.poll_every_s))

    def failures(self) -> list[Span]:
        """Each from the call that failed until one was answered again; and what it took its time for."""
        spans: list[Span] = []
        since = None
        for call in sorted(self.served, key=lambda call: call.ended_at):
            if call.fault == LATE:
                spans.append((call.began_at, call.ended_at))
            elif call.fault:
                since = since or call.began_at
            elif since is not None and call.began_at > since:
                spans.append((since, call.ended_at))
                since = None
        return spans


def _well(_call: Any, proper: Callable[[], Answer]) -> Answer:
    return proper()


LATE = "late"
MOODS: dict[str, Fault] = {
    "hung up": hang_up,
    "hung up after work": hang_up_after_work,
    "out of order": fail(503),
    "without end": without_end,
    LATE: _well,
}
