"""What a carrier's driver signs for: every parcel that is handed over. Long ones flow over several pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from labels import paper
from labels.measures import kilograms
from labels.paper import Column
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"A4": Size(210, 297), "Letter": Size(215.9, 279.4)}
_MARGIN: Final = 12.0
_ROW: Final = 7.5
_HEAD: Final = 38.0
_HEAD_AGAIN: Final = 9.0
_CLOSING: Final = 42.0
_FOOT: Final = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ManifestParcel:
    """`weight_g` 0 = not weighed."""

    tracking_number: str
    order_reference: str
    merchant: str
    place: str
    service: str = ""
    weight_g: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """`number` is what the house knows the handover by."""

    number: str
    carrier: str
    ship_from: tuple[str, ...]
    parcels: tuple[ManifestParcel, ...]
    made_at: datetime | None = None
    size: Size = SIZES["A4"]

    def draw(self, sheet: Sheet) -> None:
        inner = self.size.width - 2 * _MARGIN
        room = self.size.height - 2 * _MARGIN - _ROW * 0.75 - _FOOT
        numbered = tuple(enumerate(self.parcels, start=1))
        pages = paper.split(numbered, row=_ROW, first=room - _HEAD, other=room - _HEAD_AGAIN, closing=_CLOSING)
        columns = [
            Column("#", 0.07, Align.RIGHT, lines=1), Column(_("Tracking"), 0.25, bold=True, lines=1), Column(_("Order"), 0.2),
            Column(_("Merchant"), 0.13), Column(_("Destination"), 0.16), Column(_("Service"), 0.1, lines=1),
            Column(_("Weight"), 0.09, Align.RIGHT, lines=1),
        ]  # fmt: skip
        for page, parcels in enumerate(pages, start=1):
            if page > 1:
                sheet.new_page()
                line = Box(_MARGIN, _MARGIN, inner, 6)
                sheet.text(line, f"{self.carrier} · {self.number}", size=11, least=6, bold=True)
            else:
                self._draw_head(sheet, inner)
            top = _MARGIN + (_HEAD if page == 1 else _HEAD_AGAIN)
            rows = [
                (
                    str(number), parcel.tracking_number, parcel.order_reference, parcel.merchant, parcel.place, parcel.service,
                    kilograms(parcel.weight_g) if parcel.weight_g else "–",
                )
                for number, parcel in parcels
            ]  # fmt: skip
            end = paper.draw_table(sheet, Box(_MARGIN, top, inner, 0), columns, rows, row=_ROW, size=8.5)
            if page == len(pages):
                self._draw_closing(sheet, end, inner)
            foot = Box(_MARGIN, self.size.height - _MARGIN - 3, inner, 4)
            sheet.text(foot, _("Page {page} of {pages}").format(page=page, pages=len(pages)), size=8, least=5, align=Align.RIGHT)

    def _draw_head(self, sheet: Sheet, inner: float) -> None:
        sheet.text(Box(_MARGIN, _MARGIN, inner * 0.58, 10), _("Manifest"), size=22, least=9, bold=True, middle=True)
        carrier = Box(_MARGIN, _MARGIN + 10.5, inner * 0.58, 7)
        sheet.text(carrier, self.carrier, size=14, least=7, bold=True, middle=True)
        facts = [", ".join(self.ship_from)]
        if self.made_at:
            facts.append(self.made_at.strftime("%Y-%m-%d %H:%M"))
        for place, text in enumerate(facts):
            sheet.text(Box(_MARGIN, _MARGIN + 18 + place * 6, inner * 0.58, 6), text, size=9.5, least=5.5, lines=1, middle=True)
        sheet.barcode(Box(_MARGIN + inner * 0.62, _MARGIN, inner * 0.38, 24), self.number, text_size=9)
        sheet.rule(_MARGIN, _MARGIN + _HEAD - 4, inner, thickness=0.5)

    def _draw_closing(self, sheet: Sheet, y: float, inner: float) -> None:
        weight = sum(parcel.weight_g for parcel in self.parcels)
        text = _("{parcels} parcels, {weight}").format(parcels=len(self.parcels), weight=kilograms(weight))
        sheet.text(Box(_MARGIN, y + 1.5, inner, 6), text, size=12, least=6, bold=True, align=Align.RIGHT, middle=True)
        words = _("The carrier has received the parcels listed above in apparent good order.")
        sheet.text(Box(_MARGIN, y + 9, inner, 5), words, size=9, least=5, middle=True)
        for row, names in enumerate(((_("Driver, in capitals"), _("Signature")), (_("Vehicle"), _("Date and time")))):
            for column, name in enumerate(names):
                line = Box(_MARGIN + column * inner * 0.52, y + 24 + row * 12, inner * 0.48, 4)
                sheet.rule(line.x, line.y, line.width, thickness=0.2)
                sheet.text(line._replace(y=line.y + 0.4), name, size=7.5, least=5)
