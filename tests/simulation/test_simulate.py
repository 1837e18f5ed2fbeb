"""Days of real orders against a live system."""

import json
from pathlib import Path

import pytest

from tests.live import LiveSystem
from tests.simulation.runs import finish, orders_of, start
from wms.simulation import report

FILE = "ref,code,units,where\n" + "".join(f"R{number},11111,2,{country}\n" for number, country in enumerate(["EIRE", "Unspecified", "USA"]))


def test_a_small_day_of_real_orders(live_system: LiveSystem, shared_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.json"
    figures = finish(start(live_system, orders_of(shared_path), out, "--orders-limit", "50", "--pickers", "3"), out)
    assert figures["orders"] == 50
    assert figures["shipped"] >= 20
    assert figures["cancelled"] >= 1
    assert figures["parcels"] == figures["shipped"]
    assert figures["shop_orders"] == 5
    assert figures["waves"] >= 1
    for step in ("accept", "receive", "put_away", "pick", "pack", "ship"):
        assert figures["steps"][step]["count"] > 0
        assert 0 < figures["steps"][step]["p50"] <= figures["steps"][step]["p95"] <= figures["steps"][step]["p99"]


def test_at_full_coverage_nothing_is_short(live_system: LiveSystem, tmp_path: Path) -> None:
    orders, out = tmp_path / "orders.csv", tmp_path / "day.json"
    orders.write_text(FILE)
    done = live_system.wms(
        "simulate", "--orders", orders, "--map", "reference=ref,sku=code,quantity=units,country=where", "--json", out, "--coverage", "1",
        "--pickers", "2", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(out.read_text())
    assert (figures["orders"], figures["lines"], figures["units"], figures["short"]) == (3, 3, 6, 0)
    assert "orders per s" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--map", "reference=ref,sku=code,quantity=none"], "The file has no column none"),
        (["--map", "reference=ref,sku=code,quantity=units", "--goods-pattern", "9+"], "The file holds no order"),
        (["--map", "reference=ref,sku=code,quantity=units", "--coverage", "most"], "--coverage is a share"),
        (["--map", "reference=ref,sku=code,quantity=units", "--pickers", "21"], "needs as many --picker"),
        (["--map", "reference=ref,sku=code,quantity=units", "--supervisor", "supervisor:wrong"], "could not sign in"),
        (["--map", "reference=ref,sku=code,quantity=units,country=code"], "These are no countries: 11111"),
    ],
)
def test_what_cannot_begin_is_a_clear_error(live_system: LiveSystem, tmp_path: Path, arguments: list[str], told: str) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(FILE)
    done = live_system.wms("simulate", "--orders", orders, *arguments, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_passes_only_with_nothing_wrong() -> None:
    good = {"orders": 3, "shipped": 1, "short": 1, "cancelled": 1, "oversold": 0, "drift": 0, "shop_mismatches": 0, "errors": 0}
    assert report.passed(good)
    assert not report.passed({**good, "orders": 4})
    for name in report.MUST_BE_ZERO:
        assert not report.passed({**good, name: 1})
        assert not report.passed({**good, name: None})


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_long_day_of_real_orders(live_system: LiveSystem, shared_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "day.json"
    figures = finish(start(live_system, orders_of(shared_path), out, "--orders-limit", "300", "--pickers", "6"), out)
    assert figures["orders"] == 300
    assert figures["cancelled"] >= 3
