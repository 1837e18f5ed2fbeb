"""The slip that goes into the parcel: what was ordered from whom. Long ones flow over several pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from labels import paper
from labels.addresses import Address
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"A4": Size(210, 297), "4x6in": Size(101.6, 152.4), "Letter": Size(215.9, 279.4), "100x150": Size(100, 150)}


@dataclass(frozen=True, kw_only=True, slots=True)
class SlipLine:
    """`quantity` in base units."""

    sku: str
    name: str
    quantity: int


class _Layout(NamedTuple):
    """Heights in mm, text sizes in points; one for letter paper, one for the label roll."""

    margin: float
    head: float
    head_again: float
    row: float
    closing: float
    title: float
    body: float
    bars: float


_PAPER: Final = _Layout(margin=15, head=58, head_again=8, row=10, closing=30, title=22, body=10, bars=20)
_ROLL: Final = _Layout(margin=5, head=44, head_again=5, row=9, closing=18, title=14, body=8.5, bars=14)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingSlip:
    merchant: str
    order_reference: str
    ship_to: Address
    lines: tuple[SlipLine, ...]
    ordered_on: date | None = None
    service: str = ""
    tracking_number: str = ""
    note: str = ""
    logo: bytes = b""
    size: Size = SIZES["A4"]

    def draw(self, sheet: Sheet) -> None:
        layout = _PAPER if self.size.width > 150 else _ROLL
        pages = self._pages(layout)
        for number, lines in enumerate(pages, start=1):
            if number > 1:
                sheet.new_page()
            y = self._draw_head(sheet, layout) if number == 1 else self._draw_head_again(sheet, layout)
            y = self._draw_lines(sheet, layout, y, lines)
            if number == len(pages):
                self._draw_closing(sheet, layout, y)
            foot = Box(layout.margin, self.size.height - layout.margin, self.size.width - 2 * layout.margin, 4)
            text = _("Page {page} of {pages}").format(page=number, pages=len(pages))
            sheet.text(foot, text, size=layout.body - 2, least=5, align=Align.RIGHT)

    def _pages(self, layout: _Layout) -> list[Sequence[SlipLine]]:
        """The lines of each page; the last page has room for the closing."""
        room = self.size.height - 2 * layout.margin - layout.row - 1
        return paper.split(self.lines, row=layout.row, first=room - layout.head, other=room - layout.head_again, closing=layout.closing)

    def _draw_head(self, sheet: Sheet, layout: _Layout) -> float:
        margin, inner = layout.margin, self.size.width - 2 * layout.margin
        half = inner / 2
        line = layout.body * 0.5
        seller = Box(margin, margin, inner * 0.6, layout.title * 0.5)
        if self.logo:
            logo = seller._replace(width=inner * 0.18)
            sheet.picture(logo, self.logo)
            seller = seller._replace(x=logo.right + 2, width=seller.width - logo.width - 2)
        sheet.text(seller, self.merchant, size=layout.title, least=8, bold=True, middle=True)
        title = Box(margin + inner * 0.6, margin, inner * 0.4, layout.title * 0.5)
        sheet.text(title, _("Packing slip"), size=layout.title * 0.75, least=7, align=Align.RIGHT, middle=True)
        y = margin + layout.title * 0.5 + 1
        sheet.rule(margin, y, inner, thickness=0.5)
        sheet.text(Box(margin, y + 1.5, half - 2, line), _("SHIP TO"), size=layout.body - 2, bold=True)
        place = y + 1.5 + line
        for address in self.ship_to.lines():
            sheet.text(Box(margin, place, half - 2, line), address, size=layout.body, least=6)
            place += line
        facts = [(_("Order"), self.order_reference), (_("Date"), self.ordered_on.isoformat() if self.ordered_on else "")]
        facts += [(_("Service"), self.service), (_("Tracking"), self.tracking_number)]
        place = y + 1.5
        for name, value in facts:
            if value:
                sheet.text(Box(margin + half, place, half * 0.3, line), name, size=layout.body - 1.5, least=5.5, middle=True)
                sheet.text(Box(margin + half * 1.3, place, half * 0.7, line), value, size=layout.body, least=6, bold=True, middle=True)
                place += line
        sheet.barcode(Box(margin + half, place + 1.5, half, layout.bars), self.order_reference)
        return margin + layout.head

    def _draw_head_again(self, sheet: Sheet, layout: _Layout) -> float:
        inner = self.size.width - 2 * layout.margin
        text = f"{self.merchant} · {self.order_reference}"
        sheet.text(Box(layout.margin, layout.margin, inner, layout.body * 0.6), text, size=layout.body + 1, least=6, bold=True)
        return layout.margin + layout.head_again

    def _columns(self, layout: _Layout, y: float) -> tuple[Box, Box, Box]:
        """SKU, name and quantity of the row at `y` mm."""
        margin, inner = layout.margin, self.size.width - 2 * layout.margin
        return (
            Box(margin + 1, y, inner * 0.3 - 2, layout.row),
            Box(margin + inner * 0.3, y, inner * 0.55, layout.row),
            Box(margin + inner * 0.86, y, inner * 0.14 - 1, layout.row),
        )

    def _draw_lines(self, sheet: Sheet, layout: _Layout, y: float, lines: Sequence[SlipLine]) -> float:
        """The table with its heading. Returns where it ends, in mm."""
        inner = self.size.width - 2 * layout.margin
        head = Box(layout.margin, y + layout.row * 0.35, inner, layout.row * 0.65)
        sheet.fill(head)
        sku, name, quantity = (column._replace(y=head.y, height=head.height) for column in self._columns(layout, y))
        sheet.text(sku, _("SKU"), size=layout.body, bold=True, white=True, middle=True)
        sheet.text(name, _("Description"), size=layout.body, bold=True, white=True, middle=True)
        sheet.text(quantity, _("Qty"), size=layout.body, bold=True, white=True, align=Align.RIGHT, middle=True)
        y += layout.row
        for line in lines:
            sku, name, quantity = (column.inset(0, 0.6) for column in self._columns(layout, y))
            sheet.text(sku, line.sku, size=layout.body, least=layout.body * 0.85, lines=2, middle=True)
            sheet.text(name, line.name, size=layout.body, least=layout.body * 0.85, lines=2, middle=True)
            sheet.text(quantity, str(line.quantity), size=layout.body + 1, least=5, bold=True, align=Align.RIGHT, middle=True)
            y += layout.row
            sheet.rule(layout.margin, y, inner, thickness=0.15)
        return y

    def _draw_closing(self, sheet: Sheet, layout: _Layout, y: float) -> None:
        inner = self.size.width - 2 * layout.margin
        units = sum(line.quantity for line in self.lines)
        text = _("{lines} lines, {units} units").format(lines=len(self.lines), units=units)
        sheet.text(Box(layout.margin, y + 1.5, inner - 1, layout.row * 0.6), text, size=layout.body, bold=True, align=Align.RIGHT)
        note = Box(layout.margin, y + layout.row * 0.9, inner, layout.closing - layout.row)
        sheet.text(note, self.note, size=layout.body, least=6, lines=4)
