"""The administration: every list and form opens, and what the floor writes is written by nobody here."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from inventory.models import Barcode, Bin, Sku, StockBalance, StockMovement, Warehouse
from tests import make
from tests.desk.house import House
from tests.desk.test_pages import furnish
from wms.core import signing_in
from wms.core.models import User


@pytest.fixture
def chief(house: House, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief", password="chief-chief"))
    return client


def test_every_list_opens(chief: Client, house: House) -> None:
    furnish(house, 1)
    for model, registered in admin.site._registry.items():
        if model._meta.app_label not in ("core", "inventory", "inbound", "outbound", "marketplaces"):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert chief.get(reverse(f"{name}_changelist")).status_code == 200, name
        if registered.search_fields:
            assert chief.get(reverse(f"{name}_changelist"), {"q": "A"}).status_code == 200, name
        row = model._default_manager.first()
        if row is not None:
            assert chief.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, name


@pytest.mark.parametrize("model", [StockMovement, StockBalance])
def test_the_ledger_cannot_be_written(chief: Client, house: House, model: type[Model]) -> None:
    name, row = f"admin:inventory_{model._meta.model_name}", model._default_manager.get(sku=house.sku)
    assert chief.get(reverse(f"{name}_add")).status_code == 403
    assert chief.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert chief.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_bin_with_goods_is_neither_closed_nor_of_another_kind(chief: Client, house: House) -> None:
    full, empty = make.bin_of(house.warehouse, "A-01"), make.bin_of(house.warehouse, "A-02")
    for bin, status, active in ((full, 200, True), (empty, 302, False)):
        url = reverse("admin:inventory_bin_change", args=[bin.pk])
        sent = {"warehouse": make.warehouse().pk, "code": "ELSEWHERE", "kind": "dock", "walking_sequence": "5", "check_code": "99"}
        answer = chief.post(url, sent)
        assert answer.status_code == status
        stored = Bin.objects.get(pk=bin.pk)
        assert (stored.warehouse, stored.code, stored.kind, stored.active) == (house.warehouse, bin.code, "storage", active)
    assert (
        "A-01 holds goods" in chief.post(reverse("admin:inventory_bin_change", args=[full.pk]), {"walking_sequence": "5"}).content.decode()
    )
    again = {"walking_sequence": "5", "active": "on"}
    assert chief.post(reverse("admin:inventory_bin_change", args=[full.pk]), again).status_code == 302
    assert Bin.objects.get(pk=full.pk).walking_sequence == 5


def test_a_warehouse_with_its_calendar_is_edited(chief: Client, house: House) -> None:
    url = reverse("admin:inventory_warehouse_change", args=[house.warehouse.pk])
    fields = {
        "code": "HOUSE", "name": "Renamed", "country": "GB", "time_zone": "Europe/London", "working_days": "1,2,3,4,5,6", "active": "on",
        "cut_offs-TOTAL_FORMS": "1", "cut_offs-INITIAL_FORMS": "0", "cut_offs-0-service": "", "cut_offs-0-time": "15:00",
        "holidays-TOTAL_FORMS": "1", "holidays-INITIAL_FORMS": "0", "holidays-0-date": "2026-12-25", "holidays-0-name": "Christmas",
        "reaches-TOTAL_FORMS": "1", "reaches-INITIAL_FORMS": "0", "reaches-0-country": "GB", "reaches-0-postcode_prefix": "N1", "reaches-0-days": "2",
        "zones-TOTAL_FORMS": "0", "zones-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert chief.post(url, fields).status_code == 302
    stored = Warehouse.objects.get(code="HOUSE")
    assert list(stored.reaches.values_list("country", "postcode_prefix", "days")) == [("GB", "N1", 2)]
    assert (stored.name, stored.working_days, stored.cut_offs.count(), stored.holidays.count()) == ("Renamed", [1, 2, 3, 4, 5, 6], 1, 1)


def test_a_barcode_belongs_to_its_skus_merchant(chief: Client, house: House) -> None:
    url = reverse("admin:inventory_sku_change", args=[house.sku.pk])
    fields = {
        "name": "Lamp", "active": "on", "barcodes-TOTAL_FORMS": "1", "barcodes-INITIAL_FORMS": "0", "barcodes-0-code": "4006381333931",
        "barcodes-0-pack_quantity": "1", "barcodes-0-sku": str(house.sku.pk),
    }  # fmt: skip
    assert chief.post(url, fields).status_code == 302
    assert Barcode.objects.get().merchant == house.merchant
    assert Sku.objects.get().name == "Lamp"


def test_a_badge_is_issued_and_revoked(chief: Client, house: House, rf: RequestFactory) -> None:
    url = reverse("admin:core_user_change", args=[house.supervisor.pk])
    fields = {"username": "supervisor", "is_active": "on", "is_staff": "on", "groups": [str(house.supervisor.groups.get().pk)]}
    page = chief.post(url, {**fields, "new_pin": "4711"}, follow=True)
    said = next(str(message) for message in page.context["messages"] if "shown this once" in str(message))
    assert signing_in.with_badge(rf.post("/sign-in"), badge=said.rsplit(" ", 1)[1], pin="4711") == house.supervisor
    chief.post(url, {**fields, "revoke_badge": "on"})
    assert User.objects.get(pk=house.supervisor.pk).badge_hash == ""


def test_a_barcode_of_another_sku_is_refused_on_the_form(chief: Client, house: House) -> None:
    other, url = make.sku(house.merchant, "OTHER"), reverse("admin:inventory_sku_change", args=[house.sku.pk])
    Barcode.objects.create(merchant=house.merchant, sku=other, code="4006381333931")
    form = {"name": "Lamp", "active": "on", "barcodes-TOTAL_FORMS": "2", "barcodes-INITIAL_FORMS": "0"}

    def codes(*both: str) -> dict[str, str]:
        return {
            f"barcodes-{place}-{field}": value
            for place, code in enumerate(both)
            for field, value in (("code", code), ("pack_quantity", "1"))
        }

    taken = chief.post(url, {**form, **codes("NEW", "4006381333931")})
    assert (taken.status_code, "The barcode 4006381333931 belongs to OTHER." in taken.text) == (200, True)
    twice = chief.post(url, {**form, **codes("NEW", "NEW")})
    assert (twice.status_code, "The barcode NEW comes twice." in twice.text) == (200, True)
    assert Barcode.objects.get().sku == other
    assert chief.post(url, {**form, **codes("NEW", "NEWER")}).status_code == 302
    assert set(house.sku.barcodes.values_list("code", flat=True)) == {"NEW", "NEWER"}
