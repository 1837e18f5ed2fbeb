"""One sheet of a label: places in millimetres from the top left, everything drawn on the printer's dot grid."""

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from django.utils.translation import gettext_lazy as _

from labels import fonts, symbols
from labels.fitting import LINE_HEIGHT, fit
from labels.pictures import Picture, black_and_white
from labels.symbols import Kind, Symbol
from wms.core.errors import WmsError

MM_PER_INCH: Final = 25.4
POINTS_PER_INCH: Final = 72
# The font has one weight: bold is the same outline with a stroke of this share of the size.
BOLD_STROKE: Final = 0.035


class SymbolTooWide(WmsError):
    code, message = "symbol_too_wide", _("A {kind} symbol of “{content}” does not fit into {width_mm} mm at {dpi} dpi.")


class CellIsFull(WmsError):
    code, message = "cell_is_full", _("A label of several pages does not fit into a cell of a sheet.")


Rectangle = tuple[int, int, int, int]
"""Left, top, width, height in whole dots."""


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

    @property
    def share(self) -> float:
        """How much of the room that a line leaves free stands before it."""
        return _SHARES[self]


_SHARES: Final = {Align.LEFT: 0.0, Align.CENTRE: 0.5, Align.RIGHT: 1.0}


class Text(NamedTuple):
    """Lines that were fitted to the font's widths. `left`, `width` and `baseline` (of the first line) in dots, as is `size`."""

    lines: Sequence[str]
    left: float
    width: float
    baseline: float
    size: float
    align: Align = Align.LEFT
    bold: bool = False
    white: bool = False

    @property
    def leading(self) -> float:
        """From one baseline to the next."""
        return LINE_HEIGHT * self.size


class Surface(Protocol):
    """What a sheet prints on: PDF or ZPL. All places are dots from the top left of the page, black on white."""

    def start_page(self, width: int, height: int) -> None: ...

    def end_page(self) -> None: ...

    def fill(self, rectangles: Sequence[Rectangle]) -> None:
        """Rectangles, which may overlap."""

    def outline(self, corners: Sequence[tuple[float, float]]) -> None:
        """A filled shape."""

    def write(self, text: Text) -> None: ...

    def bars(self, symbol: Symbol, left: int, top: int, module: int, height: int) -> None:
        """A symbol without its quiet zones, `module` dots a module; `height` is that of a linear symbol with its bearer bars."""

    def picture(self, left: int, top: int, picture: Picture) -> None: ...


def rectangles_of(symbol: Symbol, left: int, top: int, module: int, height: int) -> list[Rectangle]:
    """The dark rectangles of a symbol, for Surface.bars()."""
    row_height = module if symbol.is_matrix else height
    bearer = 2 * module if symbol.kind == Kind.ITF_14 else 0
    inner = row_height - 2 * bearer
    rectangles = [
        (left + start * module, top + place * row_height + bearer, length * module, inner)
        for place, row in enumerate(symbol.rows)
        for start, length in row
    ]
    if bearer:
        # Without bearer bars a slanted scan reads a shorter, valid number.
        rectangles += [(left, y, symbol.width * module, bearer) for y in (top, top + height - bearer)]
    return rectangles


class Sheet:
    """What templates draw on. Text sizes are points; `page` counts from 1 within one label.

    It is a page of its own, or the cell of a bigger one (see cell()).
    """

    def __init__(self, surface: Surface, size: Size, dpi: int) -> None:
        fonts.label_font()
        self._surface = surface
        self._left = self._top = 0
        self._is_cell = False
        self.size = size
        self.dpi = dpi
        self.page = 1

    def start(self) -> None:
        self._surface.start_page(self.dots(self.size.width), self.dots(self.size.height))

    def end(self) -> None:
        self._surface.end_page()

    def new_page(self) -> None:
        """End this page of the same label and begin another. Raises CellIsFull in a cell."""
        if self._is_cell:
            raise CellIsFull
        self.end()
        self.page += 1
        self.start()

    def cell(self, box: Box) -> "Sheet":
        """The place `box` of this page as a sheet of its own: a label draws on it as if it were alone."""
        cell = Sheet(self._surface, Size(box.width, box.height), self.dpi)
        cell._left, cell._top, _width, _height = self._in_dots(box)
        cell._is_cell = True
        return cell

    def dots(self, mm: float) -> int:
        return round(mm / MM_PER_INCH * self.dpi)

    def _in_dots(self, box: Box) -> tuple[int, int, int, int]:
        """Left, top, width and height; both edges are rounded, so that touching boxes stay touching."""
        dpi = self.dpi
        left, top = round(box.x / MM_PER_INCH * dpi), round(box.y / MM_PER_INCH * dpi)
        width = round((box.x + box.width) / MM_PER_INCH * dpi) - left
        return self._left + left, self._top + top, width, round((box.y + box.height) / MM_PER_INCH * dpi) - top

    def fill(self, box: Box) -> None:
        self._surface.fill([self._in_dots(box)])

    def rule(self, x: float, y: float, length: float, *, thickness: float = 0.3, vertical: bool = False) -> None:
        """A line from (x, y), rightwards or downwards, at least one dot thick."""
        width, height = (0.0, length) if vertical else (length, 0.0)
        left, top, across, down = self._in_dots(Box(x, y, width, height))
        thick = max(1, self.dots(thickness))
        self._surface.fill([(left, top, across or thick, down or thick)])

    def frame(self, box: Box, *, thickness: float = 0.4) -> None:
        left, top, width, height = self._in_dots(box)
        thick = max(1, self.dots(thickness))
        self._surface.fill([
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
        self._surface.outline(corners)

    def picture(self, box: Box, content: bytes) -> None:
        """A PNG or JPEG as large as it fits into the middle of the box, in black and white. Raises what pictures.black_and_white raises."""
        left, top, width, height = self._in_dots(box)
        picture = black_and_white(content, width, height)
        self._surface.picture(left + (width - picture.width) // 2, top + (height - picture.height) // 2, picture)

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
        slack = size * point * BOLD_STROKE if bold else 0
        fitted = fit(text, width - slack, height - slack, size * point, least * point, lines)
        if not fitted.lines:
            return 0
        if middle:
            taken = (len(fitted.lines) - 1) * LINE_HEIGHT * fitted.size
            baseline = top + (height - taken + fonts.CAP_HEIGHT * fitted.size) / 2
        else:
            baseline = top + slack / 2 + fonts.ASCENT * fitted.size
        self._surface.write(Text(fitted.lines, left, width, baseline, fitted.size, align, bold, white))
        return fitted.height / self.dpi * MM_PER_INCH

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
        self._surface.bars(symbol, left, top, module, height)
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
