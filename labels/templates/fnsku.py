"""A marketplace's own label on one unit: the FNSKU as Code 128, the same in letters, the title and the condition. No other barcode.

Its rules: 1 × 2 to 2 × 3 in, narrow bars of about 10 mil, 0.25 in of white at the sides of the bars and 0.125 in above and below them.
"""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from labels import symbols
from labels.sheet import MM_PER_INCH, Align, Box, Sheet, Size

SIZES: Final = {"57x32": Size(57, 32), "60x40": Size(60, 40), "70x50": Size(70, 50)}
NARROW_BAR_MM: Final = 0.254
QUIET_SIDE_MM: Final = 6.35
QUIET_VERTICAL_MM: Final = 3.175


@dataclass(frozen=True, kw_only=True, slots=True)
class FnskuLabel:
    """`condition` blank is "New", which the marketplace writes in its own language."""

    fnsku: str
    title: str
    condition: str = ""
    size: Size = SIZES["57x32"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        string, condition = 3.6, 3.2
        title = max(3.2, height * 0.19)
        bars = height - 2 * QUIET_VERTICAL_MM - string - title - condition - 1.2
        symbol = symbols.code_128(self.fnsku)
        # As wide as bars of 10 mil make it, and no wider where the label would let them grow.
        needed = symbol.full_width * sheet.dots(NARROW_BAR_MM) / sheet.dpi * MM_PER_INCH
        side = max(QUIET_SIDE_MM - symbol.rules.left * NARROW_BAR_MM, (width - needed) / 2 - 0.01)
        sheet.symbol(Box(side, QUIET_VERTICAL_MM, width - 2 * side, bars), symbol)
        y = 2 * QUIET_VERTICAL_MM + bars
        inner = Box(2, y, width - 4, string)
        sheet.text(inner, self.fnsku, size=10, least=6, bold=True, align=Align.CENTRE, middle=True)
        lines = 2 if title > 5 else 1
        sheet.text(inner._replace(y=y + string, height=title), self.title, size=8, least=5, lines=lines, align=Align.CENTRE, middle=True)
        last = inner._replace(y=y + string + title, height=condition)
        sheet.text(last, self.condition or _("New"), size=8, least=5, align=Align.CENTRE, middle=True)
