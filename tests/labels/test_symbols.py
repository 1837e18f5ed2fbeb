"""Each kind: the dots of the print are exactly the modules, and zxing-cpp reads the content with the right symbology."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from labels import gs1, symbols
from labels.sheet import Box, Sheet, Size, SymbolTooWide
from labels.symbols import Kind, Symbol
from tests.labels import reading
from wms.core.errors import WmsError

THOUSAND, A_PAGE = 1000, 25
"""Random contents of each kind, so many to a page: one page is one example."""
PAGES = settings(max_examples=THOUSAND // A_PAGE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
DPIS = st.sampled_from([203, 300])

WIDE = Size(220, 30)


@dataclass(frozen=True)
class Alone:
    """A label with nothing but one symbol."""

    symbol: Symbol
    size: Size = WIDE

    def draw(self, sheet: Sheet) -> None:
        sheet.symbol(Box(0, 0, *self.size), self.symbol)


@dataclass(frozen=True)
class Many:
    """A page full of symbols, one a row (five when they are matrices)."""

    symbols: list[Symbol]

    @property
    def columns(self) -> int:
        return 5 if self.symbols[0].is_matrix else 1

    @property
    def cell(self) -> Size:
        return Size(45, 45) if self.symbols[0].is_matrix else Size(142, 7)

    @property
    def size(self) -> Size:
        return Size(self.cell.width * self.columns, self.cell.height * -(-len(self.symbols) // self.columns))

    def boxes(self) -> list[Box]:
        width, height = self.cell
        return [Box(n % self.columns * width, n // self.columns * height, width, height) for n in range(len(self.symbols))]

    def draw(self, sheet: Sheet) -> None:
        for box, symbol in zip(self.boxes(), self.symbols, strict=True):
            sheet.symbol(box, symbol)


def scan(symbol: Symbol, dpi: int) -> reading.Found:
    """The one symbol that is found on the print; its dots are compared with the modules first."""
    size = Size(80, 80) if symbol.is_matrix else WIDE
    (image,) = reading.pages([Alone(symbol, size)], dpi)
    found = reading.read(image)
    assert len(found) == 1, f"{symbol.kind} {symbol.content!r} at {dpi} dpi: {found}"
    assert reading.modules_of(image, symbol) == reading.expected(symbol)
    return found[0]


def assert_all_read(encode: Callable[[Any], Symbol], contents: list[Any], dpi: int) -> None:
    """Encode, draw, rasterise, read: the dots are the modules, and the reader reports each content with its kind's symbology identifier."""
    page = Many([encode(content) for content in contents])
    (image,) = reading.pages([page], dpi)
    for box, symbol in zip(page.boxes(), page.symbols, strict=True):
        cell = reading.part(image, box, dpi)
        assert reading.modules_of(cell, symbol) == reading.expected(symbol), symbol
        assert reading.read_one(cell, symbol.kind) == (reading.IDENTIFIERS[symbol.kind], reading.as_read(symbol)), symbol


def pages_of(contents: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(contents, min_size=A_PAGE, max_size=A_PAGE)


def with_check_digit(length: int) -> st.SearchStrategy[str]:
    digits = st.integers(0, 10 ** (length - 1) - 1).map(lambda number: f"{number:0{length - 1}d}")
    return digits.map(lambda number: number + gs1.check_digit(number))


ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
DIGITS_AND_LETTERS = st.text("0123456789AB-", min_size=1, max_size=40)
# The values of the code's own signs, which an encoder may take for the digits that they stand for.
LIKE_SIGNS = st.from_regex(r"(99|100|10[0-6])[0-9A]{0,9}", fullmatch=True)


@PAGES
@example(["99", "9912345", ">^~_", "^XZ^XA", ">;>:>5>6>8"], 203)
@given(pages_of(ASCII | DIGITS_AND_LETTERS | LIKE_SIGNS), DPIS)
def test_code_128(contents: list[str], dpi: int) -> None:
    assert_all_read(symbols.code_128, contents, dpi)


@pytest.mark.parametrize(("encode", "length"), [(symbols.ean_13, 13), (symbols.ean_8, 8), (symbols.itf_14, 14), (symbols.upc_a, 12)])
@PAGES
@given(st.data(), DPIS)
def test_retail_numbers(encode: Callable[[str], Symbol], length: int, data: st.DataObject, dpi: int) -> None:
    numbers = data.draw(pages_of(with_check_digit(length)))
    assert ["".join(encode(number).text.split()) for number in numbers] == numbers
    assert_all_read(encode, numbers, dpi)


LOT = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12)
ELEMENTS = st.one_of(
    with_check_digit(18).map(lambda number: [("00", number)]),
    st.tuples(with_check_digit(14), LOT).map(lambda parts: [("01", parts[0]), ("10", parts[1])]),
    st.tuples(LOT, st.integers(1, 99_999_999)).map(lambda parts: [("10", parts[0]), ("37", str(parts[1]))]),
    st.tuples(with_check_digit(14), LOT).map(lambda parts: [("10", parts[1]), ("01", parts[0])]),
)


