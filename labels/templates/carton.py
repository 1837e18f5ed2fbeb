"""The label of a carton from China: whose it is, which box of which ASN, what is in it, how heavy and how big."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from labels.measures import centimetres, kilograms
from labels.sheet import Align, Box, Sheet, Size

SIZES: Final = {"100x150": Size(100, 150), "4x6in": Size(101.6, 152.4), "100x100": Size(100, 100)}
TEAM_LIFT_G: Final = 22_680
"""50 lb: what receiving warehouses ask a second pair of hands for."""
_ROW: Final = 7.0
_TALLEST_ROW: Final = 13.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CartonContent:
    """`quantity` in base units."""

    sku: str
    quantity: int
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CartonLabel:
    """Box `number` of `total`; weights in grams, sides in mm, 0 = not known (and not printed)."""

    merchant: str
    asn_reference: str
    number: int
    total: int
    contents: tuple[CartonContent, ...]
    barcode: str
    destination: str = ""
    gross_g: int = 0
    net_g: int = 0
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    team_lift_g: int = TEAM_LIFT_G
    size: Size = SIZES["100x150"]

    def draw(self, sheet: Sheet) -> None:
        width, height = self.size
        frame = Box(3, 3, width - 6, height - 6)
        sheet.frame(frame)
        y = self._draw_head(sheet, frame)
        bars = Box(frame.x, frame.bottom - height * 0.25, frame.width, height * 0.25 - 1)
        facts = Box(frame.x, bars.y - 17, frame.width, 16)
        self._draw_contents(sheet, Box(frame.x + 2, y + 1, frame.width - 4, facts.y - y - 2))
        sheet.rule(frame.x, facts.y, frame.width)
        self._draw_facts(sheet, facts)
        sheet.rule(frame.x, facts.bottom, frame.width)
        sheet.barcode(Box(frame.x + 1, bars.y, frame.width - 2, bars.height), self.barcode, text_size=12)

    def _draw_head(self, sheet: Sheet, frame: Box) -> float:
        """Merchant, destination, ASN and box number. Returns where the next part begins, in mm."""
        band = Box(frame.x, frame.y, frame.width, 11)
        sheet.fill(band)
        wide = band.width - 30 if self.destination else band.width
        sheet.text(band._replace(width=wide).inset(2, 1), self.merchant, size=20, least=8, bold=True, white=True, middle=True)
        if self.destination:
            box = Box(band.right - 30, band.y, 30, band.height).inset(2, 1)
            sheet.text(box, f"→ {self.destination}", size=16, least=6, bold=True, white=True, align=Align.RIGHT, middle=True)
        y, half = band.bottom, frame.width * 0.58
        sheet.text(Box(frame.x + 2, y + 1, half - 3, 4), _("ASN"), size=8)
        sheet.text(Box(frame.x + 2, y + 4.5, half - 3, 9.5), self.asn_reference, size=20, least=7, lines=2, bold=True, middle=True)
        sheet.rule(frame.x + half, y, 15, vertical=True)
        box = Box(frame.x + half + 2, y + 1, frame.width - half - 4, 4)
        sheet.text(box, _("BOX"), size=8)
        number = _("{number} of {total}").format(number=self.number, total=self.total)
        sheet.text(box._replace(y=y + 4.5, height=9.5), number, size=22, least=8, bold=True, align=Align.CENTRE, middle=True)
        sheet.rule(frame.x, y + 15, frame.width)
        return y + 15

    def _draw_contents(self, sheet: Sheet, box: Box) -> None:
        """SKU x quantity, a row each, tall when there are few; where the rows run out, the last one counts the rest."""
        rows = max(1, int(box.height / _ROW))
        shown = self.contents if len(self.contents) <= rows else self.contents[: rows - 1]
        tall = max(_ROW, min(_TALLEST_ROW, box.height / max(1, len(self.contents))))
        for place, content in enumerate(shown):
            row = Box(box.x, box.y + place * tall, box.width, tall)
            sheet.text(row._replace(width=box.width * 0.44), content.sku, size=tall * 1.6, least=6, lines=2, bold=True, middle=True)
            name = Box(box.x + box.width * 0.46, row.y + 0.4, box.width * 0.32, tall - 0.8)
            sheet.text(name, content.name, size=tall * 1.15, least=6, lines=2, middle=True)
            quantity = Box(box.x + box.width * 0.8, row.y, box.width * 0.2, tall)
            sheet.text(quantity, f"× {content.quantity}", size=tall * 2.1, least=7, bold=True, align=Align.RIGHT, middle=True)
            sheet.rule(box.x, row.bottom, box.width, thickness=0.15)
        rest = self.contents[len(shown) :]
        if rest:
            text = _("and {skus} more SKUs, {units} units").format(skus=len(rest), units=sum(line.quantity for line in rest))
            sheet.text(Box(box.x, box.y + len(shown) * tall, box.width, tall), text, size=11, least=6, middle=True)

    def _draw_facts(self, sheet: Sheet, box: Box) -> None:
        left = Box(box.x + 2, box.y + 1.2, box.width * 0.55, 7)
        weights = [(_("GROSS"), self.gross_g), (_("NET"), self.net_g)]
        text = " · ".join(f"{name} {kilograms(grams)}" for name, grams in weights if grams)
        sheet.text(left, text, size=11, least=6, bold=True, middle=True)
        if self.length_mm and self.width_mm and self.height_mm:
            sides = centimetres(self.length_mm, self.width_mm, self.height_mm)
            sheet.text(left._replace(y=box.y + 8.2), sides, size=11, least=6, middle=True)
        right = Box(box.x + box.width * 0.58, box.y + 1.2, box.width * 0.42 - 2, 6.8)
        # The mark of origin is asked for in English by customs, whatever the language of the rest.
        sheet.text(right, "MADE IN CHINA", size=13, least=6, bold=True, align=Align.RIGHT, middle=True)
        if self.gross_g > self.team_lift_g:
            sheet.tag(right._replace(y=box.y + 8.4, height=6.4), _("TEAM LIFT"), size=12)
