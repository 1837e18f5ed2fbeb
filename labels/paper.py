"""Tables over several pages of office paper: which rows go onto which page, and how they are drawn."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from labels.sheet import Align, Box, Sheet

T = TypeVar("T")


class Column(NamedTuple):
    """`share` of the table's width; `size` in points is the row's usual one."""

    title: str
    share: float
    align: Align = Align.LEFT
    bold: bool = False
    lines: int = 2


def split(rows: Sequence[T], *, row: float, first: float, other: float, closing: float) -> list[Sequence[T]]:
    """The rows of each page, at least one page. Heights in mm: of a row, free on the first and on other pages, and of what closes the last."""
    pages: list[Sequence[T]] = []
    rest = rows
    while True:
        free = other if pages else first
        if len(rest) * row + closing <= free:
            return [*pages, rest]
        # At least one row stays for the page with the closing, so that no page holds a total alone.
        taken = max(1, min(int(free / row), max(1, len(rest) - 1)))
        pages.append(rest[:taken])
        rest = rest[taken:]


def draw_table(sheet: Sheet, box: Box, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, row: float, size: float) -> float:
    """The heading, white on black, and the rows of `row` mm. Returns where the table ends, in mm from the top."""
    places, x = [], box.x
    for column in columns:
        places.append(Box(x + 1.2, box.y, box.width * column.share - 2.4, row))
        x += box.width * column.share
    head = Box(box.x, box.y, box.width, row * 0.75)
    sheet.fill(head)
    for column, place in zip(columns, places, strict=True):
        title = place._replace(height=head.height)
        sheet.text(title, column.title, size=size, least=5, bold=True, white=True, align=column.align, middle=True)
    y = head.bottom
    for cells in rows:
        for column, place, text in zip(columns, places, cells, strict=True):
            cell = place._replace(y=y + 0.5, height=row - 1)
            wished = size + 1 if column.bold else size
            sheet.text(cell, text, size=wished, least=size * 0.7, lines=column.lines, bold=column.bold, align=column.align, middle=True)
        y += row
        sheet.rule(box.x, y, box.width, thickness=0.15)
    return y