@pytest.mark.parametrize("encode", [symbols.gs1_128, symbols.gs1_data_matrix])
@PAGES
@given(pages=pages_of(ELEMENTS), dpi=DPIS)
def test_gs1(encode: Callable[[list[gs1.Element]], Symbol], pages: list[list[gs1.Element]], dpi: int) -> None:
    assert [encode(elements).content for elements in pages] == [gs1.element_string(elements) for elements in pages]
    assert_all_read(encode, pages, dpi)


@PAGES
@given(pages_of(with_check_digit(18)), DPIS)
def test_sscc(numbers: list[str], dpi: int) -> None:
    assert [symbols.sscc(number).content for number in numbers] == ["00" + number for number in numbers]
    assert_all_read(symbols.sscc, numbers, dpi)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)


@pytest.mark.parametrize("encode", [symbols.qr, symbols.data_matrix])
@PAGES
@given(contents=pages_of(ASCII | TEXT), dpi=DPIS)
def test_matrices_hold_any_text(encode: Callable[[str], Symbol], contents: list[str], dpi: int) -> None:
    assert_all_read(encode, contents, dpi)


@pytest.mark.parametrize("dpi", [203, 300])
def test_itf_14_has_bearer_bars_over_its_whole_width(dpi: int) -> None:
    (image,) = reading.pages([Alone(symbols.itf_14("09501101530003"))], dpi)
    (found,) = reading.read(image)
    module = reading.module_pixels(found)
    for top in (found.top, found.bottom - 2 * module):
        assert max(image.crop((found.left, top, found.right, top + 2 * module)).tobytes()) < 128


def test_sscc_symbol_and_its_human_readable_line() -> None:
    symbol = symbols.sscc("340123450000000178")
    assert (symbol.kind, symbol.text, symbol.content) == (Kind.GS1_128, "(00)340123450000000178", "00340123450000000178")


@pytest.mark.parametrize("content", ["拣货", "Größe", "a\tb", "\x00", "A\x1dB", "A\x7f", "²"])
def test_code_128_refuses_what_it_cannot_hold(content: str) -> None:
    with pytest.raises(symbols.UnprintableContent) as raised:
        symbols.code_128(content)
    assert raised.value.status == 422
    assert raised.value.details == {"content": content, "kind": "Code 128"}


@pytest.mark.parametrize("content", ["", "A" * 81])
def test_code_128_refuses_wrong_lengths(content: str) -> None:
    with pytest.raises(symbols.BadContentLength):
        symbols.code_128(content)


@pytest.mark.parametrize(
    ("encode", "content", "error"),
    [
        (symbols.ean_13, "4006381333932", gs1.BadCheckDigit), (symbols.ean_13, "400638133393", gs1.BadDigits),
        (symbols.ean_13, "400638133393A", gs1.BadDigits), (symbols.ean_8, "96385075", gs1.BadCheckDigit),
        (symbols.upc_a, "036000291453", gs1.BadCheckDigit), (symbols.itf_14, "09501101530004", gs1.BadCheckDigit),
        (symbols.itf_14, "0950110153000", gs1.BadDigits), (symbols.sscc, "340123450000000179", gs1.BadCheckDigit),
        (symbols.qr, "", symbols.BadContentLength), (symbols.qr, "x" * 5000, symbols.BadContentLength),
        (symbols.data_matrix, "x" * 5000, symbols.BadContentLength), (symbols.data_matrix, "a\ud800", symbols.UnprintableContent),
    ],
)  # fmt: skip
def test_wrong_content_is_a_typed_error(encode: Callable[[str], Symbol], content: str, error: type[WmsError]) -> None:
    with pytest.raises(error):
        encode(content)


def test_gs1_128_is_limited_to_48_characters() -> None:
    long = [("10", "A" * 20), ("21", "B" * 20), ("240", "C")]
    assert len(gs1.element_string(long)) == 22 + 1 + 22 + 1 + 4
    with pytest.raises(gs1.ElementStringTooLong):
        symbols.gs1_128(long)
    fits = [("10", "A" * 20), ("21", "B" * 20)]
    assert scan(symbols.gs1_128(fits), 203).content == gs1.element_string(fits)


@pytest.mark.parametrize(
    ("barcode", "kind"),
    [
        ("4006381333931", Kind.EAN_13), ("4006381333932", Kind.CODE_128), ("036000291452", Kind.UPC_A), ("96385074", Kind.EAN_8),
        ("09501101530003", Kind.ITF_14), ("X0012345AB", Kind.CODE_128), ("400638133393²", None), ("12345678", Kind.CODE_128),
    ],
)  # fmt: skip
def test_the_symbol_of_a_product_barcode(barcode: str, kind: Kind | None) -> None:
    if kind is None:
        with pytest.raises(symbols.UnprintableContent):
            symbols.for_barcode(barcode)
    else:
        assert (symbols.for_barcode(barcode).kind, symbols.for_barcode(barcode).content) == (kind, barcode)


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_symbol_that_does_not_fit_is_refused(dpi: int) -> None:
    symbol = symbols.code_128("A" * 30)
    with pytest.raises(SymbolTooWide) as raised:
        reading.pages([Alone(symbol, Size(57, 32))], dpi)
    assert raised.value.details == {"kind": "Code 128", "content": "A" * 30, "width_mm": 57, "dpi": dpi}
