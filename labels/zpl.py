"""Labels as ZPL II for a roll printer: the same content at the same dots as the PDF.

A printer's own commands are used where their result is the same on every printer: Code 128 and GS1-128 with the character sets
told (^BC), ITF-14 (^B2), ASCII text in the built-in font (^A0). All else is sent as the very same dots (^GF): EAN and UPC, whose
guard bars a firmware may lengthen; QR and DataMatrix, whose encoding and mask it chooses itself; Chinese, umlauts and accents;
logos. docs/adr/0006.
Format: Zebra Programming Guide, ZPL II.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from binascii import crc_hqx
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import BinaryIO, Final

from barcode.charsets import code128

from labels import glyphs
from labels.drawing import DEFAULT_DPI, Label, draw
from labels.pictures import Picture
from labels.sheet import Align, Rectangle, Text, rectangles_of
from labels.symbols import Kind, Symbol

# Widths of the built-in font (^A0) in 1/32 of its size. Left out are - + < = > ~, which it draws up to three times as wide as the label
# font does, and the backslash, which is another sign in some of a printer's character sets.
_BY_WIDTH: Final = {
    8: "ijl",
    9: " !'(),./:;I[]`ft",
    11: "r",
    12: "z",
    14: "?Jcksvxy",
    15: '"#$*0123456789Laeo',
    16: "EFTZ^_bdghnpqu{|}",
    17: "CSV",
    18: "ABKOPQXY",
    19: "DGR",
    20: "&HNU",
    21: "w",
    24: "Mm",
    26: "W",
    29: "%@",
}
_BUILT_IN: Final = {character: width / 32 for width, characters in _BY_WIDTH.items() for character in characters}
# The fonts of other makers are not quite as wide as Zebra's.
_ALLOWANCE: Final = 1.04
_SMALLEST_FONT: Final = 10
_CONTROLS: Final = {ord(character): f"_{ord(character):02X}" for character in "^~_"}

_WIDEST_MODULE: Final = 10
_VALUES: Final = {pattern: value for value, pattern in enumerate(code128.CODES)}
_SET_B, _SET_C, _FNC1 = 100, 99, 102
_START_B, _START_C = 104, 105
_INVOCATIONS: Final = {_SET_C: ">5", _SET_B: ">6", _FNC1: ">8"}
_IN_SET_B: Final = {30: ">0", 62: "><", 94: ">="}
"""The value in set B of > ^ and ~, which have a meaning of their own in a field."""


def _code_128_field(symbol: Symbol) -> str | None:
    """The field data that makes a printer draw these very modules: every change of the character set is told. None where it cannot be told.

    The values are read back out of the modules, so that both ways to print can never differ.
    """
    (row,) = symbol.rows
    modules = "".join(
        "1" * length + "0" * ((row[place + 1].start if place + 1 < len(row) else start + length) - start - length)
        for place, (start, length) in enumerate(row)
    )
    # The last two are the check character and the stop pattern of 13 modules: the printer adds them itself.
    values = [_VALUES[modules[start : start + 11]] for start in range(0, len(modules) - 13, 11)][:-1]
    if values[0] not in (_START_B, _START_C):
        return None
    in_set_c = values[0] == _START_C
    parts = [">;" if in_set_c else ">:"]
    for value in values[1:]:
        if value < (100 if in_set_c else 95):
            parts.append(f"{value:02d}" if in_set_c else _IN_SET_B.get(value) or chr(value + 32))
        elif value in _INVOCATIONS and value != (_SET_C if in_set_c else _SET_B):
            parts.append(_INVOCATIONS[value])
            in_set_c = value == _SET_C or (in_set_c and value == _FNC1)
        else:
            return None
    return "".join(parts)


def _graphic(left: int, top: int, picture: Picture, *, white: bool = False) -> str:
    """Black dots, or with `white` the ground's colour turned over; compressed, with the checksum that a printer compares."""
    data = b64encode(zlib.compress(picture.dots))
    count = len(picture.dots)
    reverse = "^FR" if white else ""
    return f"^FO{left},{top}{reverse}^GFA,{count},{count},{picture.row_bytes},:Z64:{data.decode()}:{crc_hqx(data, 0):04X}^FS"


