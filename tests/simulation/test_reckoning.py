"""The reckoning must see every kind of fault: a run that cannot fail proves nothing."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from wms.simulation import reckoning
from wms.simulation.order_file import FileOrder, OrderFile
from wms.simulation.plan import make_plan
from wms.simulation.reckoning import Reckoning
from wms.simulation.shop import Shop
from wms.simulation.shop_keeper import ShopKeeper

PLAN = make_plan(
    OrderFile([FileOrder("1", datetime(2010, 12, 1), "France", [("A", 4), ("A", 1)])], {"A": "Thing"}, 0), coverage=1, seed=1, run="T"
)


@pytest.fixture
def keeper() -> Iterator[ShopKeeper]:
    with Shop() as shop:
        keeper = ShopKeeper(shop, "SHOP")
        keeper.stock_shelves({"A": "Thing"})
        yield keeper


def row(status: str = "shipped", *, shipped: int | None = None, numbers: tuple[str, ...] = ("T1",), reference: str = "1") -> dict[str, Any]:
    left = status in reckoning.SHIPPED if shipped is None else shipped
    lines = [{"sku": "A", "quantity": quantity, "shipped": quantity * int(bool(left))} for quantity in (4, 1)]
    parcels = [{"tracking_number": number, "status": "shipped"} for number in numbers] if status == "shipped" else []
    return {"reference": reference, "status": status, "lines": lines, "parcels": parcels}


def numbers(on_hand: int = 0, committed: int = 0, backordered: int = 0) -> dict[str, int]:
    available = max(0, on_hand - committed)
    return {"on_hand": on_hand, "committed": committed, "available": available, "backordered": backordered, "damaged": 0}


def test_a_short_order_that_could_be_filled_is_found() -> None:
    short = row("short")
    assert reckoning.fillable([short], {"A": numbers(5)}) == ["1"]
    assert reckoning.fillable([short], {"A": numbers(4)}) == []
    assert reckoning.fillable([short], {}) == []
    assert reckoning.fillable([row()], {"A": numbers(5)}) == []


def test_what_a_shop_may_offer_is_never_below_zero() -> None:
    assert reckoning.sellable(numbers(5, 1, 3)) == 1
    assert reckoning.sellable(numbers(5, 1, 30)) == 0


def test_numbers_of_the_shop_that_differ_are_found(keeper: ShopKeeper) -> None:
    assert reckoning.shop_mismatches([], {"A": numbers(0)}, keeper) == []
    assert reckoning.shop_mismatches([], {"A": numbers(3)}, keeper) == ["the shop offers 0 of A, the warehouse has 3"]
    assert reckoning.shop_mismatches([], {"A": numbers(0), "B": numbers(1)}, keeper) == ["the shop offers None of B, the warehouse has 1"]


def test_a_buyer_has_to_know_the_tracking_number_exactly_once(keeper: ShopKeeper) -> None:
    keeper.sell(PLAN.file.orders[0])
    number = keeper.placed["1"]
    keeper.shop.books.set_stock(keeper.shop.books.by_sku("A")["id"], 0)
    shipped, stock = row(reference=f"SHOP-{number}"), {"A": numbers(0)}
    assert len(reckoning.shop_mismatches([shipped], stock, keeper)) == 1
    keeper.shop.books.add_note(number, {"note": "Tracking number: T1"})
    assert reckoning.shop_mismatches([shipped], stock, keeper) == []
    keeper.shop.books.add_note(number, {"note": "Tracking number: T1"})
    assert len(reckoning.shop_mismatches([shipped], stock, keeper)) == 1


def counted(keeper: ShopKeeper, rows: list[dict[str, Any]]) -> Reckoning:
    result = Reckoning()
    reckoning._count_orders(result, PLAN, keeper, rows)
    return result


def test_every_order_has_one_end(keeper: ShopKeeper) -> None:
    assert counted(keeper, [row()]).shipped == 1
    assert counted(keeper, [row("short")]).short == 1
    assert counted(keeper, [row("cancelled")]).cancelled == 1
    assert counted(keeper, [row("picking")]).errors == 1
    assert counted(keeper, []).errors == 1
    assert counted(keeper, [row(), row(reference="other")]).errors == 1
    assert counted(keeper, [{**row(), "lines": []}]).errors == 1


def test_what_left_in_part_or_twice_is_drift() -> None:
    def drift(*rows: dict[str, Any]) -> int:
        result = Reckoning()
        reckoning._shipped_units(result, rows)
        return result.drift

    assert drift(row(), row("cancelled", reference="2"), row("short", reference="3")) == 0
    assert drift(row(numbers=("T1", "T2"))) == 1
    assert drift(row(), row(reference="2")) == 1  # the same tracking number
    assert drift(row(shipped=0)) == 2
    assert drift(row("cancelled", shipped=1)) == 2
    assert drift(row(numbers=())) == 1


@pytest.mark.parametrize(
    ("received", "left", "stock", "oversold", "drift", "errors"),
    [
        (5, 5, numbers(0), 0, 0, 0),
        (5, 3, numbers(2), 0, 0, 0),
        (5, 6, numbers(0), 1, 1, 0),  # more left than came
        (5, 3, numbers(1), 0, 1, 0),  # the books lost one
        (5, 3, numbers(2, 3), 3 - 2, 0, 0),  # more promised than there
        (5, 3, numbers(2, 1), 0, 1, 0),  # promised to nobody
        (4, 4, numbers(0), 0, 0, 1),  # not all came in
    ],
)
def test_units_are_reckoned_by_sku(received: int, left: int, stock: dict[str, int], oversold: int, drift: int, errors: int) -> None:
    result = Reckoning()
    reckoning._compare_stock(result, PLAN, Counter(A=received), Counter(A=left), {"A": stock})
    assert (result.oversold, result.drift, result.errors) == (oversold, drift, errors)
    assert bool(result.findings) == bool(oversold or drift or errors)
