"""Putting away goods that lie on the dock beside their like: which lot, which condition, and whose."""

from datetime import date

import pytest

from inventory.models import Barcode, Lot, Sku, StockBalance, Warehouse
from tests import make
from tests.floor.handheld import Handheld
from wms.core.models import Merchant

GTIN = "04006381333931"


@pytest.fixture
def lotted(house: Warehouse, shop: Merchant) -> Sku:
    """On the dock 5 of lot LA, that came first, and 7 of lot LB."""
    sku = make.sku(shop, code="LOTTED", tracks_lot=True, tracks_expiry=True)
    Barcode.objects.create(merchant=shop, sku=sku, code=GTIN)
    for code, year, quantity in (("LA", 2031, 5), ("LB", 2032, 7)):
        lot = Lot.objects.create(sku=sku, code=code, expires_on=date(year, 1, 31))
        make.stock(make.bin_of(house, "DOCK"), sku, quantity, lot_id=lot.pk)
    return sku


def lying() -> set[tuple[str, str, int]]:
    return set(StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "lot__code", "on_hand"))


@pytest.mark.parametrize("named", ["(10)LB", "(17)320131", "(17)320131(10)LB"])
def test_the_lot_that_the_code_names_is_put_away(handheld: Handheld, lotted: Sku, named: str) -> None:
    handheld.open("put-away")
    page = handheld.scan(f"(01){GTIN}{named}")
    assert (page.screen, page.data["quantity"], "LB 2032-01-31" in page.text) == ("put-away-bin", "7", True)
    assert handheld.scan("A-02").data["outcome"] == "ok"
    assert lying() == {("DOCK", "LA", 5), ("A-02", "LB", 7)}


def test_a_code_that_names_no_lot_is_asked_about(handheld: Handheld, lotted: Sku) -> None:
    handheld.open("put-away")
    page = handheld.scan("LOTTED")
    assert (page.screen, page.data["again"]) == ("choose", "LOTTED")
    assert page.text.index("LOTTED · LA 2031-01-31") < page.text.index("LOTTED · LB 2032-01-31")
    page = handheld.post(choice=str(StockBalance.objects.get(lot__code="LB").pk))
    assert (page.screen, "LB 2032-01-31" in page.text) == ("put-away-bin", True)
    assert handheld.scan("A-02").data["outcome"] == "ok"
    assert lying() == {("DOCK", "LA", 5), ("A-02", "LB", 7)}
    # The only lot that is left needs no question.
    assert handheld.scan("LOTTED").screen == "put-away-bin"


def test_a_lot_that_does_not_stand_on_the_dock_is_refused(handheld: Handheld, lotted: Sku) -> None:
    handheld.open("put-away")
    page = handheld.scan(f"(01){GTIN}(10)LC")
    assert (page.screen, page.data["error"]) == ("put-away-goods", "not_wanted")
    assert lying() == {("DOCK", "LA", 5), ("DOCK", "LB", 7)}


def test_damaged_goods_beside_good_ones_and_twins_of_two_merchants_are_asked_about(
    handheld: Handheld, house: Warehouse, shop: Merchant
) -> None:
    ours, theirs = make.sku(shop, code="TWIN"), make.sku(make.merchant(), code="TWIN")
    dock = make.bin_of(house, "DOCK")
    for sku, condition in ((ours, "good"), (ours, "damaged"), (theirs, "good")):
        make.stock(dock, sku, 3, condition=condition)
    handheld.open("put-away")
    page = handheld.scan("TWIN")
    rows = StockBalance.objects.order_by("pk")
    assert page.buttons[:3] == [f"choice={row.pk}" for row in rows]
    assert f"{shop.code} · TWIN · damaged" in page.text
    assert f"{theirs.merchant.code} · TWIN" in page.text
    assert "damaged" in handheld.post(choice=str(rows[1].pk)).text


def test_the_same_goods_on_two_docks_are_taken_from_where_they_stand_longest(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop)
    house.bins.create(code="DOCK-2", kind="dock")
    for code in ("DOCK-2", "DOCK"):
        make.stock(make.bin_of(house, code), sku, 3)
    handheld.open("put-away")
    page = handheld.scan(sku.code)
    assert (page.screen, "from DOCK-2" in page.text) == ("put-away-bin", True)
