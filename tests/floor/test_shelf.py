"""Counting and moving what lies in a bin beside its like: lots, conditions, unopened cartons, and very many skus."""

from datetime import date

import pytest

from inventory.models import Availability, Barcode, Carton, Lot, Sku, StockBalance, Warehouse
from tests import make
from tests.floor.handheld import Handheld, Page
from wms.core.models import Merchant

GTIN = "04006381333931"


def in_cartons(shop: Merchant, house: Warehouse, cartons: dict[str, dict[Sku, int]]) -> None:
    for code, content in cartons.items():
        carton = Carton.objects.create(merchant=shop, code=code)
        for sku, quantity in content.items():
            make.stock(make.bin_of(house, "A-01"), sku, quantity, carton_id=carton.pk)


def two_lots(shop: Merchant, house: Warehouse) -> Sku:
    """5 of lot LA and 7 of lot LB in A-01."""
    sku = make.sku(shop, code="LOTTED", tracks_lot=True, tracks_expiry=True)
    Barcode.objects.create(merchant=shop, sku=sku, code=GTIN)
    for code, year, quantity in (("LA", 2031, 5), ("LB", 2032, 7)):
        lot = Lot.objects.create(sku=sku, code=code, expires_on=date(year, 1, 31))
        make.stock(make.bin_of(house, "A-01"), sku, quantity, lot_id=lot.pk)
    return sku


def of_lots(sku: Sku) -> dict[str, int]:
    return dict(StockBalance.objects.filter(sku=sku, on_hand__gt=0).values_list("lot__code", "on_hand"))


def choose(handheld: Handheld, page: Page, row: StockBalance) -> Page:
    assert (page.screen, f"choice={row.pk}" in page.buttons) == ("choose", True), page.text
    return handheld.post(choice=str(row.pk))


def test_goods_in_an_unopened_carton_are_counted_there_and_not_a_second_time(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop, code="BOXED")
    in_cartons(shop, house, {"CTN-1": {sku: 2}})
    handheld.open("count")
    page = handheld.scan("A-01", "BOXED")
    assert (page.screen, "CTN-1" in page.text, "know of none" in page.text) == ("count-quantity", True, False)
    assert handheld.scan("2").data["outcome"] == "ok"
    assert list(StockBalance.objects.values_list("carton__code", "on_hand")) == [("CTN-1", 2)]
    assert Availability.objects.get(sku=sku).on_hand == 2


def test_of_several_cartons_it_is_asked_in_which_one_and_loose_goods_come_first(
    handheld: Handheld, house: Warehouse, shop: Merchant
) -> None:
    sku = make.sku(shop, code="BOXED")
    in_cartons(shop, house, {f"CTN-{number:02}": {sku: 6} for number in range(1, 15)})
    handheld.open("count")
    page = handheld.scan("A-01", "BOXED")
    last = StockBalance.objects.get(carton__code="CTN-14")
    assert f"{shop.code} · BOXED · CTN-14" in page.text
    page = choose(handheld, page, last)
    assert (page.screen, "CTN-14" in page.text) == ("count-quantity", True)
    assert handheld.scan("5", "5").data["outcome"] == "ok"
    assert Availability.objects.get(sku=sku).on_hand == 14 * 6 - 1
    last.refresh_from_db()
    assert last.on_hand == 5

    make.stock(make.bin_of(house, "A-01"), sku, 3)
    page = handheld.scan("BOXED")
    assert (page.screen, "CTN" in page.text) == ("count-quantity", False)
    assert handheld.scan("3").data["outcome"] == "ok"


