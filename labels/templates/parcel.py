"""The shipping label of our own carrier, 4x6 in. A foreign carrier's label is printed byte for byte and never drawn here."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from labels import gs1, symbols
from labels.addresses import Address
from labels.measures import kilograms
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"4x6in": Size(101.6, 152.4), "100x150": Size(100, 150)}
_LOGISTICS_MODULE_MM: Final = 0.495
"""The least module of GS1-128 on transport units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParcelLabel:
    """`tracking_elements` print the tracking number as GS1-128, e.g. (("00", sscc),); without them it is a Code 128."""

    ship_from: Address
    ship_to: Address
    tracking_number: str
    service: str
    order_reference: str
    weight_g: int
    carrier: str = ""
    shipped_on: date | None = None
    number: int = 1
    total: int = 1
    tracking_elements: tuple[gs1.Element, ...] = ()
    size: Size = SIZES["4x6in"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        frame = Box(3, 3, width - 6, height - 6)
        sheet.frame(frame)
        bars = Box(frame.x, frame.bottom - 45, frame.width, 44)
        facts = Box(frame.x, bars.y - 16, frame.width, 15)
        head = Box(frame.x, frame.y, frame.width, 34)
        self._draw_head(sheet, head)
        sheet.rule(frame.x, head.bottom, frame.width)
        self._draw_receiver(sheet, Box(frame.x + 2, head.bottom + 1.5, frame.width - 4, facts.y - head.bottom - 2.5))
        sheet.rule(frame.x, facts.y, frame.width)
        self._draw_facts(sheet, facts)
        sheet.rule(frame.x, facts.bottom, frame.width, thickness=1.0)
        self._draw_tracking(sheet, Box(bars.x + 0.5, bars.y + 1, bars.width - 1, bars.height - 1))

    def _draw_head(self, sheet: Sheet, box: Box) -> None:
        side = 36.0
        sender = Box(box.x + 2, box.y + 1.5, box.width - side - 4, 3.5)
        sheet.text(sender, _("FROM"), size=7, bold=True)
        y = sender.bottom
        for line in [*self.ship_from.lines(), self.ship_from.phone]:
            if y > box.bottom - 3.5:
                break
            sheet.text(Box(sender.x, y, sender.width, 4), line, size=8.5, least=6)
            y += 3.9
        right = Box(box.right - side, box.y, side, 8)
        sheet.rule(right.x, box.y, box.height, vertical=True)
        sheet.tag(right, self.service, size=15)
        square = Box(right.x + 0.5, right.bottom + 0.5, side - 1, box.height - 9 - (4.5 if self.carrier else 0))
        sheet.symbol(square, symbols.qr(self.tracking_number))
        if self.carrier:
            sheet.text(Box(right.x + 1, box.bottom - 5, side - 2, 4.5), self.carrier, size=9, least=6, align=Align.CENTRE, middle=True)

    def _draw_receiver(self, sheet: Sheet, box: Box) -> None:
        sheet.tag(Box(box.x, box.y, 20, 5), _("SHIP TO"), size=9)
        if self.ship_to.phone:
            sheet.text(Box(box.x + 24, box.y, box.width - 24, 5), self.ship_to.phone, size=9, least=6, align=Align.RIGHT, middle=True)
        lines = self.ship_to.lines()
        step = min(7.6, (box.height - 6.5) / len(lines))
        last_of_place = len(lines) - 2
        for place, line in enumerate(lines):
            row = Box(box.x + 1, box.y + 6.5 + place * step, box.width - 2, step)
            # The name and the place steer the parcel: they are the bold ones.
            sheet.text(row, line, size=16, least=6.5, lines=2, bold=place in {0, last_of_place}, middle=True)

    def _draw_facts(self, sheet: Sheet, box: Box) -> None:
        date_share = 0.25 if self.shipped_on else 0
        facts = [(_("ORDER"), self.order_reference, 0.63 - date_share), (_("WEIGHT"), kilograms(self.weight_g), 0.23)]
        if self.shipped_on:
            facts.append((_("DATE"), self.shipped_on.isoformat(), date_share))
        facts.append((_("BOX"), f"{self.number}/{self.total}", 0.14))
        x = box.x
        for place, (name, text, share) in enumerate(facts):
            if place:
                sheet.rule(x, box.y, box.height, vertical=True)
            column = Box(x + 1.5, box.y + 1.2, box.width * share - 3, 3.5)
            sheet.text(column, name, size=7, bold=True)
            lines = 2 if place == 0 else 1
            sheet.text(column._replace(y=box.y + 4.8, height=9.4), text, size=12, least=6.5, lines=lines, middle=True)
            x += box.width * share

    def _draw_tracking(self, sheet: Sheet, box: Box) -> None:
        sheet.text(Box(box.x, box.y, box.width, 4.5), _("TRACKING"), size=9, bold=True, align=Align.CENTRE, middle=True)
        bars = Box(box.x, box.y + 5, box.width, box.height - 6)
        if self.tracking_elements:
            sheet.symbol(bars, symbols.gs1_128(self.tracking_elements), text_size=11, least_mm=_LOGISTICS_MODULE_MM)
        else:
            sheet.symbol(bars, symbols.code_128(self.tracking_number), text_size=12)
