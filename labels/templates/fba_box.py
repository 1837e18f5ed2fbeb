"""The box label of a shipment into a marketplace's own warehouse, 4 × 6 in: shipment, box number, from, to, and what is inside."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labels import symbols
from labels.addresses import Address
from labels.measures import kilograms
from labels.sheet import Align, Box, Sheet, Size
from wms.core.errors import WmsError

SIZES: Final = {"4x6in": Size(101.6, 152.4), "100x150": Size(100, 150)}
MOST_BOXES: Final = 999_999


class BadBoxNumber(WmsError):
    code, message = "bad_box_number", gettext_lazy("A shipment has the boxes 1 to {total}, at most 999999; {number} is none of them.")


@dataclass(frozen=True, kw_only=True, slots=True)
class FbaBoxLabel:
    """Without a `sku` the box holds "Assorted SKUs". The symbol holds the shipment's id, U and six digits of the box number."""

    shipment_id: str
    number: int
    total: int
    ship_from: Address
    ship_to: Address
    sku: str = ""
    fnsku: str = ""
    name: str = ""
    quantity: int = 0
    gross_g: int = 0
    created_on: date | None = None
    size: Size = SIZES["4x6in"]

    @property
    def box_code(self) -> str:
        """Raises BadBoxNumber."""
        if not 1 <= self.number <= self.total <= MOST_BOXES:
            raise BadBoxNumber(number=self.number, total=self.total)
        return f"{self.shipment_id}U{self.number:06d}"

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        frame = Box(3, 3, width - 6, height - 6)
        head = frame._replace(height=13)
        sheet.text(head._replace(width=head.width * 0.3), "FBA", size=34, bold=True, middle=True)
        words = Box(head.x + head.width * 0.3, head.y, head.width * 0.7, 13)
        box = _("Box {number} of {total}").format(number=self.number, total=self.total)
        upper, lower = words._replace(height=7.5), Box(words.x, words.y + 7.5, words.width, 5)
        sheet.text(upper, box, size=19, least=8, bold=True, align=Align.RIGHT, middle=True)
        facts = [kilograms(self.gross_g)] if self.gross_g else []
        facts += [self.created_on.isoformat()] if self.created_on else []
        sheet.text(lower, " · ".join(facts), size=9, least=6, align=Align.RIGHT, middle=True)
        sheet.rule(frame.x, head.bottom + 0.6, frame.width, thickness=0.8)
        half = frame.width / 2
        addresses = Box(frame.x, head.bottom + 1.4, half - 2, 38)
        self._draw_address(sheet, addresses, _("SHIP FROM"), self.ship_from)
        self._draw_address(sheet, addresses._replace(x=frame.x + half + 2), _("SHIP TO"), self.ship_to)
        sheet.rule(frame.x + half, addresses.y, addresses.height, vertical=True)
        sheet.rule(frame.x, addresses.bottom + 0.5, frame.width, thickness=0.8)
        bars = Box(frame.x, addresses.bottom + 3, frame.width, 38)
        sheet.symbol(bars, symbols.code_128(self.box_code), text_size=12)
        sheet.rule(frame.x, bars.bottom + 1.5, frame.width, thickness=0.8)
        self._draw_content(sheet, Box(frame.x, bars.bottom + 3, frame.width, frame.bottom - bars.bottom - 3))

    @staticmethod
    def _draw_address(sheet: Sheet, box: Box, title: str, address: Address) -> None:
        sheet.text(box._replace(height=4), f"{title}:", size=8, bold=True, middle=True)
        lines = address.lines()
        step = min(5.6, (box.height - 5) / len(lines))
        for place, line in enumerate(lines):
            row = Box(box.x, box.y + 4.6 + place * step, box.width, step)
            sheet.text(row, line, size=10.5, least=5.5, lines=2, bold=place == 0, middle=True)

    def _draw_content(self, sheet: Sheet, box: Box) -> None:
        if not self.sku:
            sheet.text(box, _("Assorted SKUs"), size=24, least=10, bold=True, align=Align.CENTRE, middle=True)
            return
        sheet.text(box._replace(height=5), _("Single SKU"), size=9, middle=True)
        quantity = Box(box.right - box.width * 0.27, box.y, box.width * 0.27, 16)
        sheet.text(quantity, f"× {self.quantity}", size=30, least=8, bold=True, align=Align.RIGHT, middle=True)
        code = Box(box.x, box.y + 5, box.width * 0.71, 11)
        sheet.text(code, self.sku, size=20, least=7, lines=2, bold=True, middle=True)
        y = code.bottom + 1
        if self.fnsku:
            sheet.text(Box(box.x, y, box.width, 5.5), f"FNSKU {self.fnsku}", size=12, least=7, middle=True)
            y += 6
        sheet.text(Box(box.x, y, box.width, box.bottom - y), self.name, size=11, least=6, lines=3)
