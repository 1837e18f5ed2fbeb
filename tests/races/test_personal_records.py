"""A merchant goes while something personal of it comes in."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from tests import make
from tests.races.stop import Stop
from wms.core.models import Merchant, PersonalRecord

pytestmark = pytest.mark.django_db(transaction=True)

FUNCTION = "SELECT pg_get_functiondef('core_personal_records_belong'::regproc)"


def run(statement, parameters):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def go_while_coming_in(together):
    """Answers the two outcomes: something of the merchant is written down, and before that is committed the merchant goes."""
    merchant, stop = make.merchant().pk, Stop()
    write = stop.behind(run)

    def come_in():
        with transaction.atomic():
            write("INSERT INTO core_personalrecord (merchant_id, kind) VALUES (%s, 'ship_to')", [merchant])

    yield partial(together, [come_in, stop.second(partial(run, "DELETE FROM core_merchant WHERE id = %s", [merchant]))])
    assert stop.ended.is_set()


def test_the_merchant_stays_for_what_comes_in(go_while_coming_in):
    came, went = go_while_coming_in()

    assert came is None
    assert isinstance(went, IntegrityError)
    assert (Merchant.objects.count(), PersonalRecord.objects.count()) == (1, 1)


def test_without_the_lock_it_would_be_gone(go_while_coming_in):
    with connection.cursor() as cursor:
        cursor.execute(FUNCTION)
        (guarded,) = cursor.fetchone()
        assert " FOR KEY SHARE" in guarded
        cursor.execute(guarded.replace(" FOR KEY SHARE", ""))
    try:
        assert go_while_coming_in() == [None, None]
        assert (Merchant.objects.count(), PersonalRecord.objects.count()) == (0, 1)
    finally:
        run(guarded, None)
