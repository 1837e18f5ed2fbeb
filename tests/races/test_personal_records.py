"""A merchant goes while something personal of it comes in."""

import time
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from tests import make
from wms.core.models import Merchant, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)

FUNCTION = "SELECT pg_get_functiondef('core_personal_records_belong'::regproc)"


def run(statement, parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def come_in(merchant):
    with transaction.atomic():
        run("INSERT INTO core_personalrecord (merchant_id, kind) VALUES (%s, 'ship_to')", [merchant])
        time.sleep(0.4)


def go(merchant):
    time.sleep(0.2)
    run("DELETE FROM core_merchant WHERE id = %s", [merchant])


def test_the_merchant_stays_for_what_comes_in(together):
    merchant = make.merchant().pk
    came, went = together([partial(come_in, merchant), partial(go, merchant)])

    assert came is None
    assert isinstance(went, IntegrityError)
    assert (Merchant.objects.count(), PersonalRecord.objects.count()) == (1, 1)


def test_without_the_lock_it_would_be_gone(together):
    merchant = make.merchant().pk
    with connection.cursor() as cursor:
        cursor.execute(FUNCTION)
        (guarded,) = cursor.fetchone()
        assert " FOR KEY SHARE" in guarded
        cursor.execute(guarded.replace(" FOR KEY SHARE", ""))
    try:
        assert together([partial(come_in, merchant), partial(go, merchant)]) == [None, None]
        assert (Merchant.objects.count(), PersonalRecord.objects.count()) == (0, 1)
    finally:
        run(guarded, None)
