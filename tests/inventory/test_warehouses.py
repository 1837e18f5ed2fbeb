"""A warehouse that somebody has just made is ready to work."""

import pytest
from django.test import Client
from django.urls import reverse

from inventory import warehouses
from inventory.models import Bin, Warehouse
from outbound import orders, packing, picking, waves
from outbound.models import Order, Parcel
from tests import make
from wms.core.models import User

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {
    "code": "NEW", "name": "New", "country": "GB", "time_zone": "Europe/London", "working_days": "1,2,3,4,5", "active": "on",
    **{f"{part}-{form}_FORMS": "0" for part in ("cut_offs", "holidays", "reaches", "zones") for form in ("TOTAL", "INITIAL")},
}  # fmt: skip


@pytest.fixture
def chief(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief", password="chief-chief"))
    return client


def kinds(warehouse: Warehouse) -> list[tuple[str, str]]:
    return sorted(Bin.objects.filter(warehouse=warehouse).values_list("code", "kind"))


EQUIPPED = [("DOCK", "dock"), ("LOST", "lost"), ("QUARANTINE", "quarantine"), ("STAGE", "staging")]


def test_a_warehouse_made_in_the_administration_has_what_the_work_needs(chief: Client) -> None:
    url = reverse("admin:inventory_warehouse_add")
    assert chief.post(url, FORM).status_code == 302
    house = Warehouse.objects.get(code="NEW")
    assert kinds(house) == EQUIPPED
    warehouses.equip(house)
    assert kinds(house) == EQUIPPED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../UTC"),
        ("country", "XX"),
        ("working_days", ""),
        ("working_days", "0,1"),
        ("working_days", "8"),
    ],
)
def test_a_calendar_that_nobody_could_work_by_is_refused(chief: Client, field: str, value: str) -> None:
    page = chief.post(reverse("admin:inventory_warehouse_add"), {**FORM, field: value})
    assert (page.status_code, list(page.context["adminform"].form.errors)) == (200, [field])
    assert not Warehouse.objects.exists()


def test_a_country_is_stored_in_capitals(chief: Client) -> None:
    assert chief.post(reverse("admin:inventory_warehouse_add"), {**FORM, "country": "de"}).status_code == 302
    assert Warehouse.objects.get().country == "DE"


def test_a_bin_of_the_kind_under_another_name_is_enough() -> None:
    house = Warehouse.objects.create(code="OLD", name="Old", country="GB")
    Bin.objects.create(warehouse=house, code="GATE-1", kind="dock")
    warehouses.equip(house)
    assert kinds(house) == sorted([("GATE-1", "dock"), *EQUIPPED[1:]])


def test_packing_without_a_stage_is_refused_and_changes_nothing() -> None:
    shop, house, by = make.merchant(), make.warehouse(), make.user()
    sku = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), sku, 3)
    order = Order.objects.get(pk=orders.accept(merchant=shop, order=make.order(house, {sku: 2})).id)
    waves.release(warehouse_id=house.pk, by=by)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=by)
    Bin.objects.filter(warehouse=house, kind="staging").delete()
    with pytest.raises(packing.NoStage):
        packing.pack(order_id=order.pk, by=by)
    order.refresh_from_db()
    assert (order.status, Parcel.objects.count()) == ("picked", 0)
    warehouses.equip(house)
    assert packing.pack(order_id=order.pk, by=by)["order_status"] == "packed"
