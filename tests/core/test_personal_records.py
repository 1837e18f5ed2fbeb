"""A personal record belongs to a merchant: the database holds it without a foreign key, by statement."""

import pytest
from django.db import IntegrityError, connection, transaction

from tests import make
from wms.core.models import Merchant, PersonalRecord

pytestmark = pytest.mark.django_db

NOWHERE = 999_999
INSERT = "INSERT INTO core_personalrecord (merchant_id, kind) SELECT merchant, 'ship_to' FROM unnest(%s::bigint[]) AS merchant"


def run(statement, parameters=()):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def owners():
    return sorted(PersonalRecord.objects.values_list("merchant", flat=True))


def test_records_of_several_merchants_come_in_at_once():
    one, other = make.merchant().pk, make.merchant().pk
    run(INSERT, [[one, other, one]])
    assert owners() == sorted([one, one, other])


def test_one_of_nobody_among_good_ones_is_refused():
    with pytest.raises(IntegrityError, match="needs its merchant"):
        run(INSERT, [[make.merchant().pk, NOWHERE]])
    assert owners() == []


def test_a_record_moves_to_another_merchant_but_not_to_nobody():
    one, other = make.merchant().pk, make.merchant().pk
    run(INSERT, [[one]])
    with pytest.raises(IntegrityError, match="needs its merchant"):
        run("UPDATE core_personalrecord SET merchant_id = %s", [NOWHERE])
    assert owners() == [one]
    run("UPDATE core_personalrecord SET merchant_id = %s", [other])
    assert owners() == [other]


def test_only_a_merchant_without_records_is_deleted():
    one, other = make.merchant().pk, make.merchant().pk
    run(INSERT, [[one]])
    with pytest.raises(IntegrityError, match="needed by a personal record"):
        run("DELETE FROM core_merchant WHERE id = %s", [one])
    run("DELETE FROM core_merchant WHERE id = %s", [other])
    assert list(Merchant.objects.values_list("pk", flat=True)) == [one]
