"""Bins that several people make at once."""

import threading

import pytest
from django.db import IntegrityError, connections
from django.test import Client

from inventory import bins
from inventory.admin import BinAdmin
from inventory.models import Bin
from tests import make
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
def entered_meanwhile(monkeypatch):
    """Somebody enters the bin B-02 in the administration when the generator has just found that it is not there; ends with the form's answer."""
    client, house, last_of_walk, answers = Client(), make.warehouse(), bins.last_of_walk, []
    client.force_login(User.objects.create_superuser("root"))

    def enter():
        try:
            fields = {"warehouse": house.pk, "code": "B-02", "kind": "storage", "walking_sequence": 1, "active": "on"}
            answers.append(client.post("/admin/inventory/bin/add/", fields))
        finally:
            connections.close_all()

    form = threading.Thread(target=enter)

    def enter_and_look(warehouse_id):
        form.start()
        form.join(timeout=0.7)
        return last_of_walk(warehouse_id)

    monkeypatch.setattr(bins, "last_of_walk", enter_and_look)

    def generate():
        try:
            return bins.generate(warehouse=house, pattern="B-01..03")
        finally:
            form.join(timeout=30)
            assert not form.is_alive()

    return generate, answers


def test_a_bin_that_is_entered_while_others_are_made(entered_meanwhile):
    generate, answers = entered_meanwhile
    assert len(generate()) == 3
    assert [(answer.status_code, "already exists" in answer.content.decode()) for answer in answers] == [(200, True)]
    assert Bin.objects.filter(code__startswith="B-").count() == 3


def test_without_the_lock_it_is_a_fault_of_whoever_makes_many(entered_meanwhile, monkeypatch):
    monkeypatch.setattr(BinAdmin, "save_model", MasterAdmin.save_model)
    generate, answers = entered_meanwhile
    with pytest.raises(IntegrityError):
        generate()
    assert ([answer.status_code for answer in answers], Bin.objects.filter(code__startswith="B-").count()) == ([302], 1)
