"""The same request many times at once under one Idempotency-Key: one does the work, all are answered what it was answered."""

from functools import partial
from threading import Barrier

import pytest

from outbound.models import Order
from tests import make
from tests.api.calling import api_of, body_of
from wms.core.api import idempotency

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sending(together):
    """Eight times the same order at once, with the same key; gives (status, body) of each."""
    house = make.warehouse()
    api = api_of(make.merchant())
    body = body_of(house, {make.sku(api.merchant): 1}, ship_by="2030-01-01T00:00:00Z")

    def run():
        answers = together([partial(api.post, "/orders", body, Idempotency_Key="k-1")] * 8)
        return [(answer.status_code, answer.json()) for answer in answers]

    return run


def test_all_are_answered_what_the_first_was_answered(sending):
    answers = sending()
    assert answers == [(201, answers[0][1])] * 8
    assert Order.objects.count() == 1


def test_without_the_wait_repetitions_would_be_answered_on_their_own(sending, monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_S", -1.0)
    # None begins its work before all have looked: on a busy machine the first would be done before the second comes.
    reserve, looked = idempotency._reserve, Barrier(8, timeout=30)

    def reserve_together(*request):
        found = reserve(*request)
        looked.wait()
        return found

    monkeypatch.setattr(idempotency, "_reserve", reserve_together)
    answers = sending()
    assert {status for status, _body in answers} == {200, 201}
    assert Order.objects.count() == 1


def test_cancelling_at_once_under_one_key_cancels_once(together):
    house, api = make.warehouse(), api_of(make.merchant())
    order = api.post("/orders", body_of(house, {make.sku(api.merchant): 1})).json()["id"]
    answers = together([partial(api.post, f"/orders/{order}/cancel", Idempotency_Key="k-2")] * 8)
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "cancelled")] * 8
    assert Order.objects.get().status == "cancelled"


def test_a_key_of_refused_requests_goes_to_whoever_mends_it(together):
    house, api = make.warehouse(), api_of(make.merchant())
    good = body_of(house, {make.sku(api.merchant): 1})
    bad = {**good, "warehouse": "NOWHERE"}
    answers = together([partial(api.post, "/orders", bad, Idempotency_Key="k-3")] * 4)
    assert [answer.status_code for answer in answers] == [422] * 4
    assert api.post("/orders", good, Idempotency_Key="k-3").status_code == 201
