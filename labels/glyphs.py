"""Text and shapes as black dots, for printers that are sent graphics: what a printer's own font lacks, such as Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from labels import fonts
from labels.pictures import Picture
from labels.sheet import BOLD_STROKE

# Sizes in quarters of a dot: close enough to the eye, and few enough to find drawn glyphs again.
_STEPS: Final = 4
_BLACK: Final = 255


class Drawn(NamedTuple):
    """A picture and where its top left corner is, in dots right of the start and below the baseline (mostly negative)."""

    left: int
    top: int
    picture: Picture


class _Glyph(NamedTuple):
    left: int
    top: int
    image: Image.Image


def step(size: float) -> float:
    """The size in dots at which line() draws."""
    return int(size * _STEPS) / _STEPS


@lru_cache(maxsize=128)
def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.font_file(), size, index=0, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=16384)
def _glyph(character: str, size: float, bold: bool) -> _Glyph | None:
    """None for what leaves no ink."""
    font = _font(size)
    # The stroke of the PDF's bold text has its middle on the outline, Pillow's is told by how far it stands out.
    stroke = size * BOLD_STROKE / 2 if bold else 0
    left, top, right, bottom = (round(edge) for edge in font.getbbox(character, mode="1", stroke_width=stroke, anchor="ls"))
    if right <= left or bottom <= top:
        return None
    image = Image.new("1", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), character, fill=1, font=font, stroke_width=stroke, anchor="ls")
    return _Glyph(left, top, image)


@lru_cache(maxsize=4096)
def line(text: str, size: float, bold: bool) -> Drawn | None:
    """One line in the label font, `size` dots (see step()); None where it leaves no ink.

    Each glyph stands where the font's own widths put it: a rasteriser's rounded widths would add up to a line that is too long.
    """
    placed, x = [], 0.0
    for character in text:
        glyph = _glyph(character, size, bold)
        if glyph:
            placed.append((round(x) + glyph.left, glyph.top, glyph.image))
        x += fonts.width_em(character) * size
    if not placed:
        return None
    left, top = min(x for x, _y, _image in placed), min(y for _x, y, _image in placed)
    right, bottom = max(x + image.width for x, _y, image in placed), max(y + image.height for _x, y, image in placed)
    drawn = Image.new("1", (right - left, bottom - top))
    for glyph_x, glyph_y, image in placed:
        drawn.paste(_BLACK, (glyph_x - left, glyph_y - top), image)
    return Drawn(left, top, Picture(drawn.width, drawn.height, drawn.tobytes()))


def shape(corners: Sequence[tuple[float, float]]) -> Drawn:
    """A filled polygon; `left` and `top` are its place in the unit of the corners."""
    xs, ys = zip(*corners, strict=True)
    left, top = int(min(xs)), int(min(ys))
    image = Image.new("1", (int(max(xs)) - left, int(max(ys)) - top))
    # Pillow counts the dots on a polygon's right and lower edge in.
    ImageDraw.Draw(image).polygon([(x - left - 0.5, y - top - 0.5) for x, y in corners], fill=1)
    return Drawn(left, top, Picture(image.width, image.height, image.tobytes()))
