"""What the receiving screen counts to which line, and what it asks for."""

from datetime import date

import pytest

from inbound import asns, receiving
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, AsnLine
from inventory import lots
from inventory.models import Barcode, Lot, StockBalance, Warehouse
from tests import make
from tests.floor.handheld import Handheld
from wms.core.models import Merchant, User


def arrived(shop: Merchant, house: Warehouse, by: User, new: NewAsn) -> Asn:
    key = asns.announce(merchant=shop, asn=new).id
    asns.arrive(asn_id=key, by=by)
    return Asn.objects.get(pk=key)


def test_a_sku_in_three_cartons_is_counted_by_piece_at_once(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop)
    asn = arrived(shop, house, picker, NewAsn("A", house.code, cartons=[NewCarton([NewAsnLine(sku.code, 40)]) for _number in range(3)]))
    handheld.open("receive")
    page = handheld.scan(asn.reference, sku.code, "120")
    assert (page.screen, page.data["outcome"]) == ("receive-goods", "ok")
    assert list(asn.lines.order_by("number").values_list("received", flat=True)) == [40, 40, 40]
    assert handheld.scan(sku.code, "1").data["error"] == "over_receipt"


def test_a_loose_unit_beside_unopened_cartons_is_asked_about(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop)
    asn = arrived(shop, house, picker, NewAsn("A", house.code, cartons=[NewCarton([NewAsnLine(sku.code, 3)], code="BOX-1")]))
    handheld.open("receive")
    assert handheld.scan(asn.reference, "BOX-1").data["outcome"] == "ok"
    assert handheld.scan(sku.code).data["outcome"] == "ask"
    assert handheld.scan(sku.code, "1").data["outcome"] == "ok"
    assert list(AsnLine.objects.order_by("number").values_list("quantity", "received")) == [(3, 3), (0, 1)]


def test_lists_tell_cartons_and_damaged_goods_apart(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop, "LAMP")
    boxes = [NewCarton([NewAsnLine(sku.code, 4)], code=code) for code in ("BOX-1", "BOX-2")]
    asn = arrived(shop, house, picker, NewAsn("A", house.code, cartons=boxes))
    handheld.open("receive")
    assert "Received 0 / 8 LAMP BOX-1 0 / 4 LAMP BOX-2 0 / 4" in handheld.scan(asn.reference).text
    handheld.scan(sku.code, "7")
    handheld.press("damaged")
    handheld.scan(sku.code, "1")
    assert "LAMP DOCK 7 LAMP DOCK · damaged 1" in handheld.open("put-away").text


def test_another_lot_than_announced_is_asked_for_its_own_expiry(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop, tracks_lot=True, tracks_expiry=True)
    Barcode.objects.create(merchant=shop, sku=sku, code="4006381333931")
    line = NewAsnLine(sku.code, 9, lot="L1", expires_on=date.fromisoformat("2028-01-02"))
    asn = arrived(shop, house, picker, NewAsn("A", house.code, lines=[line]))
    handheld.open("receive")
    assert handheld.scan(asn.reference, "]C1010400638133393110L1").screen == "receive-quantity"
    handheld.press("undo")
    assert handheld.scan("]C1010400638133393110L2").screen == "receive-expiry"
    assert handheld.scan("2029-03-04", "2").data["outcome"] == "ok"
    rows = StockBalance.objects.values_list("lot__code", "lot__expires_on", "on_hand")
    assert list(rows) == [("L2", date.fromisoformat("2029-03-04"), 2)]


def test_a_lot_that_is_too_long_is_refused_and_not_cut(handheld: Handheld, house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop, tracks_lot=True)
    asn = arrived(shop, house, picker, NewAsn("A", house.code, lines=[NewAsnLine(sku.code, 9)]))
    handheld.open("receive")
    handheld.scan(asn.reference, sku.code)
    page = handheld.scan("L" * 51)
    assert (page.screen, page.data["error"]) == ("receive-lot", "lot_too_long")
    assert not StockBalance.objects.exists()
    assert handheld.scan("L" * 50, "2").data["outcome"] == "ok"
    assert list(StockBalance.objects.values_list("lot__code", "on_hand")) == [("L" * 50, 2)]


def test_a_lot_that_a_program_sends_too_long_is_refused_where_it_is_booked(house: Warehouse, shop: Merchant, picker: User) -> None:
    sku = make.sku(shop, tracks_lot=True)
    line = arrived(shop, house, picker, NewAsn("A", house.code, lines=[NewAsnLine(sku.code, 9)])).lines.get()
    with pytest.raises(lots.LotTooLong):
        receiving.receive(line_id=line.pk, bin_code="DOCK", quantity=1, lot="L" * 51, by=picker)
    assert not Lot.objects.exists()
