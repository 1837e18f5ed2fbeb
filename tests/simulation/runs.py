"""`wms simulate` as an operator runs it: beside a live system, with real orders."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.live import LiveSystem

MAP = "reference=InvoiceNo,sku=StockCode,quantity=Quantity,placed_at=InvoiceDate,country=Country,name=Description"
ZEROS = {"oversold": 0, "drift": 0, "shop_mismatches": 0, "errors": 0}


def orders_of(shared_path: Path, month: str = "2010-12") -> Path:
    return shared_path / "data" / "online-retail" / f"{month}.csv.gz"


def start(system: LiveSystem, orders: Path, out: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "wms.cli", "simulate", "--orders", str(orders), "--map", MAP, "--json", str(out), *arguments]
    return subprocess.Popen(command, cwd="/", env=system.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(run: "subprocess.Popen[str]", out: Path) -> dict[str, Any]:
    """The figures of a run that ended well, with what it printed in the message where it did not."""
    printed, _nothing = run.communicate()
    assert run.returncode == 0, printed[-5_000:]
    figures: dict[str, Any] = json.loads(out.read_text())
    assert {name: figures[name] for name in ZEROS} == ZEROS
    assert figures["shipped"] + figures["short"] + figures["cancelled"] == figures["orders"]
    return figures
