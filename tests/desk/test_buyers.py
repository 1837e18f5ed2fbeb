"""After a buyer was erased every page, paper and answer says so, and the desk shows how much was."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from labels import jobs
from labels.models import Printer, PrintJob
from marketplaces import buyer_data
from marketplaces.models import Channel
from outbound import packing, papers, picking, printing, shipping, waves
from outbound.models import Order, Parcel
from tests.api.calling import api_of
from tests.desk.house import House
from tests.marketplaces.test_standings import connect
from wms.core.models import PersonalRecord


def packed(house: House) -> Order:
    order = house.order()
    waves.release(warehouse_id=house.warehouse.pk, by=house.supervisor, order_ids=[order.pk])
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=house.supervisor)
    packing.pack(order_id=order.pk, by=house.supervisor)
    return order


@pytest.fixture
def gone(house: House) -> Order:
    """A shipped order whose buyer was erased today."""
    order = packed(house)
    shipping.ship(parcel_id=order.parcels.get().pk, by=house.supervisor)
    buyer_data.forget(by=house.supervisor, reference=order.reference)
    return order


def today() -> str:
    return f"{timezone.now():%Y-%m-%d}"


def test_the_orders_page_says_when(desk: Client, gone: Order) -> None:
    page = desk.get(f"/desk/orders/{gone.pk}")
    assert page.status_code == 200
    assert f"The buyer's data was erased on {today()}." in page.text
    assert "Analytical" not in page.text


@pytest.mark.parametrize("paper", ["packing-slip.pdf", "labels.pdf", "return-label.pdf"])
def test_papers_say_when(desk: Client, gone: Order, paper: str) -> None:
    page = desk.get(f"/desk/orders/{gone.pk}/{paper}")
    assert (page.status_code, 'data-error="address_erased"' in page.text) == (410, True)
    assert f"was erased on {today()}." in page.text


@pytest.mark.parametrize("paper", ["label.pdf", "packing-slip.pdf"])
def test_the_pack_desks_papers_say_when(desk: Client, gone: Order, paper: str) -> None:
    answer = desk.get(f"/floor/parcels/{gone.parcels.get().pk}/{paper}")
    assert answer.status_code == 410
    assert answer.text == f"The buyer's address of order {gone.reference} was erased on {today()}."


@pytest.mark.parametrize("kind", ["parcel", "slip", "return", "fba_box"])
def test_the_label_page_says_when(desk: Client, gone: Order, kind: str) -> None:
    code = gone.parcels.get().tracking_number if kind == "parcel" else gone.reference
    answer = desk.post("/desk/labels", {"kind": kind, "code": code})
    assert (answer.status_code, 'data-error="address_erased"' in answer.text) == (410, True)


def test_the_api_says_when(house: House, gone: Order) -> None:
    api = api_of(house.merchant)
    shown = api.get(f"/orders/{gone.pk}").json()
    assert shown["buyer_erased_at"] == Order.objects.get(pk=gone.pk).erased_at.isoformat().replace("+00:00", "Z")  # type: ignore[union-attr]  # erased just now
    label = api.get(f"/parcels/{gone.parcels.get().pk}/label.pdf")
    assert (label.status_code, label.json()["code"]) == (410, "address_erased")
    assert today() in label.json()["message"]
    assert api.get("/orders").json()["items"][0]["reference"] == gone.reference


def test_what_was_printed_is_not_printed_again(desk: Client, house: House) -> None:
    order = packed(house)
    printer = Printer.objects.create(warehouse=house.warehouse, code="RAW", way="raw", address="raw://127.0.0.1:9", media="100x60")
    with transaction.atomic():
        (job,) = jobs.add([jobs.NewJob(printer=printer, kind="parcel", document=str(order.parcels.get()), content=b"%PDF-")], wake=False)
    PrintJob.objects.filter(pk=job).update(status="printed")
    shipping.ship(parcel_id=order.parcels.get().pk, by=house.supervisor)
    buyer_data.forget(by=None, reference=order.reference)
    assert desk.get("/desk/print-jobs?state=all").status_code == 200
    answer = desk.post(f"/desk/print-jobs/{job}/reprint", {"reason": "torn", "request_id": "1"})
    assert (answer.status_code, 'data-error="content_erased"' in answer.text) == (410, True)


def test_a_print_that_comes_too_late_is_a_failed_job_that_says_why(house: House, gone: Order) -> None:
    from labels.models import Route

    printer = Printer.objects.create(warehouse=house.warehouse, code="RAW", way="raw", address="raw://127.0.0.1:9", media="100x60")
    Route.objects.create(warehouse=house.warehouse, kind="parcel", printer=printer)
    printing.print_packed([{"parcel_id": gone.parcels.get().pk, "station_id": None}])
    job = PrintJob.objects.get(kind="parcel")
    assert (job.status, job.content) == ("failed", None)
    assert f"was erased on {today()}" in job.error


def test_the_manifest_goes_on_without_the_place(house: House) -> None:
    order = packed(house)
    PersonalRecord.objects.filter(pk=order.ship_to_id).update(sealed=None)
    assert [row.place for row in papers.manifest_of(house.warehouse).parcels] == [""]


def test_lists_and_the_board_go_on(desk: Client, gone: Order) -> None:
    for url in ("/desk", "/desk/orders?state=all", f"/desk/orders?q={gone.reference}", f"/desk/waves/{Parcel.objects.get().order.wave_id}"):
        assert desk.get(url).status_code == 200, url


def test_the_page_counts_and_erases(desk: Client, house: House) -> None:
    amazon = connect(merchant=house.merchant, warehouse=house.warehouse, name="Quick shop")
    order = packed(house)
    shipping.ship(parcel_id=order.parcels.get().pk, by=house.supervisor)
    assert desk.post("/desk/buyers/erase", {"reference": order.reference}).status_code == 303
    page = desk.get("/desk/buyers")
    assert [(reason, count) for reason, _label, count in page.context["totals"]] == [("period", 0), ("request", 1), ("platform", 0)]
    assert [(row.merchant.code, row.orders, row.by) for row in page.context["page"]] == [("ACME", 1, house.supervisor)]
    assert page.context["channels"] == [(amazon, 30, 30)]
    for fields, status, code in (
        ({"reference": order.reference}, 404, "nobody_found"),
        ({}, 422, "nobody_named"),
        ({"reference": "R", "email": "a@b.c"}, 422, "nobody_named"),
    ):
        answer = desk.post("/desk/buyers/erase", fields)
        assert (answer.status_code, f'data-error="{code}"' in answer.text) == (status, True)


def test_an_open_order_says_that_it_will_be_erased(desk: Client, house: House) -> None:
    order = house.order()
    assert desk.post("/desk/buyers/erase", {"reference": order.reference}).status_code == 303
    page = desk.get(f"/desk/orders/{order.pk}").text
    assert "Is erased as soon as the order is over." in page
    assert "Analytical" in page


def test_the_administration_keeps_to_the_platforms_limit(house: House, client: Client) -> None:
    from wms.core.models import User

    client.force_login(User.objects.create_superuser("chief", password="chief-chief"))
    shop = connect(merchant=house.merchant, warehouse=house.warehouse)
    sent: dict[str, Any] = {
        "code": shop.code,
        "name": shop.name,
        "base_url": shop.base_url,
        "rules-TOTAL_FORMS": 0,
        "rules-INITIAL_FORMS": 0,
    }
    refused = client.post(f"/admin/marketplaces/channel/{shop.pk}/change/", sent | {"keep_buyers_days": 31})
    assert (refused.status_code, "The platform allows 30 days at most." in refused.text) == (200, True)
    assert client.post(f"/admin/marketplaces/channel/{shop.pk}/change/", sent | {"keep_buyers_days": 30}).status_code == 302
    assert Channel.objects.get(pk=shop.pk).keep_buyers_days == 30
