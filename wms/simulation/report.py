"""The figures of a run, for people and for programs."""

from __future__ import annotations

from typing import Any

MUST_BE_ZERO = ("oversold", "drift", "shop_mismatches", "errors")
COUNTS = ("orders", "lines", "units", "shipped", "short", "cancelled", "parcels", "waves", "shop_orders", *MUST_BE_ZERO)
SHOWN_FINDINGS = 30


def passed(figures: dict[str, Any]) -> bool:
    """Whether nothing is wrong. A number that could not be found out is not 0."""
    whole = figures["shipped"] + figures["short"] + figures["cancelled"] == figures["orders"]
    return whole and all(figures[name] == 0 for name in MUST_BE_ZERO)


def table(figures: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' '):<18}{_shown(figures[name]):>12}" for name in COUNTS]
    lines.append(f"{'seconds':<18}{figures['seconds']:>12.1f}")
    lines.append(f"{'orders per s':<18}{figures['orders_per_s']:>12.2f}")
    lines += ["", f"{'ms':<12}{'count':>8}{'p50':>10}{'p95':>10}{'p99':>10}"]
    for step, taken in figures["steps"].items():
        if taken["count"]:
            lines.append(f"{step.replace('_', ' '):<12}{taken['count']:>8,}{taken['p50']:>10.1f}{taken['p95']:>10.1f}{taken['p99']:>10.1f}")
    findings = figures["findings"]
    if findings:
        lines += ["", *findings[:SHOWN_FINDINGS]]
        if len(findings) > SHOWN_FINDINGS:
            lines.append(f"... and {len(findings) - SHOWN_FINDINGS:,} more")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return "?" if value is None else f"{value:,}"
