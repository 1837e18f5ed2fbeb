"""The label of a sku on its inner packing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from labels import symbols
from labels.sheet import Box, Sheet, Size
from labels.symbols import Symbol

SIZES: Final = {"57x32": Size(57, 32), "60x40": Size(60, 40)}
_NOTE_FROM_MM: Final = 48.0
_NOTE_MM: Final = 7.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SkuLabel:
    """`encode` makes the symbol; by default EAN, UPC or ITF-14 when the barcode is a GTIN, else Code 128.

    `note` is the merchant's own text, such as the importer's address; labels below 48 mm have no room for it.
    """

    barcode: str
    merchant_code: str
    name_zh: str = ""
    name_en: str = ""
    merchant: str = ""
    note: str = ""
    size: Size = SIZES["57x32"]
    encode: Callable[[str], Symbol] = symbols.for_barcode

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        margin = 2.0
        inner = width - 2 * margin
        head = Box(margin, 1.6, inner, 4.6)
        if self.merchant:
            tag = Box(width - margin - inner * 0.28, head.y, inner * 0.28, head.height)
            sheet.tag(tag, self.merchant, size=8)
            head = head._replace(width=inner * 0.72 - 1)
        sheet.text(head, self.merchant_code, size=12, least=6, bold=True, middle=True)
        y = head.bottom + 0.5
        # A matrix of a long code needs as many millimetres on a small label as on a big one.
        bars = height * (0.4 if height > 25 else 0.5)
        bottom = height - bars - 1.6 - (_NOTE_MM if self.note and height >= _NOTE_FROM_MM else 0)
        room = bottom - y
        if self.name_zh:
            box = Box(margin, y, inner, room * 0.62 if self.name_en else room)
            y += sheet.text(box, self.name_zh, size=height * 0.28, least=6, lines=2)
        if self.name_en:
            box = Box(margin, y, inner, bottom - y)
            sheet.text(box, self.name_en, size=height * 0.25, least=5.5, lines=2)
        if self.note and height >= _NOTE_FROM_MM:
            note = Box(margin, height - bars - 1.6 - _NOTE_MM, inner, _NOTE_MM)
            sheet.text(note, " · ".join(filter(None, map(str.strip, self.note.splitlines()))), size=7, least=4.5, lines=3)
        sheet.barcode(Box(1, height - bars - 1.3, width - 2, bars), self.barcode, self.encode, text_size=8)
