"""Labels as PDF: one label a page (a long packing slip takes several), the same bytes for the same labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any, BinaryIO, Final, NamedTuple, cast

from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from labels import fonts
from labels.drawing import DEFAULT_DPI, Label, draw
from labels.pictures import Picture
from labels.sheet import BOLD_STROKE, POINTS_PER_INCH, Rectangle, Text, rectangles_of
from labels.symbols import Symbol

# The fill rule under which what overlaps is black, not white.
_NON_ZERO: Final = 1
# Each rectangle is this much smaller on every side (in dots), so that no rasteriser blackens the dots beside it.
_INSET: Final = 0.1

# Binary streams are smaller and quicker than ASCII-85; labels draw no inline image, the one thing that needs it.
rl_config.useA85 = 0


class _Operators(NamedTuple):
    """Takes the place of a reportlab text object."""

    operators: str

    def getCode(self) -> str:
        return self.operators


class PdfSurface:
    """Draws on a reportlab canvas whose unit is the printer's dot."""

    def __init__(self, out: BinaryIO, dpi: int) -> None:
        self._canvas = Canvas(out, pageCompression=1, invariant=1)
        # The stubs leave out what the font needs to know which of its glyphs the document has.
        self._document: Any = self._canvas._doc  # type: ignore[attr-defined]  # left out of the stubs
        self._font = fonts.label_font()
        self._scale = POINTS_PER_INCH / dpi
        self._height = 0

    def start_page(self, width: int, height: int) -> None:
        scale = self._scale
        self._height = height
        # Whole dots; the hair less keeps renderers that round up from adding a dot.
        self._canvas.setPageSize((width * scale - 1e-4, height * scale - 1e-4))
        self._canvas.transform(scale, 0, 0, scale, 0, 0)

    def end_page(self) -> None:
        self._canvas.showPage()

    def save(self) -> None:
        self._canvas.save()

    def fill(self, rectangles: Sequence[Rectangle]) -> None:
        """One compound path."""
        less = 2 * _INSET
        operators = [
            f"{x + _INSET:.1f} {self._height - y - height + _INSET:.1f} {width - less:.1f} {height - less:.1f} re"
            for x, y, width, height in rectangles
        ]
        self._canvas.drawPath(PDFPathObject(["\n".join(operators)]), stroke=0, fill=1, fillMode=_NON_ZERO)

    def bars(self, symbol: Symbol, left: int, top: int, module: int, height: int) -> None:
        rectangles = rectangles_of(symbol, left, top, module, height)
        # The inset would leave a hair of white between the rows of a matrix: two dots across each seam close it.
        rectangles += [(left + run.start * module, top + place * module - 1, run.length * module, 2) for place, run in symbol.seams()]
        self.fill(rectangles)

    def outline(self, corners: Sequence[tuple[float, float]]) -> None:
        points = [f"{x:g} {self._height - y:g}" for x, y in corners]
        path = f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h"
        self._canvas.drawPath(PDFPathObject([path]), stroke=0, fill=1)

    def write(self, text: Text) -> None:
        """All lines as one text object: reportlab's own calls a line would take most of the time of a label."""
        shade = 1 if text.white else 0
        size = f"{text.size:.2f}"
        operators = [f"{shade} g BT"]
        if text.bold:
            operators.append(f"{shade} G {text.size * BOLD_STROKE:.2f} w 1 j 2 Tr")
        y = self._height - text.baseline
        share = text.align.share
        for line in text.lines:
            x = text.left + (text.width - fonts.width_em(line) * text.size) * share if share else text.left
            operators.append(f"1 0 0 1 {x:.1f} {y:.1f} Tm")
            # A subset of the font has 256 glyphs: a line may need several.
            for subset, codes in self._font.splitString(line, self._document):
                operators.append(f"{self._font.getSubsetInternalName(subset, self._document)} {size} Tf <{codes.hex()}> Tj")
            y -= text.leading
        operators.append("0 Tr ET" if text.bold else "ET")
        if text.white:
            operators.append("0 g")
        self._canvas.drawText(cast(Any, _Operators(" ".join(operators))))

    def picture(self, left: int, top: int, picture: Picture) -> None:
        bottom = self._height - top - picture.height
        # Without the inset a rasteriser rounds up to one more dot and scales the picture.
        less = 2 * _INSET
        self._canvas.drawImage(_image(picture), left + _INSET, bottom + _INSET, picture.width - less, picture.height - less)


@lru_cache(maxsize=64)
def _image(picture: Picture) -> ImageReader:
    """As greys: reportlab would make a picture of one bit a dot an RGB one."""
    white = bytes(byte ^ 0xFF for byte in picture.dots)
    return ImageReader(Image.frombytes("1", (picture.width, picture.height), white).convert("L"))


def write(labels: Iterable[Label], out: BinaryIO, dpi: int = DEFAULT_DPI) -> int:
    """Write the labels, which may be a generator of thousands, for a printer of `dpi` dots per inch. Returns how many.

    Raises NothingToPrint, or the typed error of the first label whose content cannot be printed; nothing has been written then.
    """
    surface = PdfSurface(out, dpi)
    count = draw(labels, surface, dpi)
    surface.save()
    return count


def render(labels: Iterable[Label], dpi: int = DEFAULT_DPI) -> bytes:
    """The PDF of at least one label, see write()."""
    out = BytesIO()
    write(labels, out, dpi)
    return out.getvalue()
