"""The label of an inner carton from China: one sku, how many pieces, whose they are."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from labels import symbols
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"100x60": Size(100, 60), "70x50": Size(70, 50), "60x40": Size(60, 40)}


@dataclass(frozen=True, kw_only=True, slots=True)
class InnerLabel:
    """`barcode` is that of the packing (ITF-14 where it is a GTIN-14), whose scan counts `quantity` base units."""

    merchant: str
    sku: str
    quantity: int
    barcode: str
    name_zh: str = ""
    name_en: str = ""
    lot: str = ""
    expires_on: date | None = None
    asn_reference: str = ""
    size: Size = SIZES["100x60"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        margin = 2.5
        inner = width - 2 * margin
        right = inner * 0.3
        head = Box(margin, 2, inner, height * 0.12)
        sheet.fill(head)
        line = head.inset(1.2, 0.3)
        sheet.text(line._replace(width=line.width * 0.6), self.merchant, size=14, least=6, bold=True, white=True, middle=True)
        origin = line._replace(x=line.x + line.width * 0.6, width=line.width * 0.4)
        # Asked for in English by customs, whatever the language of the rest.
        sheet.text(origin, "MADE IN CHINA", size=11, least=5, bold=True, white=True, align=Align.RIGHT, middle=True)
        bars = Box(1, height - height * 0.34 - 1.6, width - 2, height * 0.34)
        body = Box(margin, head.bottom + 0.8, inner - right - 1.5, bars.y - head.bottom - 1.6)
        self._draw_goods(sheet, body)
        count = Box(margin + inner - right, body.y, right, body.height)
        sheet.frame(count)
        sheet.text(count._replace(y=count.y + 0.6, height=3.6), _("PIECES"), size=8, least=5, align=Align.CENTRE, middle=True)
        number = Box(count.x + 1, count.y + 4, count.width - 2, count.height - 5)
        sheet.text(number, str(self.quantity), size=48, least=8, bold=True, align=Align.CENTRE, middle=True)
        sheet.barcode(bars, self.barcode, symbols.for_barcode, text_size=9)

    def _draw_goods(self, sheet: Sheet, box: Box) -> None:
        """Code, names and lot, each with its share of the height; what is missing leaves its share to the others."""
        facts = [_("Lot {lot}").format(lot=self.lot)] if self.lot else []
        if self.expires_on:
            facts.append(_("Expires {date}").format(date=self.expires_on.isoformat()))
        if self.asn_reference:
            facts.append(self.asn_reference)
        rows = [
            (self.sku, 1.1, 22, True),
            (self.name_zh, 1.0, 16, False),
            (self.name_en, 1.0, 14, False),
            (" · ".join(facts), 0.7, 10, False),
        ]
        rows = [row for row in rows if row[0]]
        share = box.height / sum(weight for _text, weight, _size, _bold in rows)
        y = box.y
        for text, weight, size, bold in rows:
            row = Box(box.x, y, box.width, share * weight)
            sheet.text(row, text, size=size, least=5, lines=2 if weight == 1.0 else 1, bold=bold, middle=True)
            y += row.height
