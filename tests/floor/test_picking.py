"""Which goods a stop takes: a code that names another lot or expiry than the stop's is another thing."""

from datetime import date

import pytest

from inventory.models import Barcode, Lot, Warehouse
from outbound.models import Order
from tests import make
from tests.floor.handheld import Handheld
from tests.floor.test_the_way_through import released
from wms.core.models import Merchant, User

GTIN = "04006381333931"


@pytest.fixture
def order(house: Warehouse, shop: Merchant, picker: User, handheld: Handheld) -> Order:
    """Of two lots in one bin the order's five are to come from LA, which expires first. The picker stands at the bin."""
    sku = make.sku(shop, code="LOTTED", tracks_lot=True, tracks_expiry=True)
    Barcode.objects.create(merchant=shop, sku=sku, code=GTIN)
    for code, year, quantity in (("LA", 2031, 5), ("LB", 2032, 7)):
        lot = Lot.objects.create(sku=sku, code=code, expires_on=date(year, 1, 31))
        make.stock(make.bin_of(house, "A-01"), sku, quantity, lot_id=lot.pk)
    accepted = released(shop, house, {sku: 5}, picker)
    handheld.open("pick")
    handheld.press("claim")
    assert "LA 2031-01-31" in handheld.scan("A-01").text
    return accepted


@pytest.mark.parametrize(
    ("named", "words"),
    [("(17)320131(10)LB", "LOTTED LB 2032-01-31"), ("(10)LB", "LOTTED LB"), ("(17)320131", "LOTTED 2032-01-31")],
)
def test_another_lot_than_the_stops_is_refused(handheld: Handheld, order: Order, named: str, words: str) -> None:
    page = handheld.scan(f"(01){GTIN}{named}")
    assert (page.screen, page.data["error"]) == ("pick-sku", "wrong_item")
    assert f"Wrong item: this is {words}, wanted is LOTTED LA 2031-01-31." in page.text
    assert order.tasks.get().status == "open"


@pytest.mark.parametrize("code", ["]C1", "]Q3", "]C1\x1d"])
def test_a_label_of_which_the_scanner_read_nothing_is_no_unopened_carton(handheld: Handheld, order: Order, code: str) -> None:
    """Only the scanner's own mark of the kind of symbol came: the stop's goods lie in no carton, which is no carton without a code."""
    page = handheld.scan(code)
    assert (page.screen, page.data["error"]) == ("pick-sku", "unknown_barcode")
    assert order.tasks.get().status == "open"


@pytest.mark.parametrize("named", ["(17)310131(10)LA", "(10)LA", "(17)310131", ""])
def test_the_stops_own_lot_or_none_is_taken(handheld: Handheld, order: Order, named: str) -> None:
    page = handheld.scan(f"(01){GTIN}{named}", "TOTE-01")
    assert page.data["outcome"] == "ok"
    task = order.tasks.get()
    assert (task.status, task.lot and task.lot.code) == ("picked", "LA")
