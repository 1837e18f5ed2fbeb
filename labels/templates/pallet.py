"""The logistics label of a pallet: who to whom, what is on it, and its SSCC as the lowest symbol.

Measures of GS1-128 on transport units (GS1 General Specifications 5.12, 6): modules of at least 0.495 mm, bars at least 31.75 mm high,
ten modules of white at either side, the number in letters below.
"""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from labels import gs1, symbols
from labels.measures import kilograms
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"4x6in": Size(101.6, 152.4), "100x150": Size(100, 150)}
MODULE_MM: Final = 0.495
BARS_MM: Final = 32.0
_TEXT_SIZE: Final = 12
_SYMBOL_MM: Final = BARS_MM + _TEXT_SIZE * 1.2 / 72 * 25.4 + 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class PalletLabel:
    """`sscc` are its 18 digits. `elements`: one more GS1-128 above it, such as (("02", gtin), ("37", "48")). Weight in grams, 0 = not known."""

    sscc: str
    ship_from: tuple[str, ...]
    ship_to: tuple[str, ...]
    reference: str = ""
    merchant: str = ""
    contents: str = ""
    cartons: int = 0
    gross_g: int = 0
    number: int = 1
    total: int = 1
    elements: tuple[gs1.Element, ...] = ()
    size: Size = SIZES["4x6in"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        frame = Box(3, 3, width - 6, height - 6)
        sheet.frame(frame)
        half = frame.width / 2
        self._draw_address(sheet, Box(frame.x, frame.y, half, 25), _("FROM"), self.ship_from)
        self._draw_address(sheet, Box(frame.x + half, frame.y, half, 25), _("SHIP TO"), self.ship_to)
        sheet.rule(frame.x + half, frame.y, 25, vertical=True)
        sheet.rule(frame.x, frame.y + 25, frame.width, thickness=0.8)
        bottom = frame.bottom - _SYMBOL_MM - 0.6
        symbol = Box(frame.x + 0.5, bottom, frame.width - 1, _SYMBOL_MM)
        sheet.symbol(symbol, symbols.sscc(self.sscc), text_size=_TEXT_SIZE, least_mm=MODULE_MM)
        if self.elements:
            above = Box(symbol.x, bottom - 27, symbol.width, 25)
            sheet.symbol(above, symbols.gs1_128(self.elements), text_size=9, least_mm=0.25)
            bottom = above.y
        sheet.rule(frame.x, bottom - 1.2, frame.width, thickness=0.8)
        self._draw_facts(sheet, Box(frame.x + 2, frame.y + 26, frame.width - 4, bottom - frame.y - 28))

    @staticmethod
    def _draw_address(sheet: Sheet, box: Box, title: str, lines: tuple[str, ...]) -> None:
        sheet.text(Box(box.x + 2, box.y + 1, box.width - 4, 3.5), title, size=7, bold=True)
        shown = lines[:5]
        for place, line in enumerate(shown):
            row = Box(box.x + 2, box.y + 4.6 + place * 4, box.width - 4, 4)
            sheet.text(row, line, size=9, least=5.5, bold=place == 0, middle=True)

    def _draw_facts(self, sheet: Sheet, box: Box) -> None:
        facts = [(_("MERCHANT"), self.merchant), (_("REFERENCE"), self.reference), (_("CONTENT"), self.contents)]
        counts = [_("{count} cartons").format(count=self.cartons)] if self.cartons else []
        counts += [kilograms(self.gross_g)] if self.gross_g else []
        facts.append((_("LOAD"), " · ".join(counts)))
        shown = [(title, text) for title, text in facts if text]
        pallet = _("PALLET {number} of {total}").format(number=self.number, total=self.total)
        sscc_row, title_row = 9.0, 7.0
        sheet.tag(Box(box.x - 2, box.y - 1, box.width + 4, title_row), pallet, size=14)
        y = box.y + title_row
        room = box.height - title_row - sscc_row - 1
        row = min(12.0, room / max(1, len(shown)))
        for title, text in shown:
            sheet.text(Box(box.x, y, 22, row), title, size=8, least=5, middle=True)
            sheet.text(Box(box.x + 23, y, box.width - 23, row), text, size=row * 1.7, least=5.5, lines=2, bold=True, middle=True)
            sheet.rule(box.x, y + row, box.width, thickness=0.15)
            y += row
        line = Box(box.x, box.bottom - sscc_row, box.width, sscc_row)
        sheet.text(line._replace(width=14), "SSCC", size=10, bold=True, middle=True)
        digits = " ".join((self.sscc[:2], *(self.sscc[place : place + 4] for place in range(2, 18, 4))))
        sheet.text(line._replace(x=box.x + 14, width=box.width - 14), digits, size=17, least=8, bold=True, align=Align.RIGHT, middle=True)
