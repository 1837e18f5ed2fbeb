"""Many stations ask for SSCCs at once: no number twice, none beyond the range."""

from functools import partial

import pytest

from labels import gs1, sscc
from tests.labels.test_sscc import take, warehouse_with

pytestmark = pytest.mark.django_db(transaction=True)


def test_twenty_stations_at_once_get_ten_numbers_where_ten_are_left(together) -> None:
    house = warehouse_with((0, "401234567890", 9_990))
    answers = together([partial(take, house) for _ in range(20)])
    numbers = [answer[0] for answer in answers if isinstance(answer, list)]
    assert sorted(number[13:17] for number in numbers) == [str(serial) for serial in range(9_990, 10_000)]
    assert [type(answer) for answer in answers if not isinstance(answer, list)] == [sscc.SsccRangeUsedUp] * 10


def test_without_the_lock_the_range_would_be_overrun(together, monkeypatch) -> None:
    unlocked = sscc._TAKE.replace("LIMIT 1 FOR UPDATE", "LIMIT 1").replace("FROM labels_ssccrange", "FROM labels_ssccrange, pg_sleep(0.05)")
    assert unlocked.count("pg_sleep") == 1
    assert "FOR UPDATE" not in unlocked
    monkeypatch.setattr(sscc, "_TAKE", unlocked)
    house = warehouse_with((0, "401234567890", 9_990))
    answers = together([partial(take, house) for _ in range(20)])
    assert any(isinstance(answer, gs1.BadSscc) for answer in answers)


def test_the_next_range_is_found_while_others_wait_for_the_first(together) -> None:
    house = warehouse_with((0, "401234567890", 9_995), (1, "401234567890", 0))
    answers = together([partial(take, house) for _ in range(12)])
    prefixes = sorted(answer[0][0] for answer in answers)
    assert prefixes == ["0"] * 5 + ["1"] * 7
