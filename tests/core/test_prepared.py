"""Statements whose plan the connection keeps."""

import pytest
from django.db import connection

from wms.core.prepared import MOST_ROWS, Prepared

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
