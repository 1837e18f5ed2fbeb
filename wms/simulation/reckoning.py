"""At the end of the day: does what left, what is left, what the books say and what the shop says fit together?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wms.simulation.merchant import MerchantSystem
from wms.simulation.plan import Plan, demand
from wms.simulation.shop_keeper import ShopKeeper

SHIPPED = ("shipped", "carrier_scanned", "delivered")
Row = Mapping[str, Any]
Stock = Mapping[str, Mapping[str, int]]


@dataclass
class Reckoning:
    """Counts of orders by their end, and how many things are wrong, each with a line in `findings`."""

    shipped: int = 0
    short: int = 0
    cancelled: int = 0
    units_shipped: int = 0
    parcels: int = 0
    oversold: int = 0
    drift: int = 0
    shop_mismatches: int = 0
    errors: int = 0
    findings: list[str] = field(default_factory=list)

    def found(self, kind: str, count: int, text: str) -> None:
        setattr(self, kind, getattr(self, kind) + count)
        self.findings.append(f"{kind}: {text}")


def needed(row: Row) -> Counter[str]:
    """Units by sku that an order of the API asks for."""
    units: Counter[str] = Counter()
    for line in row["lines"]:
        units[line["sku"]] += line["quantity"]
    return units


def fillable(rows: Iterable[Row], stock: Stock) -> list[str]:
    """References of short orders, each of which could be filled from what is available."""
    return [
        row["reference"]
        for row in rows
        if row["status"] == "short"
        and all(stock[sku]["available"] >= units if sku in stock else False for sku, units in needed(row).items())
    ]


def sellable(numbers: Mapping[str, int]) -> int:
    """What a shop may offer: what is available without what short orders wait for."""
    return max(0, numbers["available"] - numbers["backordered"])


def shop_mismatches(rows: Iterable[Row], stock: Stock, keeper: ShopKeeper) -> list[str]:
    """Numbers of the shop that are not the warehouse's, and shipped orders whose buyers do not know their tracking number exactly once."""
    offered = keeper.stock()
    wrong = [
        f"the shop offers {offered.get(sku)} of {sku}, the warehouse has {sellable(stock[sku]) if sku in stock else 0}"
        for sku in sorted(offered.keys() | stock.keys())
        if offered.get(sku) != (sellable(stock[sku]) if sku in stock else 0)
    ]
    from_shop = set(keeper.references().values())
    for row in rows:
        if row["reference"] in from_shop and row["status"] in SHIPPED:
            wrong += [
                f"the shop's order {row['reference']} does not know {parcel['tracking_number']} exactly once"
                for parcel in row["parcels"]
                if not keeper.knows_tracking(row["reference"], parcel["tracking_number"])
            ]
    return wrong


def reckon(plan: Plan, merchant: MerchantSystem, keeper: ShopKeeper, asn_ids: Iterable[int], drifts: Sequence[str] | None) -> Reckoning:
    """Everything asked anew through the API. `drifts` are what the checks of `wms verify` found, None where they could not run."""
    result = Reckoning()
    merchant.board.rows.clear()
    merchant.catch_up(everything=True)
    rows, stock = merchant.board.all(), merchant.stock()
    _count_orders(result, plan, keeper, rows)
    left = _shipped_units(result, rows)
    received: Counter[str] = Counter()
    for asn_id in asn_ids:
        for line in merchant.asn(asn_id)["lines"]:
            received[line["sku"]] += line["received"]
    _compare_stock(result, plan, received, left, stock)
    backordered: Counter[str] = Counter()
    for row in rows:
        if row["status"] == "short":
            backordered.update(needed(row))
    for sku, numbers in stock.items():
        if numbers["backordered"] != backordered[sku]:
            result.found("drift", 1, f"{sku}: {numbers['backordered']} backordered, short orders wait for {backordered[sku]}")
    for reference in fillable(rows, stock):
        result.found("errors", 1, f"order {reference} is short and could be filled")
    for text in shop_mismatches(rows, stock, keeper):
        result.found("shop_mismatches", 1, text)
    for text in drifts or ():
        result.found("drift", 1, text)
    return result


def _count_orders(result: Reckoning, plan: Plan, keeper: ShopKeeper, rows: Sequence[Row]) -> None:
    in_warehouse = keeper.references()
    by_reference = {row["reference"]: row for row in rows}
    wanted = {in_warehouse.get(order.reference, order.reference): order for order in plan.file.orders}
    for reference, order in wanted.items():
        row = by_reference.get(reference)
        if row is None:
            result.found("errors", 1, f"order {order.reference} ({reference}) never came in")
        elif row["status"] in SHIPPED:
            result.shipped += 1
        elif row["status"] in ("short", "cancelled"):
            setattr(result, row["status"], getattr(result, row["status"]) + 1)
        else:
            result.found("errors", 1, f"order {reference} is still {row['status']}")
        if row is not None and needed(row) != demand([order]):
            result.found("errors", 1, f"order {reference} has other lines than were sent")
    for reference in by_reference.keys() - wanted.keys():
        result.found("errors", 1, f"nobody sent the order {reference}")


def _shipped_units(result: Reckoning, rows: Sequence[Row]) -> Counter[str]:
    """Units that left by sku; lines that left in part or twice, and tracking numbers that come twice, are drift."""
    left: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for row in rows:
        parcels = [parcel for parcel in row["parcels"] if parcel["status"] == "shipped"]
        numbers.update(parcel["tracking_number"] for parcel in parcels)
        result.parcels += len(parcels)
        shipped = row["status"] in SHIPPED
        if shipped != bool(parcels):
            result.found("drift", 1, f"order {row['reference']} is {row['status']} with {len(parcels)} parcels on their way")
        if len(parcels) > 1:
            result.found("drift", len(parcels) - 1, f"order {row['reference']} left {len(parcels)} times")
        for line in row["lines"]:
            left[line["sku"]] += line["shipped"]
            if line["shipped"] != (line["quantity"] if shipped else 0):
                result.found("drift", 1, f"order {row['reference']}, {line['sku']}: {line['shipped']} of {line['quantity']} shipped")
    for number, times in numbers.items():
        if times > 1:
            result.found("drift", times - 1, f"parcel {number} left {times} times")
    result.units_shipped = left.total()
    return left


def _compare_stock(result: Reckoning, plan: Plan, received: Counter[str], left: Counter[str], stock: Stock) -> None:
    for sku in sorted(received.keys() | left.keys() | stock.keys()):
        numbers = stock.get(sku, {"on_hand": 0, "committed": 0, "damaged": 0})
        if received[sku] != plan.goods.get(sku, 0):
            result.found("errors", 1, f"{sku}: {received[sku]} of {plan.goods.get(sku, 0)} units were received")
        if left[sku] > received[sku]:
            result.found("oversold", left[sku] - received[sku], f"{sku}: {left[sku]} left of {received[sku]}")
        if numbers["committed"] > numbers["on_hand"]:
            result.found(
                "oversold", numbers["committed"] - numbers["on_hand"], f"{sku}: {numbers['committed']} promised of {numbers['on_hand']}"
            )
        elif numbers["committed"]:
            result.found("drift", 1, f"{sku}: {numbers['committed']} are promised to nobody")
        if received[sku] - left[sku] != numbers["on_hand"] + numbers["damaged"]:
            result.found("drift", 1, f"{sku}: {received[sku]} came, {left[sku]} left, the books say {numbers['on_hand']}")