def test_each_sku_of_a_mixed_carton_can_be_counted(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    first, second = make.sku(shop, code="AAA"), make.sku(shop, code="BBB")
    in_cartons(shop, house, {"CTN-1": {first: 6, second: 2}})
    handheld.open("count")
    page = choose(handheld, handheld.scan("A-01", "CTN-1"), StockBalance.objects.get(sku=second))
    assert (page.screen, page.data["sku"]) == ("count-quantity", "BBB")
    assert handheld.scan("1", "1").data["outcome"] == "ok"
    assert dict(StockBalance.objects.values_list("sku__code", "on_hand")) == {"AAA": 6, "BBB": 1}


def test_a_carton_is_moved_as_a_whole_by_its_code_or_by_what_is_in_it(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    first, second = make.sku(shop, code="AAA"), make.sku(shop, code="BBB")
    in_cartons(shop, house, {"CTN-1": {first: 6, second: 2}})
    handheld.open("move")
    page = handheld.scan("A-01", "CTN-1")
    assert (page.screen, page.data["sku"]) == ("move-to", "CTN-1")
    assert handheld.scan("A-02").data["outcome"] == "ok"
    page = handheld.scan("A-02", "BBB")
    assert (page.screen, page.data["sku"]) == ("move-to", "CTN-1")
    assert handheld.scan("A-03").data["outcome"] == "ok"
    here = StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "sku__code", "carton__code", "on_hand")
    assert sorted(here) == [("A-03", "AAA", "CTN-1", 6), ("A-03", "BBB", "CTN-1", 2)]


def test_of_two_lots_the_one_that_the_code_names_is_counted_and_moved(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = two_lots(shop, house)
    handheld.open("count")
    page = handheld.scan("A-01", f"(01){GTIN}(10)LB")
    assert (page.screen, "LB" in page.text, "LA" in page.text) == ("count-quantity", True, False)
    assert handheld.scan("6", "6").data["outcome"] == "ok"
    assert of_lots(sku) == {"LA": 5, "LB": 6}
    handheld.open("move")
    page = handheld.scan("A-01", f"(01){GTIN}(17)320131")
    assert (page.screen, page.data["quantity"]) == ("move-quantity", "6")
    assert handheld.scan("6", "A-02").data["outcome"] == "ok"
    assert StockBalance.objects.get(bin__code="A-02").lot == Lot.objects.get(code="LB")


@pytest.mark.parametrize("kind", ["count", "move"])
def test_of_two_lots_that_the_code_does_not_name_it_is_asked_which(handheld: Handheld, house: Warehouse, shop: Merchant, kind: str) -> None:
    two_lots(shop, house)
    handheld.open(kind)
    page = handheld.scan("A-01", "LOTTED")
    assert "LOTTED · LA 2031-01-31" in page.text
    assert "LOTTED · LB 2032-01-31" in page.text
    page = choose(handheld, page, StockBalance.objects.get(lot__code="LB"))
    assert (page.screen, "LB 2032-01-31" in page.text) == (f"{kind}-quantity", True)


def test_damaged_goods_beside_good_ones_are_told_apart(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    sku = make.sku(shop, code="MIXED")
    dock = house.bins.get(kind="dock")
    make.stock(dock, sku, 9)
    make.stock(dock, sku, 2, condition="damaged")
    handheld.open("count")
    page = handheld.scan(dock.code, "MIXED")
    assert "MIXED · damaged" in page.text
    choose(handheld, page, StockBalance.objects.get(condition="damaged"))
    assert handheld.scan("1", "1").data["outcome"] == "ok"
    assert dict(StockBalance.objects.values_list("condition", "on_hand")) == {"good": 9, "damaged": 1}


def test_a_lot_that_is_found_where_the_books_know_none_of_it_is_counted_as_this_lot(
    handheld: Handheld, house: Warehouse, shop: Merchant
) -> None:
    sku = two_lots(shop, house)
    handheld.open("count")
    page = handheld.scan("A-01", f"(01){GTIN}(17)330131(10)LC")
    assert (page.screen, "LC 2033-01-31 · The books know of none here." in page.text) == ("count-quantity", True)
    assert handheld.press("undo").screen == "count-goods"
    handheld.scan(f"(01){GTIN}(17)330131(10)LC", "4", "4")
    assert of_lots(sku) == {"LA": 5, "LB": 7, "LC": 4}
    assert Lot.objects.get(code="LC").expires_on == date(2033, 1, 31)

    handheld.open("move")
    page = handheld.scan("A-01", f"(01){GTIN}(10)LD")
    assert (page.screen, page.data["error"]) == ("move-goods", "not_wanted")


def test_a_tracked_sku_that_the_books_do_not_know_here_is_counted_by_its_lot_and_expiry(
    handheld: Handheld, house: Warehouse, shop: Merchant
) -> None:
    sku = make.sku(shop, code="LOTTED", tracks_lot=True, tracks_expiry=True)
    handheld.open("count")
    page = handheld.scan("A-01", "LOTTED")
    assert (page.screen, page.data["expects"]) == ("count-lot", "lot")
    page = handheld.scan("L" * 51)
    assert (page.screen, page.data["error"]) == ("count-lot", "lot_too_long")
    assert handheld.scan("LA").screen == "count-expiry"
    page = handheld.scan("soon")
    assert (page.screen, page.data["error"]) == ("count-expiry", "not_a_date")
    page = handheld.scan("2031-01-31")
    assert (page.screen, "LA 2031-01-31 · The books know of none here." in page.text) == ("count-quantity", True)
    assert not StockBalance.objects.exists()
    assert handheld.scan("4", "4").data["outcome"] == "ok"
    assert list(StockBalance.objects.values_list("sku", "lot__code", "lot__expires_on", "on_hand")) == [
        (sku.pk, "LA", date(2031, 1, 31), 4)
    ]


def test_goods_of_a_sku_that_tracks_lots_only_since_they_came_are_counted_where_they_lie(
    handheld: Handheld, house: Warehouse, shop: Merchant
) -> None:
    sku = make.sku(shop, code="EARLIER")
    make.stock(make.bin_of(house, "A-01"), sku, 4)
    Sku.objects.update(tracks_lot=True)
    handheld.open("count")
    assert handheld.scan("A-01", "EARLIER").screen == "count-quantity"
    assert handheld.scan("3", "3").data["outcome"] == "ok"
    row = StockBalance.objects.get()
    assert (row.lot_id, row.on_hand) == (None, 3)


def test_the_last_of_very_many_skus_in_a_bin_is_found(handheld: Handheld, house: Warehouse, shop: Merchant) -> None:
    skus = [make.sku(shop, code=f"S{number:03}") for number in range(205)]
    for sku in skus:
        make.stock(make.bin_of(house, "A-01"), sku, 3)
    handheld.open("count")
    page = handheld.scan("A-01", "S204")
    assert (page.screen, "know of none" in page.text) == ("count-quantity", False)
    assert handheld.scan("3").data["outcome"] == "ok"
    handheld.open("move")
    page = handheld.scan("A-01", "S204")
    assert (page.screen, page.data["quantity"]) == ("move-quantity", "3")
    assert StockBalance.objects.count() == 205
