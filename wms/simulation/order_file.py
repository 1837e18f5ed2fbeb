"""The orders of a real shop's file: any header, through a column mapping, with what is no sale left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from wms.core import sheets
from wms.core.errors import WmsError

FIELDS = ("reference", "sku", "quantity", "placed_at", "country", "name")
NEEDED = ("reference", "sku", "quantity")
# Codes of real goods in the files of UCI Online Retail; POST, DOT, M, C2, BANK CHARGES, AMAZONFEE, gift vouchers and the like are none.
GOODS_PATTERN = r"\d{5}[A-Za-z]{0,3}|DCGS\w+|PADS"
CANCELLATION = re.compile(r"C\d+")
UNDATED = datetime.min


class BadOrderFile(ValueError):
    """The file or its mapping cannot be used; the text says where."""


@dataclass(slots=True)
class FileOrder:
    """One sale: `lines` are (sku, quantity) as they stand, so that a sku may come twice."""

    reference: str
    placed_at: datetime
    country: str
    lines: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OrderFile:
    """Orders in order of time, the names of their goods by sku, and how many rows were left out."""

    orders: list[FileOrder]
    names: dict[str, str]
    left_out: int


def parse_mapping(text: str) -> dict[str, str]:
    """`field=Header,...` as {field: header}. Raises BadOrderFile."""
    mapping: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, mark, header = (piece.strip() for piece in part.partition("="))
        if not mark or not header or name not in FIELDS:
            raise BadOrderFile(f"--map: {part!r} is not one of {', '.join(FIELDS)} = a header.")
        mapping[name] = header
    missing = [name for name in NEEDED if name not in mapping]
    if missing:
        raise BadOrderFile(f"--map: {', '.join(missing)} is missing.")
    return mapping


def read_orders(path: Path, mapping: Mapping[str, str], *, goods_pattern: str = GOODS_PATTERN, limit: int | None = None) -> OrderFile:
    """The first `limit` orders by time. Cancellations (C and a number), quantities below 1 and codes that are not goods are left out.

    Codes are taken in capitals: such files write one and the same product both ways. Raises BadOrderFile.
    """
    try:
        goods = re.compile(goods_pattern)
        rows = sheets.read(path.read_bytes(), name=path.name)
    except re.error as error:
        raise BadOrderFile(f"The pattern of goods cannot be used: {error}") from error
    except OSError as error:
        raise BadOrderFile(f"{path}: {error.strerror}") from error
    except WmsError as error:
        raise BadOrderFile(str(error)) from error
    columns = _columns(rows[0].cells, mapping)
    orders: dict[str, FileOrder] = {}
    names: dict[str, str] = {}
    left_out = 0
    for row in rows[1:]:
        cell = {name: row.cells[index] if index < len(row.cells) else "" for name, index in columns.items()}
        reference, sku = cell["reference"], cell["sku"].upper()
        quantity = _quantity(cell["quantity"], row.number)
        if not reference or CANCELLATION.fullmatch(reference) or quantity < 1 or not goods.fullmatch(cell["sku"]):
            left_out += 1
            continue
        if reference not in orders:
            orders[reference] = FileOrder(reference, _moment(cell.get("placed_at", ""), row.number), cell.get("country", ""))
        orders[reference].lines.append((sku, quantity))
        names.setdefault(sku, cell.get("name", ""))
    in_time = sorted(orders.values(), key=lambda order: order.placed_at)[:limit]
    sold = {sku for order in in_time for sku, _quantity in order.lines}
    return OrderFile(in_time, {sku: names[sku] or sku for sku in sorted(sold)}, left_out)


def _columns(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    known = {title.casefold(): index for index, title in reversed(list(enumerate(header)))}
    missing = [title for title in mapping.values() if title.casefold() not in known]
    if missing:
        raise BadOrderFile(f"The file has no column {', '.join(missing)}; it has {', '.join(header)}.")
    return {name: known[title.casefold()] for name, title in mapping.items()}


def _quantity(text: str, row: int) -> int:
    try:
        number = float(text)
        if number.is_integer():
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise BadOrderFile(f"Row {row}: {text!r} is not a quantity.")


def _moment(text: str, row: int) -> datetime:
    if not text:
        return UNDATED
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise BadOrderFile(f"Row {row}: {text!r} is not a date and time such as 2010-12-01 08:26:00.") from None