def _dots_of(symbol: Symbol, module: int, height: int) -> Picture:
    width = symbol.width * module
    row_bytes = -(-width // 8)
    lines = []
    for row in symbol.rows:
        bits = 0
        for start, length in row:
            bits |= ((1 << length * module) - 1) << (row_bytes * 8 - (start + length) * module)
        lines.append(bits.to_bytes(row_bytes, "big") * (module if symbol.is_matrix else height))
    return Picture(width, len(symbol.rows) * module if symbol.is_matrix else height, b"".join(lines))


class ZplSurface:
    """Writes one ^XA ... ^XZ a page."""

    def __init__(self, out: BinaryIO, copies: int = 1) -> None:
        assert 1 <= copies <= 99_999_999, copies
        self._out = out
        self._copies = copies
        self._parts: list[str] = []

    def start_page(self, width: int, height: int) -> None:
        # Whatever the job before left set: UTF-8, no rotation, mirroring or reversing, the origin at the corner.
        self._parts = [f"^XA^CI28^PW{width}^LL{height}^LH0,0^FWN^PON^PMN^LRN\n"]

    def end_page(self) -> None:
        self._parts.append(f"^PQ{self._copies}\n^XZ\n" if self._copies > 1 else "^XZ\n")
        self._out.write("".join(self._parts).encode())
        self._parts = []

    def fill(self, rectangles: Sequence[Rectangle]) -> None:
        for left, top, width, height in rectangles:
            if width > 0 and height > 0:
                self._parts.append(f"^FO{left},{top}^GB{width},{height},{min(width, height)}^FS\n")

    def outline(self, corners: Sequence[tuple[float, float]]) -> None:
        drawn = glyphs.shape(corners)
        self.picture(drawn.left, drawn.top, drawn.picture)

    def picture(self, left: int, top: int, picture: Picture) -> None:
        self._parts.append(_graphic(left, top, picture) + "\n")

    def bars(self, symbol: Symbol, left: int, top: int, module: int, height: int) -> None:
        command = self._command(symbol, height) if module <= _WIDEST_MODULE else None
        if command:
            self._parts.append(f"^FO{left},{top}^BY{module},3,{height}{command}^FS\n")
            if symbol.kind == Kind.ITF_14:
                self.fill(rectangles_of(symbol, left, top, module, height)[-2:])
        elif symbol.kind == Kind.ITF_14:
            self.fill(rectangles_of(symbol, left, top, module, height))
        else:
            self.picture(left, top, _dots_of(symbol, module, height))

    @staticmethod
    def _command(symbol: Symbol, height: int) -> str | None:
        """The printer's own symbol with its data, where it surely has our modules."""
        if symbol.kind in (Kind.CODE_128, Kind.GS1_128):
            field = _code_128_field(symbol)
            return f"^BCN,{height},N,N,N,N^FD{field}" if field else None
        return f"^B2N,{height},N,N,N^FD{symbol.content}" if symbol.kind == Kind.ITF_14 else None

    def write(self, text: Text) -> None:
        baseline = text.baseline
        for line in text.lines:
            self._parts.append((self._in_built_in_font(text, line, baseline) or self._as_graphic(text, line, baseline)) + "\n")
            baseline += text.leading

    @staticmethod
    def _in_built_in_font(text: Text, line: str, baseline: float) -> str:
        """Empty where that font lacks a character, or would not stay within the width that the line was fitted to."""
        size = round(text.size)
        if size < _SMALLEST_FONT or not _BUILT_IN.keys() >= set(line):
            return ""
        free = text.width - sum(map(_BUILT_IN.__getitem__, line)) * size * _ALLOWANCE
        if free < 0:
            return ""
        x = round(text.left + free * text.align.share)
        reverse = "^FR" if text.white else ""
        return f"^FT{x},{round(baseline)}{reverse}^A0N,{size},{size}^FH_^FD{line.translate(_CONTROLS)}^FS"

    @staticmethod
    def _as_graphic(text: Text, line: str, baseline: float) -> str:
        drawn = glyphs.line(line, glyphs.step(text.size), text.bold)
        if drawn is None:
            return ""
        free = text.width - drawn.picture.width
        # A J may hang to the left of its place: the ink stays in the box all the same.
        x = text.left + (min(max(0, drawn.left), max(0, free)) if text.align == Align.LEFT else free * text.align.share)
        return _graphic(max(0, round(x)), max(0, round(baseline) + drawn.top), drawn.picture, white=text.white)


def write(labels: Iterable[Label], out: BinaryIO, dpi: int = DEFAULT_DPI, copies: int = 1) -> int:
    """Write the labels, which may be a generator of thousands, each to be printed `copies` times. Returns how many labels.

    Raises NothingToPrint, or the typed error of the first label whose content cannot be printed; labels before it have been written then.
    """
    return draw(labels, ZplSurface(out, copies), dpi)


def render(labels: Iterable[Label], dpi: int = DEFAULT_DPI, copies: int = 1) -> bytes:
    """The ZPL of at least one label, see write()."""
    out = BytesIO()
    write(labels, out, dpi, copies)
    return out.getvalue()
