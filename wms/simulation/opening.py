"""How a day begins and ends: a merchant of its own, a shop, people signed in; then the work; then the reckoning."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wms.simulation import reckoning
from wms.simulation.calls import Browser, Faults
from wms.simulation.day import Day
from wms.simulation.merchant import MerchantSystem
from wms.simulation.order_file import OrderFile
from wms.simulation.plan import Plan, make_plan
from wms.simulation.scanner import Scanner
from wms.simulation.shop import Shop
from wms.simulation.shop_keeper import ShopKeeper
from wms.simulation.supervisor import Supervisor
from wms.simulation.timings import Timings
from wms.simulation.totes import Totes

SHOP_CODE = "SHOP"
# A round takes a dozen orders, and totes of stopped orders wait for their put-backs.
TOTES_A_SCANNER, TOTES_MORE = 12, 20


@dataclass(frozen=True, slots=True)
class SignIn:
    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Options:
    """`url` without a slash at its end; one sign-in for each scanner."""

    url: str
    warehouse: str
    coverage: float
    seed: int
    admin: SignIn
    supervisor: SignIn
    pickers: list[SignIn]


def play(file: OrderFile, options: Options, drifts: Callable[[str], list[str] | None]) -> dict[str, Any]:
    """The whole day; its figures as they go into the JSON. Raises DeskRefused, Refused, Unanswered where it cannot even begin."""
    began = time.monotonic()
    # No run of the same seed may meet the merchant of an earlier one.
    run = f"SIM{secrets.token_hex(4).upper()}"
    plan = make_plan(file, coverage=options.coverage, seed=options.seed, run=run)
    faults, timings = Faults(), Timings()
    with Shop(consumer_key=f"ck_{secrets.token_hex(20)}", consumer_secret=f"cs_{secrets.token_hex(20)}") as shop:
        day = _open(plan, options, run, shop, faults, timings)
        day.bring_in()
        inbound_seconds = time.monotonic() - began
        seconds = day.sell_and_ship()
        day.close_inbound()
        found = drifts(run)
        result = reckoning.reckon(plan, day.merchant, day.keeper, day.asn_ids.values(), found)
    for text in faults.errors:
        result.found("errors", 1, text)
    return {
        "merchant": run,
        "orders": len(file.orders),
        "lines": sum(len(order.lines) for order in file.orders),
        "units": sum(quantity for order in file.orders for _sku, quantity in order.lines),
        **{name: getattr(result, name) for name in ("shipped", "short", "cancelled", "units_shipped", "parcels", "oversold")},
        "drift": None if found is None else result.drift,
        "shop_mismatches": result.shop_mismatches,
        "errors": result.errors,
        "waves": day.supervisor.waves,
        "shop_orders": len(day.keeper.placed),
        "seconds": round(seconds, 2),
        "orders_per_s": round(len(file.orders) / seconds, 3) if seconds else 0.0,
        "inbound_seconds": round(inbound_seconds, 2),
        "total_seconds": round(time.monotonic() - began, 2),
        "steps": timings.summary(),
        "retries": faults.retries,
        "rows_left_out": file.left_out,
        "pickers": len(options.pickers),
        "coverage": options.coverage,
        "seed": options.seed,
        "findings": result.findings,
    }


def _open(plan: Plan, options: Options, run: str, shop: Shop, faults: Faults, timings: Timings) -> Day:
    """Everybody signs in, the merchant comes with its goods and its shop."""
    chance = random.Random(options.seed)
    names = plan.file.names
    barcodes = {sku: f"{run}{number:06}" for number, sku in enumerate(names, 1)}
    administrator = Supervisor(_signed_in(options, options.admin, faults), options.warehouse, faults=faults, chance=chance)
    key = administrator.make_merchant(run, f"Simulated merchant {run}")
    merchant = MerchantSystem(options.url, key, options.warehouse, faults=faults, timings=timings)
    merchant.enter_skus(names, barcodes)
    keeper = ShopKeeper(shop, SHOP_CODE)
    keeper.stock_shelves(names)
    supervisor = Supervisor(_signed_in(options, options.supervisor, faults), options.warehouse, faults=faults, chance=chance)
    channel_page = supervisor.connect_shop(
        merchant=run, name=f"Shop of {run}", code=SHOP_CODE, url=shop.url, key=shop.consumer_key, secret=shop.consumer_secret
    )
    totes = Totes(supervisor.totes(len(options.pickers) * TOTES_A_SCANNER + TOTES_MORE))
    scanners = []
    for picker in options.pickers:
        scanner = Scanner(
            _signed_in(options, picker, faults), warehouse=options.warehouse, codes=barcodes, totes=totes, faults=faults, timings=timings
        )
        scanner.begin()
        scanners.append(scanner)
    return Day(plan, merchant, supervisor, scanners, keeper, totes, channel_page, faults, chance)


def _signed_in(options: Options, who: SignIn, faults: Faults) -> Browser:
    browser = Browser(options.url, faults)
    browser.sign_in("/sign-in", {"username": who.name, "password": who.password})
    return browser
