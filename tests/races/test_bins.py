"""Bins that several people make at once."""

import pytest
from django.db import IntegrityError
from django.test import Client

from inventory import bins
from inventory.admin import BinAdmin
from inventory.models import Bin
from tests import make
from tests.races.stop import Stop
from wms.core.admin_base import MasterAdmin
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_who_make_the_same_bins_at_once_make_them_once(together):
    house = make.warehouse()
    made = together([lambda: bins.generate(warehouse=house, pattern="B-1..3-1..40")] * 4)
    assert sorted(map(len, made)) == [0, 0, 0, 120]
    stored = Bin.objects.filter(warehouse=house, code__startswith="B-")
    assert stored.values("walking_sequence").distinct().count() == stored.count() == 120


@pytest.fixture
def entered_meanwhile(monkeypatch, together):
    """Somebody enters the bin B-02 in the administration when the generator has just found that it is not there; gives the answers of both."""
    client, house, stop = Client(), make.warehouse(), Stop()
    client.force_login(User.objects.create_superuser("root"))
    fields = {"warehouse": house.pk, "code": "B-02", "kind": "storage", "walking_sequence": 1, "active": "on"}
    monkeypatch.setattr(bins, "last_of_walk", stop.before(bins.last_of_walk))

    def run():
        enter = stop.second(lambda: client.post("/admin/inventory/bin/add/", fields))
        made, answer = together([lambda: bins.generate(warehouse=house, pattern="B-01..03"), enter])
        assert stop.ended.is_set()
        return made, answer

    return run


def test_a_bin_that_is_entered_while_others_are_made(entered_meanwhile):
    made, answer = entered_meanwhile()
    assert len(made) == 3
    assert (answer.status_code, "already exists" in answer.content.decode()) == (200, True)
    assert Bin.objects.filter(code__startswith="B-").count() == 3


def test_without_the_lock_it_is_a_fault_of_whoever_makes_many(entered_meanwhile, monkeypatch):
    monkeypatch.setattr(BinAdmin, "save_model", MasterAdmin.save_model)
    made, answer = entered_meanwhile()
    assert isinstance(made, IntegrityError)
    assert (answer.status_code, Bin.objects.filter(code__startswith="B-").count()) == (302, 1)
