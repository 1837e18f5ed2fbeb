"""Statements whose plan the connection keeps."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import hypothesis
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from wms.core.prepared import MOST_ROWS, Prepared, array_literal

SUM = Prepared("test_sum", "SELECT sum(n) + %(more)s FROM unnest(%(numbers)s::bigint[]) AS n WHERE n <> %(more)s")
KNOWN = "SELECT count(*) FROM pg_prepared_statements WHERE name = 'test_sum'"


def total(numbers: list[int], more: int) -> int:
    with connection.cursor() as cursor:
        SUM.execute(cursor, {"numbers": numbers, "more": more})
        return int(cursor.fetchone()[0])


def known() -> int:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN)
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_each_use_has_its_own_values_and_the_session_keeps_one_plan():
    assert [total([1, 2, 3], 10), total([5], 1), total([1, 2], 2)] == [16, 6, 3]
    assert known() == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_session_prepares_anew():
    assert total([1], 1000) == 1001
    connection.close()
    assert known() == 0
    assert total([2], 1000) == 1002
    assert known() == 1


@pytest.mark.django_db(transaction=True)
def test_a_pooled_session_keeps_nothing(settings):
    connection.close()
    settings.DATABASE_POOLED = True
    assert total([1, 2], 5) == 8
    assert known() == 0


@pytest.mark.django_db(transaction=True)
def test_many_rows_get_a_plan_of_their_own():
    connection.close()
    assert total([1] * (MOST_ROWS + 1), 2) == MOST_ROWS + 3
    assert known() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "items"),
    [
        ("bigint", [1, -2, None, 2**63 - 1]),
        (
            "text",
            ["", "NULL", "null", None, "a,b", '"quoted"', r"back\slash", r"\x41", "{}", "It's 100 %(s)s", "中文\n\t", "nul", " edge "],
        ),
        ("bytea", [b"", bytes(range(256)), None]),
        ("timestamptz", [datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC), None]),
        ("date", [date(2028, 2, 29), None]),
        ("boolean", [True, False, None]),
        ("uuid", [UUID(int=7), None]),
        ("numeric", [Decimal("0.10"), None]),
        ("text", []),
        # Of one kind alone.
        ("bigint", [1, -2, 2**63 - 1]),
        ("float8", [1.5, 2.0, 1e-300, 1764322800.123]),
        ("bytea", [b"", bytes(range(256)), b"\\x"]),
        ("text", ["", "NULL", "a,b", '"', "\\", '\\"', "{}", "中文\n\t", " edge "]),
    ],
)
def test_an_array_comes_back_as_it_went(kind, items):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT item FROM unnest(%s::{kind}[]) WITH ORDINALITY AS given (item, place) ORDER BY place", [array_literal(items)]
        )
        found = [row[0] for row in cursor.fetchall()]
    assert [bytes(item) if isinstance(item, memoryview) else item for item in found] == items


@pytest.mark.django_db
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.none(), max_size=20))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_comes_back_as_it_went(items):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [array_literal(items)])
        assert cursor.fetchone()[0] == items
