"""What a scan at the pack desk counts, and which one Undo takes back."""

import pytest

from inventory.models import Barcode, Warehouse
from outbound import picking
from outbound.models import Order
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
