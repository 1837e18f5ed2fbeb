"""A pick list on paper: the stops of a wave along the walk, for the day when the handhelds stay away. Long ones flow over several pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from labels import paper
from labels.paper import Column
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"A4": Size(210, 297), "Letter": Size(215.9, 279.4)}
_MARGIN: Final = 12.0
_ROW: Final = 9.0
_HEAD: Final = 30.0
_HEAD_AGAIN: Final = 9.0
_CLOSING: Final = 24.0
_FOOT: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """`quantity` in base units; `order` and `tote` say where the goods go."""

    bin: str
    sku: str
    quantity: int
    name: str = ""
    lot: str = ""
    check_code: str = ""
    order: str = ""
    tote: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PickList:
    wave: str
    stops: tuple[Stop, ...]
    warehouse: str = ""
    picker: str = ""
    released_at: datetime | None = None
    size: Size = SIZES["A4"]

    def draw(self, sheet: Sheet) -> None:
        inner = self.size.width - 2 * _MARGIN
        room = self.size.height - 2 * _MARGIN - _ROW * 0.75 - _FOOT
        pages = paper.split(self.stops, row=_ROW, first=room - _HEAD, other=room - _HEAD_AGAIN, closing=_CLOSING)
        columns = [
            Column(pgettext("pick list", "Bin"), 0.17, bold=True, lines=1), Column(_("Check"), 0.07, Align.CENTRE, lines=1),
            Column(_("SKU"), 0.2), Column(_("Description"), 0.26), Column(_("Qty"), 0.09, Align.RIGHT, bold=True, lines=1),
            Column(_("Order"), 0.17), Column("✓", 0.04, Align.CENTRE, lines=1),
        ]  # fmt: skip
        for number, stops in enumerate(pages, start=1):
            if number > 1:
                sheet.new_page()
                title = Box(_MARGIN, _MARGIN, inner, 6)
                sheet.text(title, f"{self.warehouse} · {self.wave}", size=11, least=6, bold=True)
            else:
                self._draw_head(sheet, inner)
            top = _MARGIN + (_HEAD if number == 1 else _HEAD_AGAIN)
            rows = [
                (stop.bin, stop.check_code, stop.sku, " · ".join(filter(None, (stop.name, stop.lot))), str(stop.quantity),
                 " → ".join(filter(None, (stop.order, stop.tote))), "")
                for stop in stops
            ]  # fmt: skip
            end = paper.draw_table(sheet, Box(_MARGIN, top, inner, 0), columns, rows, row=_ROW, size=9.5)
            for place in range(len(stops)):
                box = Box(_MARGIN + inner * 0.96 + 1.6, end - (place + 1) * _ROW + (_ROW - 4) / 2, 4, 4)
                sheet.frame(box, thickness=0.2)
            if number == len(pages):
                self._draw_closing(sheet, end, inner)
            foot = Box(_MARGIN, self.size.height - _MARGIN - 3, inner, 4)
            sheet.text(foot, _("Page {page} of {pages}").format(page=number, pages=len(pages)), size=8, least=5, align=Align.RIGHT)

    def _draw_head(self, sheet: Sheet, inner: float) -> None:
        title = Box(_MARGIN, _MARGIN, inner * 0.55, 10)
        sheet.text(title, _("Pick list {wave}").format(wave=self.wave), size=22, least=9, bold=True, middle=True)
        facts = [self.warehouse]
        if self.released_at:
            facts.append(self.released_at.strftime("%Y-%m-%d %H:%M"))
        sheet.text(Box(_MARGIN, _MARGIN + 10.5, inner * 0.55, 5.5), " · ".join(filter(None, facts)), size=11, least=6, middle=True)
        picker = Box(_MARGIN, _MARGIN + 17, inner * 0.55, 6)
        sheet.text(picker, _("Picker: {name}").format(name=self.picker or "____________________"), size=11, least=6, middle=True)
        sheet.barcode(Box(_MARGIN + inner * 0.6, _MARGIN, inner * 0.4, 22), self.wave, text_size=9)
        sheet.rule(_MARGIN, _MARGIN + _HEAD - 4, inner, thickness=0.5)

    def _draw_closing(self, sheet: Sheet, y: float, inner: float) -> None:
        units = sum(stop.quantity for stop in self.stops)
        text = _("{stops} stops, {units} units").format(stops=len(self.stops), units=units)
        sheet.text(Box(_MARGIN, y + 1.5, inner, 6), text, size=11, least=6, bold=True, align=Align.RIGHT, middle=True)
        for place, words in enumerate((_("Picked by"), _("Date and time"))):
            line = Box(_MARGIN + place * inner * 0.52, y + 17, inner * 0.48, 4)
            sheet.rule(line.x, line.y, line.width, thickness=0.2)
            sheet.text(line._replace(y=line.y + 0.5), words, size=7.5, least=5)
