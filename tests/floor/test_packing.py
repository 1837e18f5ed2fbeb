"""What a scan at the pack desk counts, and which one Undo takes back."""

import pytest

from inventory.models import Barcode, Sku, Warehouse
from outbound import picking
from outbound.models import Order, Parcel
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import released
from wms.core.models import Merchant, User


@pytest.fixture
def order(house: Warehouse, shop: Merchant, picker: User, handheld: Handheld) -> Order:
    """60 of ONE and 3 of TWO, unit by unit, and 4 of WOOL in a tote that the packer has opened."""
    one, two = (make.sku(shop, code=code, packs_unit_by_unit=True) for code in ("ONE", "TWO"))
    wool = make.sku(shop, code="WOOL")
    wanted = {one: 60, two: 3, wool: 4}
    for sku, quantity in wanted.items():
        make.stock(make.bin_of(house, "A-01"), sku, quantity)
    Barcode.objects.create(merchant=shop, sku=one, code="INNER-6", pack_quantity=6)
    accepted = released(shop, house, wanted, picker)
    for task in accepted.tasks.all():
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    handheld.scan("TOTE-01")
    return accepted


def test_undo_takes_back_the_last_scan_and_then_the_one_before(handheld: Handheld, order: Order) -> None:
    page = handheld.scan("TWO", "TWO", "ONE")
    assert page.data["left"] == "ONE=59 TWO=1 WOOL=4"
    handheld.scan("WOOL", "3")
    assert handheld.page.data["left"] == "ONE=59 TWO=1 WOOL=1"
    left = [handheld.press("undo").data["left"] for _scan in range(4)]
    assert left == ["ONE=59 TWO=1 WOOL=4", "ONE=60 TWO=1 WOOL=4", "ONE=60 TWO=2 WOOL=4", "ONE=60 TWO=3 WOOL=4"]
    assert handheld.press("undo").screen == "pack-tote"


def test_the_form_stays_small_however_much_is_scanned(handheld: Handheld, order: Order) -> None:
    for _unit in range(60):
        handheld.scan("ONE")
    page = handheld.scan("TWO")
    assert page.data["left"] == "TWO=2 WOOL=4"
    assert page.fields["packed"].count(",") == 20
    left = [handheld.press("undo").data["left"] for _scan in range(20)]
    assert (left[0], left[-1]) == ("TWO=3 WOOL=4", "ONE=19 TWO=3 WOOL=4")
    assert handheld.press("undo").data["left"] == "ONE=60 TWO=3 WOOL=4"


def test_what_is_packed_unit_by_unit_is_not_counted_by_the_pack(handheld: Handheld, order: Order) -> None:
    page = handheld.scan("INNER-6")
    assert (page.screen, page.data["error"], page.data["left"]) == ("pack-sku", "unit_by_unit", "ONE=60 TWO=3 WOOL=4")
    assert "ONE is packed unit by unit: scan each unit, not a pack of 6." in page.text
    assert handheld.scan("ONE").data["left"] == "ONE=59 TWO=3 WOOL=4"


@pytest.fixture
def weighed(house: Warehouse, shop: Merchant, picker: User, handheld: Handheld) -> Order:
    """Two of a sku of 600 g, scanned into the parcel: the weight is asked for."""
    sku = make.sku(shop, code="KETTLE", weight_g=600)
    make.stock(make.bin_of(house, "A-01"), sku, 2)
    accepted = released(shop, house, {sku: 2}, picker)
    picking.pick(task_id=accepted.tasks.get().pk, tote_code="TOTE-01", by=picker)
    handheld.open("pack")
    assert handheld.scan("TOTE-01", "KETTLE", "2").screen == "pack-weight"
    return accepted


@pytest.mark.parametrize("grams", ["12000", "2301", "959", "1"])
def test_a_weight_that_the_goods_hardly_have_is_asked_about_once(handheld: Handheld, weighed: Order, grams: str) -> None:
    page = handheld.scan(grams)
    assert (page.screen, page.data["outcome"], page.data["error"]) == ("pack-weight", "ask", "weight")
    assert not Parcel.objects.exists()
    # Another doubtful one is another question.
    page = handheld.scan("13000")
    assert (page.data["outcome"], "Expected about 1.2 kg, weighed 13 kg. The same again means yes." in page.text) == ("ask", True)
    assert not Parcel.objects.exists()
    assert handheld.press("undo").screen == "pack-weight"
    handheld.scan(grams)
    assert handheld.scan(grams).data["outcome"] == "ok"
    assert Parcel.objects.get().weight_g == int(grams)


def test_a_parcel_weighs_something(handheld: Handheld, weighed: Order) -> None:
    for _twice in range(2):
        page = handheld.scan("0")
        assert (page.screen, page.data["outcome"], page.data["error"]) == ("pack-weight", "error", "no_weight")
    assert not Parcel.objects.exists()
    assert handheld.press("skip").data["outcome"] == "ok"
    assert Parcel.objects.get().weight_g is None


@pytest.mark.parametrize("grams", ["960", "1200", "2300"])
def test_a_weight_that_box_and_filling_explain_is_taken(handheld: Handheld, weighed: Order, grams: str) -> None:
    assert handheld.scan(grams).data["outcome"] == "ok"
    assert Parcel.objects.get().weight_g == int(grams)


def test_where_a_skus_weight_is_not_known_nobody_asks(handheld: Handheld, order: Order) -> None:
    Sku.objects.filter(code="WOOL").update(weight_g=50)
    handheld.scan("WOOL", "4", "TWO")
    handheld.press("close")
    assert handheld.scan("90000").data["outcome"] == "ok"
    assert Parcel.objects.get().weight_g == 90_000


def test_of_a_part_of_the_tote_only_what_is_in_the_parcel_counts(handheld: Handheld, order: Order) -> None:
    Sku.objects.filter(code="WOOL").update(weight_g=5_000)
    handheld.scan("WOOL", "1")
    handheld.press("close")
    assert handheld.scan("20000").data["outcome"] == "ask"
    assert handheld.scan("5300").data["outcome"] == "ok"
    assert Parcel.objects.get().weight_g == 5_300
