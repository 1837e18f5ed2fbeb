"""The label of a bin: its code readable from the aisle, the barcode, the check code that is spoken or typed but never scanned."""

from dataclasses import dataclass
from typing import Final, Literal

from django.utils.translation import gettext as _

from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"100x60": Size(100, 60), "70x50": Size(70, 50)}


@dataclass(frozen=True, kw_only=True, slots=True)
class BinLabel:
    """`scan_code` is what the barcode holds; `arrow` says whether the bin is above or below the beam that carries the label."""

    code: str
    scan_code: str
    check_code: str
    level: str = ""
    arrow: Literal["up", "down"] | None = None
    warehouse: str = ""
    zone: str = ""
    size: Size = SIZES["100x60"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        margin, side = 3.0 if width > 80 else 2.0, width * 0.2
        main = width - side - 3 * margin
        right = width - margin - side
        band = Box(margin, 2.5, width - 2 * margin, height * 0.085)
        code = Box(margin, band.bottom + 1, width - 2 * margin, height * 0.36)
        if self.arrow:
            sheet.arrow(Box(right + side * 0.2, code.y + 1, side * 0.6, code.height - 2), up=self.arrow == "up")
            code = code._replace(width=main)
        sheet.text(code, self.code, size=54, least=16, bold=True, align=Align.CENTRE, middle=True)
        sheet.text(
            band._replace(width=band.width * 0.66), " · ".join(part for part in (self.warehouse, self.zone) if part), size=11, middle=True
        )
        if self.level:
            third = Box(band.x + band.width * 0.68, band.y, band.width * 0.32, band.height)
            sheet.text(third, _("Level {level}").format(level=self.level), size=11, bold=True, align=Align.RIGHT, middle=True)
        sheet.rule(margin, code.bottom + 1, width - 2 * margin)
        top = code.bottom + 2.5
        sheet.barcode(Box(margin, top, main, height - top - 2), self.scan_code, text_size=9)
        check = Box(right, top + 0.5, side, height - top - 3)
        sheet.frame(check, thickness=0.6)
        sheet.tag(Box(right, check.y, side, check.height * 0.27), _("CHECK"), size=9)
        number = Box(right, check.y + check.height * 0.27, side, check.height * 0.73)
        sheet.text(number.inset(1), self.check_code, size=36, least=8, bold=True, align=Align.CENTRE, middle=True)
