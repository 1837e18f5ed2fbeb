"""A shop's line and ours are not the same: a bundle is one line there and a line for each component here. This is the one place that maps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A line as ChannelOrder.lines holds it.
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of our order: `units` base units of a sku in each unit of the shop's line, `quantity` in all."""

    line_id: str
    sku_id: int
    units: int
    quantity: int


def ships(line: Line) -> bool:
    """False of what a person has said is nothing to be shipped."""
    return bool(line.get("ships", True))


def is_unknown(line: Line) -> bool:
    """Whose goods nobody knows."""
    return ships(line) and not line["components"]


def expand(lines: Iterable[Line]) -> list[Part]:
    """The shop's lines as our order has them: part n is line n + 1 of ours. Lines of unknown goods have none."""
    return [
        Part(line["line_id"], part["sku_id"], part["units"], line["quantity"] * part["units"])
        for line in lines
        for part in line["components"]
    ]


def sku_ids(lines: Iterable[Line]) -> set[int]:
    return {part["sku_id"] for line in lines for part in line["components"]}


def has_bundles(lines: Iterable[Line]) -> bool:
    return any(len(line["components"]) > 1 or part["units"] > 1 for line in lines for part in line["components"])


def line_ids(lines: Sequence[Line], held: Iterable[int]) -> set[str]:
    """The shop's lines that these lines of ours, by number, are components of."""
    owners = [line["line_id"] for line in lines for _part in line["components"]]
    return {owners[number - 1] for number in held if 0 < number <= len(owners)}


def begun(lines: Sequence[Line], held: Mapping[int, int]) -> dict[str, int] | None:
    """Units of the shop's lines of which something is `held` of ours, {number of our line: base units}; of a bundle the component counts of which
    there is most.

    None where something is held of a line that the shop's order does not make.
    """
    units: dict[str, int] = {}
    number = 0
    for line in lines:
        most = 0
        for part in line["components"]:
            number += 1
            most = max(most, -(-held.get(number, 0) // part["units"]))
        if most:
            units[line["line_id"]] = units.get(line["line_id"], 0) + most
    return None if any(not 0 < key <= number for key in held) else units
