from datetime import date

import pytest

from inventory import lookup
from inventory.lookup import Found
from inventory.models import Barcode, Carton
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "text",
    [
        "]C1010950600013435210AB-1\x1d17270131",
        "]d201095060001343521727013110AB-1",
        "(01)09506000134352(17)270100(10)AB-1",
        "010950600013435210AB-1\x1d17270100\r\n",
    ],
)
def test_a_gs1_element_string_is_taken_apart(text):
    scan = lookup.read(text)
    assert (scan.gtin, scan.lot, scan.expires_on) == ("09506000134352", "AB-1", date(2027, 1, 31))
    assert "9506000134352" in scan.codes


@pytest.mark.parametrize("text", ["010950600013435X", "]C1999", "(01)1", "(99", "0109506000134352", "]", ""])
def test_what_only_looks_like_gs1_stays_text(text):
    assert lookup.read(text).gtin == ""


@pytest.mark.parametrize("text", ["00340123450000000000", "]C100340123450000000000", "(00)340123450000000000"])
def test_a_plates_number_is_known_also_from_a_scanner_that_sends_no_mark(text):
    assert lookup.read(text).sscc == "340123450000000000"


@pytest.mark.parametrize("text", ["0034012345000000000", "003401234500000000000", "10340123450000000000"])
def test_other_long_numbers_are_no_plates(text):
    assert (lookup.read(text).sscc, lookup.read(text).text) == ("", text)


def test_a_barcode_counts_its_pack_quantity_and_a_skus_own_code_one():
    shop, by = make.merchant(), make.user()
    cup = make.sku(shop, "CUP")
    Barcode.objects.create(merchant=shop, sku=cup, code="9506000134352", pack_quantity=12)
    pack = Found("sku", cup.pk, "CUP", shop.pk, shop.code, "Thing CUP", pack_quantity=12)
    assert lookup.resolve("9506000134352\r", by=by) == [pack]
    assert lookup.resolve("09506000134352", by=by) == [pack]
    assert lookup.resolve("cup", by=by) == [Found("sku", cup.pk, "CUP", shop.pk, shop.code, "Thing CUP")]
    (found,) = lookup.resolve("]C101095060001343523002\x1d10L7", by=by)
    assert (found.pack_quantity, found.lot) == (24, "L7")


def test_two_merchants_with_one_barcode_are_both_answered_and_each_sees_its_own():
    one, two = make.merchant("AAA"), make.merchant("BBB")
    skus = [make.sku(shop, f"S{shop.code}") for shop in (one, two)]
    for sku in skus:
        Barcode.objects.create(merchant=sku.merchant, sku=sku, code="4006381333931")
    assert [found.merchant for found in lookup.resolve("4006381333931", by=make.user())] == ["AAA", "BBB"]
    assert [found.id for found in lookup.resolve("4006381333931", by=make.user(merchant=two))] == [skus[1].pk]
    assert lookup.resolve("4006381333931", by=make.user(is_floor=False)) == []


def test_what_the_screen_expects_comes_first_then_carton_bin_sku_and_more():
    house, shop, by = make.warehouse(), make.merchant(), make.user()
    make.warehouse()
    sku = make.sku(shop, "A-01")
    place = make.bin_of(house, "A-01")

    def kinds(**values):
        return [(found.kind, found.id) for found in lookup.resolve("a-01", by=by, warehouse_id=house.pk, **values)]

    assert kinds() == [("bin", place.pk)]
    assert kinds(expect=["sku"]) == [("sku", sku.pk)]
    carton = Carton.objects.create(merchant=shop, code="a-01")
    assert kinds() == [("carton", carton.pk)]
    assert kinds(expect=["order"], more={"order": lambda asked: [Found("order", 7, asked.scan.text)]}) == [("order", 7)]
    assert kinds(expect=["order"], more={"order": lambda asked: []}) == [("carton", carton.pk)]
    for nonsense in ("", "   ", "no such thing", "x" * 300, "A-01\0A"):
        assert lookup.resolve(nonsense, by=by, warehouse_id=house.pk) == []
