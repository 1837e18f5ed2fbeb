"""The chaos run's reasons: what may and what must not be taken for a platform's own delay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketplaces.models import StockPush
from tests.scenarios.corner import Sale
from tests.scenarios.oversales import FAILED, KILLED, KNEW, ON_ITS_WAY, OURS, OVERTAKEN, UNHEARD, UNTOLD, Units, Way, explained, without

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
