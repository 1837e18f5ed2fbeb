"""A person's badge: the name, and the token that signs in together with the PIN. Neither PIN nor token stands on it in letters."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from labels import symbols
from labels.sheet import Align, Box, Sheet, Size, SymbolTooWide

SIZES: Final = {"100x60": Size(100, 60), "70x50": Size(70, 50)}


@dataclass(frozen=True, kw_only=True, slots=True)
class BadgeLabel:
    """`token` is shown by the system once, when the badge is issued; a matrix for imagers, bars for laser scanners where they fit."""

    name: str
    token: str
    role: str = ""
    warehouse: str = ""
    size: Size = SIZES["100x60"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        margin = 3.0
        inner = Box(margin, 2.5, width - 2 * margin, height - 5)
        band = inner._replace(height=height * 0.13)
        sheet.tag(band, " · ".join(part for part in (self.warehouse, _("STAFF")) if part), size=12)
        rest = Box(inner.x, band.bottom + 1.5, inner.width, inner.bottom - band.bottom - 1.5)
        bars = symbols.code_128(self.token)
        strip = Box(0, inner.bottom - height * 0.28, width, height * 0.28)
        if self._fits(sheet, strip, bars):
            sheet.symbol(strip, bars)
            rest = rest._replace(height=strip.y - rest.y - 1)
        side = min(rest.height, rest.width * 0.45)
        sheet.symbol(Box(rest.right - side, rest.y, side, side), symbols.qr(self.token))
        words = Box(rest.x, rest.y, rest.width - side - 2, rest.height)
        name = words._replace(height=words.height * (0.66 if self.role else 1))
        sheet.text(name, self.name, size=26, least=7, lines=3, bold=True, middle=True)
        if self.role:
            role = Box(words.x, name.bottom, words.width, words.bottom - name.bottom)
            sheet.text(role, self.role, size=14, least=6, lines=2, middle=True, align=Align.LEFT)

    @staticmethod
    def _fits(sheet: Sheet, box: Box, symbol: symbols.Symbol) -> bool:
        try:
            sheet.module_dots(symbol, box)
        except SymbolTooWide:
            return False
        return True
