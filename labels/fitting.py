"""Text made to fit: cleaned, shrunk, wrapped, and only then cut with an ellipsis."""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from labels import fonts

LINE_HEIGHT: Final = 1.14
# Three dots: the glyph of … hangs in the middle of the line in a Chinese font.
ELLIPSIS: Final = "..."
MISSING: Final = "?"
_STEPS: Final = 8
# One line reads better than two that are a little bigger.
_ONE_LINE_PREFERENCE: Final = 0.8

_IDEOGRAPH = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
# A line may break after each ideograph (never before closing punctuation), after spaces, and after - or / inside a word.
_PIECES: Final = re.compile(rf"[{_IDEOGRAPH}][，。、；：！？）》】」』〉]*|[^\s{_IDEOGRAPH}/-]*[/-]+|[^\s{_IDEOGRAPH}/-]+|\s+")


class Fitted(NamedTuple):
    """Font size in the unit of the box it was fitted to, and the lines from the top."""

    size: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return (len(self.lines) - 1) * self.size * LINE_HEIGHT + self.size * (fonts.ASCENT + fonts.DESCENT)


@lru_cache(maxsize=8192)
def printable(text: str) -> str:
    """`text` on one line, without control and invisible characters; what the font lacks (emoji) shows as a question mark."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        if character.isspace():
            kept.append(" ")
        elif unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Mn"} or unicodedata.combining(character):
            kept.append(character if fonts.has_glyph(character) else MISSING)
    return " ".join("".join(kept).split())


def cut(text: str, width: float) -> str:
    """`text`, or as much of it as fits into `width` em, ended with an ellipsis."""
    if fonts.width_em(text) <= width:
        return text
    while text and fonts.width_em(text.rstrip() + ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def _wrapped(text: str, width: float) -> list[str]:
    """Lines of at most `width` em; a longer word is broken between characters."""
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if fonts.width_em((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = piece.lstrip()
        while len(line) > 1 and fonts.width_em(line) > width:
            taken = _longest_start(line, width)
            lines.append(line[:taken])
            line = line[taken:]
    return [*lines, line.strip()] if line.strip() else lines


def _longest_start(text: str, width: float) -> int:
    """How many characters fit into `width` em; at least one."""
    taken = 1
    while taken < len(text) and fonts.width_em(text[: taken + 1]) <= width:
        taken += 1
    return taken


@lru_cache(maxsize=8192)
def fit(text: str, width: float, height: float, largest: float, least: float, lines: int = 1) -> Fitted:
    """The largest size between `least` and `largest` at which `text` fits into the box on at most `lines` lines.

    Where even `least` is too big, the last line is cut with an ellipsis. All sizes share one unit.
    """
    text = printable(text)
    largest = min(largest, height / (fonts.ASCENT + fonts.DESCENT))
    least = min(least, largest)
    if not text:
        return Fitted(largest, ())
    if lines == 1:
        size = max(least, min(largest, width / fonts.width_em(text)))
        # A hair of tolerance: width / em * em may end a rounding error above width.
        return Fitted(size, (cut(text, width / size + 1e-6),))
    alone = min(largest, width / fonts.width_em(text) * (1 - 1e-6))
    for step in range(_STEPS + 1):
        size = largest - (largest - least) * step / _STEPS
        if alone >= size * _ONE_LINE_PREFERENCE and alone >= least:
            return Fitted(alone, (text,))
        wrapped = _wrapped(text, width / size)
        if len(wrapped) <= lines and Fitted(size, tuple(wrapped)).height <= height:
            return Fitted(size, tuple(wrapped))
    room = max(1, min(lines, int((height / least - fonts.ASCENT - fonts.DESCENT) / LINE_HEIGHT) + 1))
    kept = wrapped[:room]
    if len(wrapped) > room:
        kept[-1] = cut(kept[-1] + ELLIPSIS, width / least)
        if not kept[-1].endswith(ELLIPSIS):
            kept[-1] += ELLIPSIS
    return Fitted(least, tuple(cut(line, width / least) for line in kept))
