"""One unit's way over the floor, by the pages alone: received, put away, picked, packed, shipped."""

from inbound.models import Asn, AsnCarton, AsnLine
from inventory.models import Availability, Barcode, Sku, Warehouse
from outbound import orders, waves
from outbound.models import Order, Parcel
from tests import make
from tests.floor.handheld import Handheld
from wms.core.models import Merchant, User


def arrived(shop: Merchant, house: Warehouse, lines: dict[Sku, int], carton_code: str = "") -> Asn:
    asn = Asn.objects.create(
        merchant=shop, warehouse=house, reference=f"ASN-{make.number()}", status="arrived", container_number="MSKU9070323"
    )
    carton = AsnCarton.objects.create(asn=asn, merchant=shop, number=1, code=carton_code) if carton_code else None
    for number, (sku, quantity) in enumerate(lines.items(), 1):
        AsnLine.objects.create(
            asn=asn, merchant=shop, warehouse=house, number=number, sku=sku, quantity=quantity, carton=carton if number == 1 else None
        )
    return asn


def released(shop: Merchant, house: Warehouse, lines: dict[Sku, int], by: User) -> Order:
    accepted = orders.accept(merchant=shop, order=make.order(house, lines))
    assert accepted.status == "ready"
    waves.release(warehouse_id=house.pk, by=by)
    return Order.objects.get(pk=accepted.id)


def test_the_whole_way(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    one, two = make.sku(shop, weight_g=100), make.sku(shop)
    Barcode.objects.create(merchant=shop, sku=one, code="6901234567892")
    asn = arrived(shop, house, {one: 12, two: 1})

    assert handheld.open("receive").screen == "receive-asn"
    assert handheld.scan(asn.reference).screen == "receive-goods"
    page = handheld.scan("6901234567892")
    assert (page.screen, page.data["sku"], page.data["quantity"]) == ("receive-quantity", one.code, "12")
    page = handheld.scan("12")
    assert (page.screen, page.data["outcome"]) == ("receive-goods", "ok")
    handheld.scan(two.code, "1")
    page = handheld.press("finish")
    assert page.data["outcome"] == "ok"
    asn.refresh_from_db()
    assert asn.status == "received"

    handheld.open("put-away")
    for sku in (one, two):
        page = handheld.scan(sku.code)
        assert page.screen == "put-away-bin"
        page = handheld.scan(page.data["bin"])
        assert (page.screen, page.data["outcome"]) == ("put-away-goods", "ok")
    asn.refresh_from_db()
    assert asn.status == "put_away"
    assert Availability.objects.get(sku=one).on_hand == 12

    order = released(shop, house, {one: 5, two: 1}, picker)
    assert handheld.open("pick").screen == "pick-start"
    page = handheld.press("claim")
    stops = 0
    while page.screen != "pick-start":
        stops += page.screen == "pick-sku"
        page = handheld.scan({"bin": page.data["bin"], "sku": page.data["sku"], "tote": "TOTE-01"}[page.data["expects"]])
        assert page.data["outcome"] == "ok" or page.screen in ("pick-sku", "pick-tote"), page.text
    order.refresh_from_db()
    assert (stops, order.status) == (2, "picked")

    handheld.open("pack")
    page = handheld.scan("TOTE-01")
    assert page.screen == "pack-sku"
    page = handheld.scan(one.code)
    assert (page.screen, page.data["quantity"]) == ("pack-quantity", "5")
    page = handheld.scan("5", two.code)
    assert (page.screen, page.data["quantity"], " 500 g " in page.text) == ("pack-weight", "500", True)
    page = handheld.scan("640")
    parcel = Parcel.objects.get()
    assert (page.screen, page.data["tracking-number"], parcel.weight_g) == ("pack-tote", parcel.tracking_number, 640)
    for paper in ("label", "packing-slip"):
        answer = handheld.client.get(f"/floor/parcels/{page.data['parcel']}/{paper}.pdf")
        assert answer.content.startswith(b"%PDF"), answer.content

    handheld.open("ship")
    page = handheld.scan(parcel.tracking_number)
    order.refresh_from_db()
    assert (page.data["outcome"], page.data["done"], order.status) == ("ok", "1", "shipped")
    page = handheld.again()
    assert (page.data["outcome"], page.data["done"]) == ("ok", "1")
    page = handheld.scan(parcel.tracking_number)
    assert (page.data["outcome"], page.data["error"]) == ("error", "left_already")
    assert Availability.objects.get(sku=one).on_hand == 7
