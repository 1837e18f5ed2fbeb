"""Somebody fills in a form of the administration while an import brings the same barcode or code: the form says so, and nothing breaks."""

import threading

import pytest
from django.db import IntegrityError, connections
from django.test import Client
from unfold.admin import ModelAdmin

from inventory import master_data
from inventory.admin import SkuAdmin
from inventory.models import Barcode, Sku, Warehouse
from tests import make
from wms.core.admin_base import MasterAdmin
from wms.core.models import Merchant, User

pytestmark = pytest.mark.django_db(transaction=True)
EAN = "4006381333931"


@pytest.fixture
def client():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def merchant():
    return make.merchant()


@pytest.fixture
def meanwhile(monkeypatch):
    """Between the check of the form and its saving somebody else does this, once."""

    def do(work):
        left = [work]
        real = MasterAdmin.save_model

        def save(self, *args):
            if left:
                elsewhere(left.pop())
            real(self, *args)

        monkeypatch.setattr(MasterAdmin, "save_model", save, raising=False)

    return do


def elsewhere(work):
    def run():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()


def sku_form(merchant, code, barcode=""):
    plain = {
        "merchant": merchant.pk,
        "code": code,
        "name": "Mug",
        "active": "on",
        "weight_g": 0,
        "length_mm": 0,
        "width_mm": 0,
        "height_mm": 0,
    }
    barcodes = {"barcodes-TOTAL_FORMS": 1 if barcode else 0, "barcodes-INITIAL_FORMS": 0}
    return {**plain, **barcodes, **({"barcodes-0-code": barcode, "barcodes-0-pack_quantity": 1} if barcode else {})}


def importing(merchant, row):
    return lambda: master_data.import_skus(content=f"sku,name,barcode\n{row}\n".encode(), name="skus.csv", merchant=merchant)


def test_a_new_sku_is_entered_with_its_barcode(client, merchant):
    assert client.post("/admin/inventory/sku/add/", sku_form(merchant, "MUG", EAN)).status_code == 302
    assert Barcode.objects.get().sku.code == "MUG"


def test_a_barcode_that_an_import_brought_meanwhile(client, merchant, meanwhile):
    meanwhile(importing(merchant, f"CUP,Cup,{EAN}"))
    answer = client.post("/admin/inventory/sku/add/", sku_form(merchant, "MUG", EAN))
    assert (answer.status_code, f"The barcode {EAN} belongs to CUP." in answer.content.decode()) == (200, True)
    assert list(Sku.objects.values_list("code", flat=True)) == ["CUP"]
    assert list(Barcode.objects.values_list("sku__code", "code")) == [("CUP", EAN)]


def test_a_sku_that_an_import_made_meanwhile(client, merchant, meanwhile):
    meanwhile(importing(merchant, "MUG,Imported,"))
    answer = client.post("/admin/inventory/sku/add/", sku_form(merchant, "MUG"))
    assert (answer.status_code, "already exists" in answer.content.decode()) == (200, True)
    assert Sku.objects.get().name == "Imported"


def test_a_code_of_any_other_kind(client, meanwhile):
    meanwhile(lambda: Merchant.objects.create(code="ACME", name="First"))
    answer = client.post("/admin/core/merchant/add/", {"code": "ACME", "name": "Second", "active": "on"})
    assert (answer.status_code, "already exists" in answer.content.decode()) == (200, True)
    assert Merchant.objects.get().name == "First"


def test_without_the_second_look_it_is_a_fault(client, merchant, meanwhile, monkeypatch):
    monkeypatch.setattr(SkuAdmin, "changeform_view", ModelAdmin.changeform_view)
    meanwhile(importing(merchant, f"CUP,Cup,{EAN}"))
    with pytest.raises(IntegrityError, match="barcode"):
        client.post("/admin/inventory/sku/add/", sku_form(merchant, "MUG", EAN))
    assert list(Sku.objects.values_list("code", flat=True)) == ["CUP"]


def test_what_the_database_refuses_for_another_reason_stays_a_fault(client, meanwhile, monkeypatch):
    """Such as a check: the form would be as wrong the second time."""
    looks = []

    def refuse(self, request, obj, form, change):
        looks.append(obj)
        Warehouse.objects.filter(pk=make.warehouse().pk).update(code=None)

    monkeypatch.setattr(SkuAdmin, "save_model", refuse)
    with pytest.raises(IntegrityError, match="null"):
        client.post("/admin/inventory/sku/add/", sku_form(make.merchant(), "MUG"))
    assert len(looks) == 1
