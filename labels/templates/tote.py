"""The label of a tote: its number from across the aisle, the bars, and a matrix that is read upside down as well."""

from dataclasses import dataclass
from typing import Final

from labels import symbols
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"100x60": Size(100, 60), "70x50": Size(70, 50), "100x100": Size(100, 100)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ToteLabel:
    code: str
    warehouse: str = ""
    size: Size = SIZES["100x60"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        margin = 3.0
        top = height * 0.5
        square = min(top, width * 0.2)
        head = Box(margin, 2.5, width - 3 * margin - square, top)
        if self.warehouse:
            band = head._replace(height=min(6.0, height * 0.1))
            sheet.text(band, self.warehouse, size=12, least=6, middle=True)
            head = Box(head.x, band.bottom, head.width, top - band.height)
        sheet.text(head, self.code, size=60, least=10, lines=2, bold=True, align=Align.CENTRE, middle=True)
        sheet.symbol(Box(width - margin - square, 2.5, square, top), symbols.data_matrix(self.code))
        y = 2.5 + top + 1.5
        sheet.rule(margin, y, width - 2 * margin)
        sheet.barcode(Box(margin, y + 1.5, width - 2 * margin, height - y - 3.5), self.code, text_size=10)
