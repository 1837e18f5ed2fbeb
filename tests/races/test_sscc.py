"""Many stations ask for SSCCs at once: no number twice, none beyond the range."""

from functools import partial

import pytest

from labels import gs1, sscc
from tests.labels.test_sscc import take, warehouse_with
from tests.races.stop import Stop

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_stations_at_once_get_ten_numbers_where_ten_are_left(together) -> None:
    house = warehouse_with((0, "401234567890", 9_990))
    answers = together([partial(take, house) for _ in range(20)])
    numbers = [answer[0] for answer in answers if isinstance(answer, list)]
    assert sorted(number[13:17] for number in numbers) == [str(serial) for serial in range(9_990, 10_000)]
    assert [type(answer) for answer in answers if not isinstance(answer, list)] == [sscc.SsccRangeUsedUp] * 10


def test_without_the_lock_the_range_would_be_overrun(together, monkeypatch) -> None:
    monkeypatch.setattr(sscc, "_TAKE", sscc._TAKE.replace("LIMIT 1 FOR UPDATE", "LIMIT 1"))
    assert "FOR UPDATE" not in sscc._TAKE
    _first, second = the_last_one_twice(together, monkeypatch)
    assert isinstance(second, gs1.BadSscc)


def test_who_waits_for_the_last_number_is_told_that_there_is_none(together, monkeypatch) -> None:
    first, second = the_last_one_twice(together, monkeypatch)
    assert [number[13:17] for number in first] == ["9999"]
    assert isinstance(second, sscc.SsccRangeUsedUp)


def the_last_one_twice(together, monkeypatch):
    """The second station asks when the first one has the last number, and before it has ended."""
    stop, house = Stop(), warehouse_with((0, "401234567890", 9_999))
    monkeypatch.setattr(sscc, "next_sscc", stop.behind(sscc.next_sscc))
    return together([partial(take, house), stop.second(partial(take, house))])


def test_the_next_range_is_found_while_others_wait_for_the_first(together) -> None:
    house = warehouse_with((0, "401234567890", 9_995), (1, "401234567890", 0))
    answers = together([partial(take, house) for _ in range(12)])
    prefixes = sorted(answer[0][0] for answer in answers)
    assert prefixes == ["0"] * 5 + ["1"] * 7
