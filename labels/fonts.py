"""The one font of all labels: it has Latin, Cyrillic, Greek, kana and Chinese, and reportlab can embed it (TrueType, not CFF)."""

import atexit
from contextlib import ExitStack
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

NAME: Final = "WmsLabel"
# Share of the font size above and below the baseline that Chinese and accented glyphs really use.
ASCENT: Final = 0.88
DESCENT: Final = 0.21
CAP_HEIGHT: Final = 0.714


def _load(path: Path) -> TTFont:
    try:
        return TTFont(NAME, str(path), subfontIndex=0)
    except (OSError, TTFError) as error:
        raise ImproperlyConfigured(f"WMS_LABEL_FONT: {path} is not a TrueType font that can be embedded: {error}") from error


_files: Final = ExitStack()
atexit.register(_files.close)


@cache
def font_file() -> Path:
    """The file that the setting names, else WenQuanYi Micro Hei out of the installed font package."""
    if settings.LABEL_FONT:
        return Path(settings.LABEL_FONT)
    return _files.enter_context(as_file(files("paperang_p2_fonts_cjk") / "fonts" / "wqy-microhei.ttc"))


@cache
def label_font() -> TTFont:
    """The font of font_file(), registered once a process."""
    font = _load(font_file())
    pdfmetrics.registerFont(font)
    return font


@cache
def _widths() -> tuple[dict[int, float], float]:
    face = label_font().face
    return face.charWidths, face.defaultWidth


def width_em(text: str) -> float:
    """Width of `text` in multiples of the font size."""
    widths, other = _widths()
    return sum(widths.get(ord(character), other) for character in text) / 1000


def has_glyph(character: str) -> bool:
    return ord(character) in label_font().face.charToGlyph
