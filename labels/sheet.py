"""One sheet of a label: places in millimetres from the top left, everything drawn on the printer's dot grid."""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from django.utils.translation import gettext_lazy as _
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from labels import fonts, symbols
from labels.fitting import LINE_HEIGHT, Fitted, fit
from labels.symbols import Kind, Symbol
from wms.core.errors import WmsError

MM_PER_INCH: Final = 25.4
POINTS_PER_INCH: Final = 72
# The PDF fill rule under which what overlaps is black, not white.
_NON_ZERO: Final = 1
# Each rectangle is this much smaller on every side (in dots), so that no rasteriser blackens the dots beside it.
_INSET: Final = 0.1
# The font has one weight: bold is the same outline with a stroke of this share of the size.
_BOLD_STROKE: Final = 0.035


class SymbolTooWide(WmsError):
    code, message = "symbol_too_wide", _("A {kind} symbol of “{content}” does not fit into {width_mm} mm at {dpi} dpi.")


class Size(NamedTuple):
    """Width and height of a label in mm."""

    width: float
    height: float


class Box(NamedTuple):
    """A place on the label in mm: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def right(self) -> float:
        return self.x + self.width

    def inset(self, dx: float, dy: float | None = None) -> "Box":
        dy = dx if dy is None else dy
        return Box(self.x + dx, self.y + dy, self.width - 2 * dx, self.height - 2 * dy)


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class Sheet:
    """What templates draw on. Text sizes are points; `page` counts from 1 within one label."""

    def __init__(self, canvas: Canvas, size: Size, dpi: int) -> None:
        fonts.label_font()
        self._canvas = canvas
        self.size = size
        self.dpi = dpi
        self.page = 1
        self._height = self.dots(size.height)
        self._start()

    def _start(self) -> None:
        scale = POINTS_PER_INCH / self.dpi
        # Whole dots; the hair less keeps renderers that round up from adding a dot.
        self._canvas.setPageSize((self.dots(self.size.width) * scale - 1e-4, self._height * scale - 1e-4))
        self._canvas.transform(scale, 0, 0, scale, 0, 0)

    def new_page(self) -> None:
        """End this page of the same label and begin another."""
        self._canvas.showPage()
        self.page += 1
        self._start()

    def dots(self, mm: float) -> int:
        return round(mm / MM_PER_INCH * self.dpi)

    def _in_dots(self, box: Box) -> tuple[int, int, int, int]:
        """Left, top, width and height; both edges are rounded, so that touching boxes stay touching."""
        left, top = self.dots(box.x), self.dots(box.y)
        return left, top, self.dots(box.right) - left, self.dots(box.bottom) - top

    def _fill(self, rectangles: list[tuple[int, int, int, int]]) -> None:
        """One compound path of (left, top, width, height) in whole dots, which may overlap."""
        less = 2 * _INSET
        operators = [
            f"{x + _INSET:.1f} {self._height - y - height + _INSET:.1f} {width - less:.1f} {height - less:.1f} re"
            for x, y, width, height in rectangles
        ]
        self._canvas.drawPath(PDFPathObject(["\n".join(operators)]), stroke=0, fill=1, fillMode=_NON_ZERO)

    def fill(self, box: Box) -> None:
        self._fill([self._in_dots(box)])

    def rule(self, x: float, y: float, length: float, *, thickness: float = 0.3, vertical: bool = False) -> None:
        """A line from (x, y), rightwards or downwards, at least one dot thick."""
        width, height = (0.0, length) if vertical else (length, 0.0)
        left, top, across, down = self._in_dots(Box(x, y, width, height))
        thick = max(1, self.dots(thickness))
        self._fill([(left, top, across or thick, down or thick)])

    def frame(self, box: Box, *, thickness: float = 0.4) -> None:
        left, top, width, height = self._in_dots(box)
        thick = max(1, self.dots(thickness))
        self._fill([
            (left, top, width, thick), (left, top + height - thick, width, thick),
            (left, top + thick, thick, height - 2 * thick), (left + width - thick, top + thick, thick, height - 2 * thick),
        ])  # fmt: skip

    def arrow(self, box: Box, *, up: bool) -> None:
        """A filled arrow that uses the whole box."""
        left, top, width, height = self._in_dots(box)
        tip, base = (top, top + height) if up else (top + height, top)
        neck = (tip + base) / 2
        corners = [
            (left + width / 2, tip), (left + width, neck), (left + width * 0.68, neck), (left + width * 0.68, base),
            (left + width * 0.32, base), (left + width * 0.32, neck), (left, neck),
        ]  # fmt: skip
        points = [f"{x:g} {self._height - y:g}" for x, y in corners]
        outline = f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h"
        self._canvas.drawPath(PDFPathObject([outline]), stroke=0, fill=1)

    def text(
        self,
        box: Box,
        text: str,
        *,
        size: float = 9,
        least: float = 6,
        lines: int = 1,
        bold: bool = False,
        white: bool = False,
        align: Align = Align.LEFT,
        middle: bool = False,
    ) -> float:
        """Fit `text` into the box, from its top or in its middle. Returns the height in mm that it took."""
        left, top, width, height = self._in_dots(box)
        point = self.dpi / POINTS_PER_INCH
        # The stroke of bold text stands out by half its width on either side.
        slack = size * point * _BOLD_STROKE if bold else 0
        fitted = fit(text, width - slack, height - slack, size * point, least * point, lines)
        if not fitted.lines:
            return 0
        if middle:
            taken = (len(fitted.lines) - 1) * LINE_HEIGHT * fitted.size
            baseline = top + (height - taken + fonts.CAP_HEIGHT * fitted.size) / 2
        else:
            baseline = top + slack / 2 + fonts.ASCENT * fitted.size
        self._write(fitted, left, width, baseline, bold=bold, white=white, align=align)
        return fitted.height / self.dpi * MM_PER_INCH

    def _write(self, fitted: Fitted, left: float, width: float, baseline: float, *, bold: bool, white: bool, align: Align) -> None:
        canvas = self._canvas
        shade = 1 if white else 0
        canvas.setFillGray(shade)
        if bold:
            canvas.setStrokeGray(shade)
            canvas.setLineWidth(fitted.size * _BOLD_STROKE)
            canvas.setLineJoin(1)
        canvas.setFont(fonts.NAME, fitted.size)
        for number, line in enumerate(fitted.lines):
            free = width - fonts.width_em(line) * fitted.size
            x = left + {Align.LEFT: 0, Align.CENTRE: free / 2, Align.RIGHT: free}[align]
            y = self._height - baseline - number * LINE_HEIGHT * fitted.size
            canvas.drawString(round(x, 1), round(y, 1), line, mode=2 if bold else None)
        if white:
            canvas.setFillGray(0)

    def tag(self, box: Box, text: str, *, size: float = 9, align: Align = Align.CENTRE) -> None:
        """White text on a black ground."""
        self.fill(box)
        self.text(box.inset(0.8, 0.2), text, size=size, least=4, bold=True, white=True, align=align, middle=True)

    def module_dots(self, symbol: Symbol, box: Box, least_mm: float | None = None) -> int:
        """Dots of one module: as many as wished, fewer where the box is narrow. Raises SymbolTooWide below the least."""
        rules = symbol.rules
        least = math.ceil((least_mm or rules.least_mm) / MM_PER_INCH * self.dpi - 0.05)
        wished = max(least, self.dots(rules.wished_mm))
        _left, _top, width, height = self._in_dots(box)
        room = min(width // symbol.full_width, height // symbol.full_height) if symbol.is_matrix else width // symbol.full_width
        if room < least:
            raise SymbolTooWide(kind=symbol.kind.value, content=symbol.text[:100], width_mm=round(box.width, 1), dpi=self.dpi)
        return min(wished, room)

    def symbol(self, box: Box, symbol: Symbol, *, text_size: float = 0, least_mm: float | None = None) -> None:
        """Draw a symbol, quiet zones included, in the middle of the box; a human-readable line of `text_size` points stands below.

        `least_mm`: a module width that the symbol must reach here beyond its kind's own least.
        """
        line_mm = text_size * 1.2 / POINTS_PER_INCH * MM_PER_INCH
        bars = box._replace(height=box.height - line_mm)
        module = self.module_dots(symbol, bars, least_mm)
        left, top, width, height = self._in_dots(bars)
        left += (width - symbol.full_width * module) // 2 + symbol.rules.left * module
        if symbol.is_matrix:
            top += (height - symbol.full_height * module) // 2 + symbol.rules.vertical * module
        row_height = module if symbol.is_matrix else height
        bearer = 2 * module if symbol.kind == Kind.ITF_14 else 0
        rectangles = [
            (left + run.start * module, top + place * row_height + bearer, run.length * module, row_height - 2 * bearer)
            for place, row in enumerate(symbol.rows)
            for run in row
        ]
        # The inset would leave a hair of white between the rows of a matrix: two dots across each seam close it.
        rectangles += [(left + run.start * module, top + place * row_height - 1, run.length * module, 2) for place, run in symbol.seams()]
        if bearer:
            # Without bearer bars a slanted scan reads a shorter, valid number.
            rectangles += [(left, y, symbol.width * module, bearer) for y in (top, top + height - bearer)]
        self._fill(rectangles)
        if text_size:
            line = Box(box.x, box.bottom - line_mm, box.width, line_mm)
            self.text(line, symbol.text, size=text_size, least=4, align=Align.CENTRE, middle=True)

    def barcode(self, box: Box, content: str, encode: Callable[[str], Symbol] = symbols.code_128, *, text_size: float = 0) -> None:
        """`content` as a linear symbol, or as DataMatrix where it is too long for the box or not ASCII.

        A warehouse's imagers read both, and a label that holds the code is worth more than none.
        """
        try:
            symbol = encode(content)
            self.module_dots(symbol, box)
        except (symbols.UnprintableContent, symbols.BadContentLength, SymbolTooWide):
            self._matrix_beside_text(box, symbols.data_matrix(content), text_size)
        else:
            self.symbol(box, symbol, text_size=text_size)

    def _matrix_beside_text(self, box: Box, symbol: Symbol, text_size: float) -> None:
        """A matrix needs the height that its text would take below it; the text stands at its right, in up to four lines."""
        if not text_size:
            self.symbol(box, symbol)
            return
        side = min(box.height, box.width / 2)
        self.symbol(box._replace(width=side), symbol)
        beside = Box(box.x + side + 1, box.y, box.width - side - 3, box.height)
        self.text(beside, symbol.text, size=text_size, least=5, lines=4, middle=True)
