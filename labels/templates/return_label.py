"""What a buyer sticks onto a parcel that comes back: to the warehouse, with the number by which the dock knows it."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from labels import symbols
from labels.addresses import Address
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"4x6in": Size(101.6, 152.4), "100x150": Size(100, 150)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnLabel:
    """`reference` is what the dock scans: the return's own number, or the order's."""

    reference: str
    ship_from: Address
    ship_to: Address
    merchant: str = ""
    order_reference: str = ""
    service: str = ""
    reason: str = ""
    valid_until: date | None = None
    size: Size = SIZES["4x6in"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        frame = Box(3, 3, width - 6, height - 6)
        sheet.frame(frame)
        sheet.tag(frame._replace(height=13), _("RETURN"), size=28)
        sender = Box(frame.x + 2, frame.y + 14, frame.width - 4, 24)
        sheet.text(sender._replace(height=3.6), _("FROM"), size=7, bold=True)
        self._lines(sheet, Box(sender.x, sender.y + 4, sender.width * 0.62, sender.height - 4.5), self.ship_from.lines(), 9, 5)
        if self.service:
            service = Box(sender.x + sender.width * 0.64, sender.y + 1, sender.width * 0.36, 9)
            sheet.frame(service)
            sheet.text(service.inset(1), self.service, size=13, least=6, bold=True, align=Align.CENTRE, middle=True)
        sheet.rule(frame.x, sender.bottom + 0.5, frame.width)
        bars = Box(frame.x + 0.5, frame.bottom - 39, frame.width - 1, 38)
        facts = Box(frame.x, bars.y - 13, frame.width, 12)
        receiver = Box(frame.x + 2, sender.bottom + 1.5, frame.width - 4, facts.y - sender.bottom - 2.5)
        sheet.tag(receiver._replace(width=20, height=5), _("SHIP TO"), size=9)
        place = Box(receiver.x + 1, receiver.y + 6, receiver.width - 2, receiver.height - 6.5)
        self._lines(sheet, place, self.ship_to.lines(), 15, 7.4)
        sheet.rule(frame.x, facts.y, frame.width)
        self._draw_facts(sheet, facts)
        sheet.rule(frame.x, facts.bottom, frame.width, thickness=1.0)
        self._draw_reference(sheet, bars)

    @staticmethod
    def _lines(sheet: Sheet, box: Box, lines: list[str], size: float, tallest: float) -> None:
        step = min(tallest, box.height / max(1, len(lines)))
        for number, line in enumerate(lines):
            row = Box(box.x, box.y + number * step, box.width, step)
            sheet.text(row, line, size=size, least=5.5, lines=2, bold=number == 0, middle=True)

    def _draw_facts(self, sheet: Sheet, box: Box) -> None:
        until = self.valid_until.isoformat() if self.valid_until else ""
        facts = [(_("MERCHANT"), self.merchant), (_("ORDER"), self.order_reference), (_("REASON"), self.reason), (_("VALID UNTIL"), until)]
        shown = [(title, text) for title, text in facts if text]
        wide = box.width / max(1, len(shown))
        for number, (title, text) in enumerate(shown):
            column = Box(box.x + number * wide + 1.5, box.y + 0.8, wide - 3, 3.4)
            if number:
                sheet.rule(box.x + number * wide, box.y, box.height, vertical=True)
            sheet.text(column, title, size=6.5, least=5, bold=True)
            sheet.text(column._replace(y=box.y + 4, height=7.6), text, size=11, least=5.5, lines=2, middle=True)

    def _draw_reference(self, sheet: Sheet, box: Box) -> None:
        square = box.height * 0.75
        right = Box(box.right - square - 1, box.y + (box.height - square) / 2, square, square)
        sheet.symbol(right, symbols.data_matrix(self.reference))
        left = Box(box.x, box.y + 2, box.width - square - 2, box.height - 2)
        symbol_fits = len(self.reference) <= 12 and self.reference.isascii()
        if symbol_fits:
            sheet.barcode(left, self.reference, text_size=11)
        else:
            sheet.text(left.inset(2), self.reference, size=20, least=7, lines=4, bold=True, align=Align.CENTRE, middle=True)
