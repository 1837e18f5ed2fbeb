"""Looking up: every code that the house prints says something to the warehouse's own people, and a parcel's label is printed once more."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.utils import translation

from inbound import asns, receiving
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inventory.models import Bin, Warehouse
from labels.models import Printer, PrintJob, Route, Station
from outbound import cancellation, packing, picking, shipping
from outbound.models import Order, Parcel
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import released
from wms.core import access
from wms.core.models import Merchant, User


def picked(house: Warehouse, shop: Merchant, picker: User) -> Order:
    sku = make.sku(shop, code="MUG", name_zh="搪瓷杯")
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 2}, picker)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    return order


def packed(house: Warehouse, shop: Merchant, picker: User) -> Parcel:
    order = picked(house, shop, picker)
    return Parcel.objects.get(pk=packing.pack(order_id=order.pk, by=picker, weight_g=740)["parcel_id"])


@pytest.fixture
def printer(house: Warehouse) -> Printer:
    made = Printer.objects.create(warehouse=house, code="P3", way="raw", address="raw://127.0.0.1:1", format="pdf", media="4x6in")
    station = Station.objects.create(warehouse=house, code="PACK-3", name="by the door")
    Route.objects.create(warehouse=house, station=station, printer=made)
    return made


def test_a_parcel_says_what_it_is_and_leads_to_its_order(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    parcel = packed(house, shop, picker)
    handheld.open("look-up")
    page = handheld.scan(parcel.tracking_number.lower())
    assert (page.data["kind"], page.data["status"], page.data["order"]) == ("parcel", "packed", parcel.order.reference)
    assert all(text in page.text for text in (parcel.tracking_number, "740 g", "MUG", "Thing MUG", parcel.stage.code, "Print the label"))
    shipping.ship(parcel_id=parcel.pk, by=picker)
    page = handheld.scan(parcel.tracking_number)
    assert (page.data["status"], "Shipped" in page.text, parcel.stage.code in page.text) == ("shipped", True, False)
    page = handheld.press(f"see:order:{parcel.order_id}:{parcel.order.reference}")
    assert (page.data["kind"], page.data["code"], page.data["status"]) == ("order", parcel.order.reference, "shipped")
    page = handheld.press(f"see:parcel:{parcel.pk}:{parcel.tracking_number}")
    assert (page.data["kind"], page.data["code"]) == ("parcel", parcel.tracking_number)


def test_an_order_says_where_its_goods_are(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop, code="MUG")
    make.stock(make.bin_of(house, "A-01"), sku, 9)
    order = released(shop, house, {sku: 2}, picker)
    handheld.open("look-up")
    page = handheld.scan(order.reference)
    assert (page.data["kind"], page.data["status"], "A-01 × 2" in page.text) == ("order", "released", True)
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", by=picker)
    page = handheld.scan(order.reference)
    assert (page.data["status"], "TOTE-01 × 2" in page.text, "A-01" in page.text) == ("picked", True, False)
    page = handheld.scan("TOTE-01")
    assert (page.data["kind"], page.data["order"], "MUG" in page.text) == ("bin", order.reference, True)
    done = packing.pack(order_id=order.pk, by=picker)
    page = handheld.scan(order.reference)
    assert (page.data["status"], f"action=see:parcel:{done['parcel_id']}:{done['tracking_number']}" in page.buttons) == ("packed", True)
    page = handheld.scan(f"{order.reference}U000001")
    assert (page.data["kind"], page.data["code"]) == ("order", order.reference)
    page = handheld.scan(str(order.wave))
    assert (page.data["kind"], "Stops to go" in page.text) == ("wave", True)


def test_a_tote_of_a_stopped_order_says_what_is_to_be_put_back(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    order = picked(house, shop, picker)
    cancellation.cancel(order_id=order.pk, by=make.user(is_staff=True))
    handheld.open("look-up")
    page = handheld.scan("TOTE-01")
    assert ("To put back 2" in page.text, "order" in page.data) == (True, False)


def test_an_asn_and_its_cartons_say_what_is_expected_and_what_is_in(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User
) -> None:
    make.sku(shop, code="MUG")
    asn = asns.announce(
        merchant=shop,
        asn=NewAsn(
            reference="ASN-7", warehouse=house.code, container_number="MSKU0000006",
            cartons=[NewCarton(lines=[NewAsnLine(sku="MUG", quantity=12)], code="BOX-1"), NewCarton(lines=[NewAsnLine("MUG", 5)], code="BOX-2")],
        ),
    )  # fmt: skip
    handheld.open("look-up")
    for code in ("ASN-7", "msku0000006"):
        page = handheld.scan(code)
        assert (page.data["kind"], page.data["code"], page.data["status"]) == ("asn", "ASN-7", "submitted")
        assert "Received 0 / 17" in page.text
    page = handheld.scan("BOX-1")
    assert (page.data["kind"], page.data["asn"], "MUG Received 0 / 12" in page.text) == ("announced_carton", "ASN-7", True)
    asns.approve(asn_id=asn.id, by=picker)
    asns.arrive(asn_id=asn.id, by=picker)
    dock = Bin.objects.filter(warehouse=house, kind="dock").first()
    assert dock is not None
    receiving.receive_carton(asn_id=asn.id, carton_code="BOX-1", bin_code=dock.code, by=picker)
    page = handheld.scan("BOX-1")
    assert (page.data["kind"], page.data["asn"], dock.code in page.text) == ("carton", "ASN-7", True)
    assert "MUG Received 12 / 12" in page.text
    page = handheld.press(f"see:asn:{asn.id}:ASN-7")
    assert (page.data["kind"], "Received 12 / 17" in page.text) == ("asn", True)


def test_nothing_of_another_warehouse_is_said_and_nothing_at_all_to_merchants(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User
) -> None:
    parcel = packed(house, shop, picker)
    elsewhere = make.warehouse()
    Order.objects.filter(pk=parcel.order_id).update(warehouse=elsewhere)
    Parcel.objects.filter(pk=parcel.pk).update(warehouse=elsewhere)
    session = handheld.client.session
    session["floor_warehouse"] = house.pk
    session.save()
    handheld.open("look-up")
    for code in (parcel.tracking_number, parcel.order.reference):
        assert handheld.scan(code).data["error"] == "unknown_barcode"
    assert handheld.press(f"see:parcel:{parcel.pk}:{parcel.tracking_number}").data["error"] == "unknown_barcode"
    Order.objects.filter(pk=parcel.order_id).update(warehouse=house)
    Parcel.objects.filter(pk=parcel.pk).update(warehouse=house)
    theirs = make.user(merchant=shop, is_floor=False)
    theirs.groups.add(access.ensure_groups()["picker"])
    handheld.client.force_login(theirs)
    assert handheld.client.get("/floor/look-up").status_code == 403
    assert handheld.client.post("/floor/look-up", {"expects": "any", "scan": parcel.tracking_number}).status_code == 403


def test_a_label_is_printed_once_more_where_somebody_stands_and_once_alone(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, printer: Printer
) -> None:
    parcel = packed(house, shop, picker)
    handheld.open("look-up")
    assert "action=reprint" not in handheld.scan(parcel.tracking_number).buttons
    assert handheld.client.post("/floor/station", {"scan": "PACK-3"}).status_code == 302
    handheld.open("look-up")
    assert "action=reprint" in handheld.scan(parcel.tracking_number).buttons
    page = handheld.press("reprint")
    assert (page.data["outcome"], f"The label of {parcel.tracking_number} goes to P3." in page.text) == ("ok", True)
    handheld.again()
    jobs = list(PrintJob.objects.values_list("printer__code", "kind", "document", "station__code", "by", "status"))
    assert jobs == [("P3", "parcel", parcel.tracking_number, "PACK-3", picker.pk, "waiting")]


def test_no_label_of_a_void_parcel_and_none_without_the_right_to_pack(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, printer: Printer
) -> None:
    parcel = packed(house, shop, picker)
    assert handheld.client.get("/floor/look-up", follow=True).status_code == 200
    handheld.client.post("/floor/station", {"scan": "PACK-3"})
    handheld.open("look-up")
    handheld.scan(parcel.tracking_number)
    before = dict(handheld.page.fields)
    picker.groups.clear()
    picker.user_permissions.add(Permission.objects.get(codename="view_stockbalance"))
    page = handheld.scan(parcel.tracking_number)
    assert ("action=reprint" in page.buttons, "Print the label" in page.text) == (False, False)
    assert handheld.press("reprint").data["error"] == "not_expected_now"
    picker.groups.add(access.ensure_groups()["picker"])
    cancellation.cancel(order_id=parcel.order_id, by=make.user(is_staff=True))
    handheld.page.fields = before
    page = handheld.press("reprint")
    assert (page.data["error"], page.data["status"], "action=reprint" in page.buttons) == ("parcel_void", "void", False)
    assert PrintJob.objects.count() == 0


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "搪瓷杯"), ("de", "Gewicht"), ("es", "Peso")])
def test_it_speaks_the_readers_language(
    handheld: Handheld, house: Warehouse, shop: Merchant, picker: User, language: str, words: str
) -> None:
    parcel = packed(house, shop, picker)
    handheld.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    handheld.open("look-up")
    page = handheld.scan(parcel.tracking_number)
    assert words in page.text
    with translation.override(language):
        assert str(Parcel.Status.PACKED.label) in page.text
