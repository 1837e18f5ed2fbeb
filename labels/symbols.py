"""Barcode symbols as plain modules. python-barcode encodes the linear ones, zxing-cpp the matrices; a sheet draws them as vectors.

Wrong content is a typed error, never a bad symbol. Sizes and quiet zones: GS1 General Specifications 5.12, ISO/IEC 15417, 18004, 16022.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, product
from typing import Any, Final, NamedTuple, cast

import zxingcpp
from barcode.codex import Code128, Gs1_128
from barcode.ean import EuropeanArticleNumber8, EuropeanArticleNumber13
from barcode.itf import ITF
from barcode.upc import UniversalProductCodeA
from django.utils.translation import gettext_lazy as _

from labels import gs1
from wms.core.errors import WmsError

LONGEST_CODE_128: Final = 80
_FNC1: Final = "\xf1"
_ONES: Final = re.compile(rb"1+")
_ZEROS: Final = re.compile(rb"\x00+")


class UnprintableContent(WmsError):
    code, message = "unprintable_content", _("“{content}” has characters that a {kind} symbol cannot hold.")


class BadContentLength(WmsError):
    code, message = "bad_content_length", _("{length} characters do not fit into a {kind} symbol.")


class Kind(StrEnum):
    CODE_128 = "Code 128"
    GS1_128 = "GS1-128"
    EAN_13 = "EAN-13"
    EAN_8 = "EAN-8"
    UPC_A = "UPC-A"
    ITF_14 = "ITF-14"
    QR = "QR"
    DATA_MATRIX = "DataMatrix"
    GS1_DATA_MATRIX = "GS1 DataMatrix"


class Rules(NamedTuple):
    """Least and wished width of a module in mm; quiet zone left, right, and above and below, in modules."""

    least_mm: float
    wished_mm: float
    left: int
    right: int
    vertical: int = 0


RULES: Final = {
    Kind.CODE_128: Rules(0.25, 0.5, 10, 10),
    Kind.GS1_128: Rules(0.25, 0.5, 10, 10),
    Kind.EAN_13: Rules(0.264, 0.38, 11, 7),
    Kind.EAN_8: Rules(0.264, 0.38, 7, 7),
    Kind.UPC_A: Rules(0.264, 0.38, 9, 9),
    Kind.ITF_14: Rules(0.25, 0.5, 10, 10),
    Kind.QR: Rules(0.37, 0.88, 4, 4, 4),
    # One module is the standard's least quiet zone; two survive a smeared print. 0.25 mm (10 mil) is what a handheld imager reads.
    Kind.DATA_MATRIX: Rules(0.25, 0.88, 2, 2, 2),
    Kind.GS1_DATA_MATRIX: Rules(0.25, 0.88, 2, 2, 2),
}


class Run(NamedTuple):
    """Dark modules side by side: first module from the left, how many."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol in modules. `content` is what a scanner reports, `text` the human-readable line, `rows` the dark runs from the top.

    A linear symbol has one row, whose height the label chooses.
    """

    kind: Kind
    content: str
    text: str
    width: int
    rows: tuple[tuple[Run, ...], ...]

    @property
    def rules(self) -> Rules:
        return RULES[self.kind]

    @property
    def is_matrix(self) -> bool:
        return len(self.rows) > 1

    @property
    def full_width(self) -> int:
        """Modules with both quiet zones."""
        return self.rules.left + self.width + self.rules.right

    @property
    def full_height(self) -> int:
        """Modules with the quiet zones of a matrix; 1 for a linear symbol."""
        return len(self.rows) + 2 * self.rules.vertical

    def seams(self) -> Iterator[tuple[int, Run]]:
        """Where dark modules lie on dark ones: the number of the lower row, and the modules."""
        for place, (upper, lower) in enumerate(pairwise(self.rows), start=1):
            for above, below in product(upper, lower):
                start, end = max(above.start, below.start), min(above.end, below.end)
                if start < end:
                    yield place, Run(start, end - start)


class _Code128(Code128):  # type: ignore[misc]  # the library has no types
    """The library's encoder, without its mistake on content that starts with the digits 99.

    It takes that first pair, whose code is 99 as well, for a needless switch of the character set, and drops it.
    """

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        return encoded if self.code.startswith("99") else super()._try_to_optimize(encoded)


def _runs(row: bytes, dark: re.Pattern[bytes]) -> tuple[Run, ...]:
    return tuple(Run(match.start(), match.end() - match.start()) for match in dark.finditer(row))


def _linear(kind: Kind, content: str, text: str, pattern: str) -> Symbol:
    return Symbol(kind, content, text, len(pattern), (_runs(pattern.encode("ascii"), _ONES),))


def code_128(content: str) -> Symbol:
    """Printable ASCII, 1 to 80 characters. Control characters are refused: a keyboard-wedge scanner would type them as keys."""
    if not content.isascii() or not content.isprintable():
        raise UnprintableContent(content=content[:100], kind=Kind.CODE_128.value)
    if not 1 <= len(content) <= LONGEST_CODE_128:
        raise BadContentLength(length=len(content), kind=Kind.CODE_128.value)
    return _linear(Kind.CODE_128, content, content, _Code128(content).build()[0])


def gs1_128(elements: Sequence[gs1.Element]) -> Symbol:
    """Elements such as [("00", "340123450000000017")]; raises what gs1.validated raises, and gs1.ElementStringTooLong."""
    content = gs1.element_string(elements)
    if len(content) > gs1.LONGEST_GS1_128:
        raise gs1.ElementStringTooLong(length=len(content), limit=gs1.LONGEST_GS1_128)
    pattern = Gs1_128(content.replace(gs1.GROUP_SEPARATOR, _FNC1)).build()[0]
    return _linear(Kind.GS1_128, content, gs1.human_readable(elements), pattern)


def ean_13(number: str) -> Symbol:
    """13 digits with the check digit; gs1.BadDigits or gs1.BadCheckDigit otherwise."""
    gs1.checked(number, 13)
    text = f"{number[0]} {number[1:7]} {number[7:]}"
    return _linear(Kind.EAN_13, number, text, EuropeanArticleNumber13(number).build()[0])


def ean_8(number: str) -> Symbol:
    gs1.checked(number, 8)
    return _linear(Kind.EAN_8, number, f"{number[:4]} {number[4:]}", EuropeanArticleNumber8(number).build()[0])


def upc_a(number: str) -> Symbol:
    gs1.checked(number, 12)
    text = f"{number[0]} {number[1:6]} {number[6:11]} {number[11]}"
    return _linear(Kind.UPC_A, number, text, UniversalProductCodeA(number).build()[0])


def itf_14(number: str) -> Symbol:
    gs1.checked(number, 14)
    # Three to one keeps every bar on whole dots; 2.5 would not.
    pattern = ITF(number, narrow=1, wide=3).build()[0]
    text = f"{number[0]} {number[1:3]} {number[3:8]} {number[8:13]} {number[13]}"
    return _linear(Kind.ITF_14, number, text, pattern)


def sscc(number: str) -> Symbol:
    """An SSCC of 18 digits as the GS1-128 symbol (00)…"""
    return gs1_128([("00", gs1.checked(number, 18))])


def _matrix(kind: Kind, barcode_format: zxingcpp.BarcodeFormat, written: str, content: str, text: str, **options: object) -> Symbol:
    if not content:
        raise BadContentLength(length=0, kind=kind.value)
    if not written.isascii():
        # Unmarked Latin-1 text is guessed by readers, who take a lone ¡ for Japanese.
        options["eci"] = "UTF-8"
    try:
        written.encode("utf-8")
        barcode = zxingcpp.create_barcode(written, barcode_format, **options)
    except UnicodeEncodeError as error:
        raise UnprintableContent(content=ascii(content[:100]), kind=kind.value) from error
    except ValueError as error:
        # The writer has one error for all; an excess of length is the only one left for UTF-8 text.
        raise BadContentLength(length=len(content), kind=kind.value) from error
    image = barcode.to_image(scale=1, add_quiet_zones=False)
    # The stubs do not know that an Image is a buffer of rows of bytes, 0 for dark.
    grid = cast(list[list[int]], memoryview(cast(Any, image)).tolist())
    return Symbol(kind, content, text, len(grid[0]), tuple(_runs(bytes(row), _ZEROS) for row in grid))


def qr(content: str) -> Symbol:
    """Any text up to what level M holds (2,331 bytes of UTF-8)."""
    return _matrix(Kind.QR, zxingcpp.BarcodeFormat.QRCode, content, content, content, ec_level="M")


def data_matrix(content: str) -> Symbol:
    """A square ECC 200 symbol of any text up to 1,555 bytes of UTF-8."""
    return _matrix(Kind.DATA_MATRIX, zxingcpp.BarcodeFormat.DataMatrix, content, content, content, force_square=True)


def gs1_data_matrix(elements: Sequence[gs1.Element]) -> Symbol:
    """The elements as GS1 DataMatrix (leading FNC1). Raises what gs1.validated raises."""
    content = gs1.element_string(elements)
    text = gs1.human_readable(elements)
    return _matrix(Kind.GS1_DATA_MATRIX, zxingcpp.BarcodeFormat.DataMatrix, text, content, text, gs1=True, force_square=True)


_RETAIL: Final = {8: ean_8, 12: upc_a, 13: ean_13, 14: itf_14}


def for_barcode(barcode: str) -> Symbol:
    """The symbol that a product's barcode is printed as: EAN, UPC or ITF-14 when it is a GTIN, else Code 128.

    A number with a wrong check digit is somebody's own number and stays readable as Code 128.
    """
    encode = _RETAIL.get(len(barcode))
    if encode and gs1.is_digits(barcode) and gs1.check_digit(barcode[:-1]) == barcode[-1]:
        return encode(barcode)
    return code_128(barcode)
