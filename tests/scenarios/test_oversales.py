"""The chaos run's judges: what may and what must not be taken for a platform's own delay, what was offered twice, what was heard too late."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory.models import Sku, Warehouse
from marketplaces import channels
from marketplaces.models import Channel, ChannelOrder, StockPush
from outbound import orders
from outbound.models import Order
from tests import make
from tests.scenarios.corner import LOST, ONCE, TWICE, Sale, Span
from tests.scenarios.oversales import (
    FAILED,
    KILLED,
    KNEW,
    ON_ITS_WAY,
    OURS,
    OVERTAKEN,
    UNHEARD,
    UNTOLD,
    Units,
    Way,
    explained,
    hearing,
    offered_twice,
    without,
)
from tests.scenarios.test_chaos import OUR_TURN, POLL_S, check_hearing

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def push(quantity: int, sent: float, answered: float, error: str = "") -> StockPush:
    return StockPush(quantity=quantity, sent_at=at(sent), answered_at=at(answered), error=error)


def why(
    pushes: list[StockPush], *, placed: float, booked: float = 10, asked: Any = (), failures: Any = (), killed: Any = ()
) -> tuple[str, float]:
    """Two units sold at `placed`; since second 10 it could be known that only one is left, and since `booked` it was."""
    corner: Any = None
    units = Units(corner, Sale("7", [("A", 2)], at(placed)), "A", 2, at(99), at(99))
    way = Way(at(10), at(booked), spans(asked), spans(failures))
    found = explained(units, way, pushes, spans(killed))
    return found.why, found.ours.total_seconds()


def spans(seconds: Any) -> list[tuple[datetime, datetime]]:
    return [(at(begin), at(end)) for begin, end in seconds]


def test_nobody_could_know() -> None:
    assert why([push(1, 11, 12)], placed=9) == (UNHEARD, 0)


def test_the_shop_knew() -> None:
    assert why([push(1, 11, 12)], placed=13) == (KNEW, 0)
    assert why([push(1, 11, 12), push(5, 12.5, 12.6)], placed=13) == (KNEW, 0), "it was told more again"


def test_more_than_it_takes_is_no_news() -> None:
    assert why([push(2, 11, 12)], placed=13) == (UNTOLD, 3)


def test_a_number_that_left_before_is_none_either() -> None:
    assert why([push(0, 9, 9.5)], placed=13) == (UNTOLD, 3)


def test_on_its_way() -> None:
    assert why([push(1, 11, 14)], placed=13) == (ON_ITS_WAY, 1)


def test_an_older_number_that_is_worked_on_later() -> None:
    assert why([push(5, 8, 12.5), push(1, 11, 12)], placed=13) == (OVERTAKEN, 0)
    assert why([push(5, 8, 11.5), push(1, 11, 12)], placed=13) == (KNEW, 0)


def test_the_shop_failed() -> None:
    assert why([push(1, 11, 12, "unavailable"), push(1, 14, 15)], placed=13) == (FAILED, 1)
    assert why([push(1, 14, 15)], placed=13, failures=[(9, 12)]) == (FAILED, 1)


def test_another_shop_s_failure_counts_until_its_orders_are_in_our_books() -> None:
    assert why([push(1, 14, 15)], placed=13, booked=12, asked=[(9, 13)]) == (FAILED, 1)
    assert why([push(1, 14, 15)], placed=13, booked=12, asked=[(12, 13)]) == (OURS, 3)
    assert why([push(1, 14, 15)], placed=13, booked=12, failures=[(9, 12)]) == (OURS, 3), "nobody had to be told yet"
    assert why([push(1, 30, 31)], placed=29, booked=40, asked=[(9, 28)]) == (FAILED, 1)


def test_a_worker_was_killed_and_what_is_left_is_ours() -> None:
    assert why([push(1, 30, 31)], placed=29, killed=[(12, 20)]) == (KILLED, 11)
    assert why([push(1, 30, 31)], placed=29) == (OURS, 19)


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(1, 9)]),
        ([(0, 2), (8, 12)], [(2, 8)]),
        ([(3, 5), (4, 6)], [(1, 3), (6, 9)]),
        ([(3, 8), (4, 5)], [(1, 3), (8, 9)]),
        ([(0, 20)], []),
        ([(9, 10), (0, 1)], [(1, 9)]),
    ],
)
def test_what_of_a_span_is_left(others: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    assert without((at(1), at(9)), [(at(a), at(b)) for a, b in others]) == [(at(a), at(b)) for a, b in left]


# Histories of two shops that sell the same thing, of which 10 are there: one with compare-and-set, and one without.

KEYS = {
    "shopify": {"access_token": "x", "client_secret": "x", "location_id": "1"},
    "woocommerce": {"consumer_key": "x", "consumer_secret": "x"},
}
LEASE = timedelta(seconds=12)


@dataclass(eq=False)
class Told:
    """What the judges ask of a shop's corner, and what became of it in our books."""

    adapter: str
    house: Warehouse
    things: dict[str, Sku]
    sales: list[Sale] = field(default_factory=list)
    ill: list[Span] = field(default_factory=list)
    channel: Channel = field(init=False)

    def __post_init__(self) -> None:
        merchant = next(iter(self.things.values())).merchant
        self.channel = channels.connect(
            merchant=merchant, warehouse=self.house, adapter=self.adapter, base_url="https://shop.example", credentials=KEYS[self.adapter],
            name=self.adapter, code=self.adapter[:3].upper(),
        )  # fmt: skip
        for code, thing in self.things.items():
            self.channel.listings.create(merchant=merchant, external_id=code, sku=thing)

    def goods(self, code: str, location: str) -> str:
        return f"{code}@{location}" if location == "72" else code

    def failures(self) -> list[Span]:
        return self.ill

    def polled_every(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def sells(
        self, quantity: int, *, placed: float, heard: float, taken: float | None = None, told: float | None = None, code: str = "A",
        word: str = ONCE,
    ) -> None:  # fmt: skip
        """In one order; `told`: when its shop told us, None: never."""
        number = f"{self.adapter}-{len(self.sales)}"
        told_at = None if told is None else at(told)
        self.sales.append(Sale(number, [(code, quantity)], at(placed), word, told_at))
        new = make.order(self.house, {self.things[code.partition("@")[0]]: quantity}, number)
        order = Order.objects.get(pk=orders.accept(merchant=self.channel.merchant, order=new).id)
        Order.objects.filter(pk=order.pk).update(created_at=at(heard if taken is None else taken))
        row = make.sold_on(self.channel, order)
        ChannelOrder.objects.filter(pk=row.pk).update(heard_at=at(heard))

    def hears(self, quantity: int, sent: float, *, error: str = "", code: str = "A", location: str = "") -> None:
        listing = self.channel.listings.get(external_id=code)
        StockPush.objects.create(
            listing=listing, quantity=quantity, sent_at=at(sent), answered_at=at(sent + 0.1), error=error, location=location
        )


@pytest.fixture
def corners(db: None) -> tuple[Any, Any]:
    house, merchant = make.warehouse(), make.merchant()
    things = {code: make.sku(merchant, code) for code in ("A", "B")}
    return Told("shopify", house, things), Told("woocommerce", house, things)


def test_units_that_the_shop_had_sold_itself_are_offered_twice(corners: tuple[Any, Any]) -> None:
    careful, _careless = corners
    careful.sells(3, placed=10, heard=11)
    careful.hears(8, 10.5)
    assert offered_twice(corners, 10, LEASE) == ["shopify: 8 of A at 12:00:10.500000, 3 of 10 were gone"]


def test_units_that_others_had_sold_are_offered_twice_when_a_worker_had_time_to_see_it(corners: tuple[Any, Any]) -> None:
    careful, careless = corners
    careless.sells(3, placed=1, heard=2, taken=10)
    careful.hears(10, 22.5)
    assert offered_twice(corners, 10, LEASE) == ["shopify: 10 of A at 12:00:22.500000, 3 of 10 were gone"]


def test_what_is_beyond_what_there_was_leaves_nothing_to_offer(corners: tuple[Any, Any]) -> None:
    careful, careless = corners
    careful.sells(8, placed=1, heard=2)
    careless.sells(4, placed=1, heard=2, taken=2)
    careful.hears(0, 30)
    assert offered_twice(corners, 10, LEASE) == []
    careful.hears(1, 31)
    assert offered_twice(corners, 10, LEASE) == ["shopify: 1 of A at 12:00:31.000000, 12 of 10 were gone"]


@pytest.mark.parametrize(
    "happens",
    [
        lambda careful, _careless: careful.hears(7, 10.5),
        lambda careful, _careless: careful.hears(10, 9.5),
        lambda careful, _careless: careful.hears(10, 10.5, error="stale"),
        lambda careful, _careless: careful.hears(10, 10.5, code="B"),
        lambda _careful, careless: careless.hears(10, 99),
        lambda careful, _careless: careful.hears(7, 99),
    ],
    ids=["what is left", "before the sale", "not taken", "other goods", "without compare-and-set", "later"],
)
def test_what_is_not_offered_twice(corners: tuple[Any, Any], happens: Callable[[Any, Any], None]) -> None:
    careful, careless = corners
    careful.sells(3, placed=10, heard=11)
    happens(careful, careless)
    assert offered_twice(corners, 10, LEASE) == []


def test_each_place_of_a_shop_has_its_own(corners: tuple[Any, Any]) -> None:
    careful, _careless = corners
    careful.sells(3, placed=10, heard=11, code="A@72")
    careful.hears(10, 10.5, location="71")
    assert offered_twice(corners, 10, LEASE) == []
    careful.hears(10, 10.6, location="72")
    assert offered_twice(corners, 10, LEASE) == ["shopify: 10 of A@72 at 12:00:10.600000, 3 of 10 were gone"]


def test_a_number_that_a_worker_had_in_hand_already_is_not_offered_twice(corners: tuple[Any, Any]) -> None:
    careful, careless = corners
    careless.sells(3, placed=1, heard=2, taken=10)
    careful.hears(10, 21.5)
    assert offered_twice(corners, 10, LEASE) == []


def test_how_long_nothing_but_we_was_in_the_way_of_an_order(corners: tuple[Any, Any]) -> None:
    careful, careless = corners
    careful.sells(1, placed=1, told=2, heard=9)
    careful.sells(1, placed=1, told=2, heard=4)
    careful.sells(1, placed=1, told=2, heard=5, word=TWICE)
    careless.sells(1, placed=1, told=8, heard=7, word=TWICE)
    assert seconds(corners) == {("shopify", ONCE): 7, ("shopify", TWICE): 3, ("woocommerce", TWICE): 0}


def test_what_others_were_in_the_way_of_is_not_ours(corners: tuple[Any, Any]) -> None:
    careful, careless = corners
    careful.sells(1, placed=1, told=2, heard=12)
    careful.ill = spans([(3, 5)])
    careless.ill = spans([(5, 9)])
    assert seconds(corners) == {("shopify", ONCE): 8}, "another shop's failures are nobody's excuse"
    assert seconds(corners, killed=[(4, 7)]) == {("shopify", ONCE): 6}


def test_of_a_word_that_never_came_the_time_counts_from_the_order(corners: tuple[Any, Any]) -> None:
    careful, _careless = corners
    careful.sells(1, placed=1, heard=9, word=LOST)
    careful.sells(1, placed=1, heard=12)
    assert seconds(corners) == {("shopify", LOST): 11}, "one that we could not take is as good as lost"


def seconds(corners: tuple[Any, Any], killed: Any = ()) -> dict[tuple[str, str], float]:
    return {(corner.adapter, word): took.total_seconds() for (corner, word), took in hearing(corners, spans(killed)).items()}


@pytest.mark.parametrize(
    ("told", "late"), [(2, OUR_TURN.total_seconds()), (None, OUR_TURN.total_seconds() + 2 * POLL_S)], ids=["told", "polled"]
)
def test_what_is_heard_too_late(corners: tuple[Any, Any], told: float | None, late: float) -> None:
    careful, _careless = corners
    careful.sells(1, placed=2, told=told, heard=2 + late)
    check_hearing(hearing(corners, []))
    careful.sells(1, placed=2, told=told, heard=2.1 + late)
    with pytest.raises(AssertionError, match="shopify"):
        check_hearing(hearing(corners, []))
    check_hearing(hearing(corners, spans([(3, 4)])))
