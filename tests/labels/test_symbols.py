"""Each kind: the dots of the print are exactly the modules, and zxing-cpp reads the content with the right symbology."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from labels import gs1, symbols
from labels.sheet import Box, Sheet, Size, SymbolTooWide
from labels.symbols import Kind, Symbol
from tests.labels import reading
from wms.core.errors import WmsError

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DPIS = st.sampled_from([203, 300])


WIDE = Size(220, 30)


@dataclass(frozen=True)
class Alone:
    """A label with nothing but one symbol."""

    symbol: Symbol
    size: Size = WIDE

    def draw(self, sheet: Sheet) -> None:
        sheet.symbol(Box(0, 0, *self.size), self.symbol)


def scan(symbol: Symbol, dpi: int) -> reading.Found:
    """The one symbol that is found on the print; its dots are compared with the modules first."""
    size = Size(80, 80) if symbol.is_matrix else WIDE
    (image,) = reading.pages([Alone(symbol, size)], dpi)
    found = reading.read(image)
    assert len(found) == 1, f"{symbol.kind} {symbol.content!r} at {dpi} dpi: {found}"
    assert_dots(image, found[0], symbol)
    return found[0]


def assert_dots(image: Image.Image, found: reading.Found, symbol: Symbol) -> None:
    module, rest = divmod(found.right - found.left, symbol.width)
    assert rest == 0
    for place, row in enumerate(symbol.rows):
        ys = range(found.top + place * module, found.top + (place + 1) * module) if symbol.is_matrix else [(found.top + found.bottom) // 2]
        for y in ys:
            assert_row(image, found, module, row, y)


def assert_row(image: Image.Image, found: reading.Found, module: int, row: tuple[symbols.Run, ...], y: int) -> None:
    line = image.crop((found.left, y, found.right, y + 1)).tobytes()
    wanted = bytearray(b"\x00" * len(line))
    for run in row:
        wanted[run.start * module : (run.start + run.length) * module] = b"\x01" * (run.length * module)
    assert bytes(grey < 128 for grey in line) == bytes(wanted)


def with_check_digit(length: int) -> st.SearchStrategy[str]:
    digits = st.text("0123456789", min_size=length - 1, max_size=length - 1)
    return digits.map(lambda number: number + gs1.check_digit(number))


ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=40)
DIGITS_AND_LETTERS = st.text("0123456789AB-", min_size=1, max_size=40)


@MANY
@example("99", 203)
@example("9912345", 203)
@given(ASCII | DIGITS_AND_LETTERS | st.from_regex(r"(99|100|10[0-6])[0-9A]{0,9}", fullmatch=True), DPIS)
def test_code_128(content: str, dpi: int) -> None:
    found = scan(symbols.code_128(content), dpi)
    assert (found.kind, found.content) == (Kind.CODE_128, content)


@pytest.mark.parametrize(("kind", "encode", "length"), [
    (Kind.EAN_13, symbols.ean_13, 13), (Kind.EAN_8, symbols.ean_8, 8), (Kind.ITF_14, symbols.itf_14, 14), (Kind.UPC_A, symbols.upc_a, 12),
])  # fmt: skip
@MANY
@given(st.data(), DPIS)
def test_retail_numbers(kind: Kind, encode: Callable[[str], Symbol], length: int, data: st.DataObject, dpi: int) -> None:
    number = data.draw(with_check_digit(length))
    if kind == Kind.EAN_13 and number[0] == "0":
        # It has the bars of a UPC-A: no reader can tell.
        number = "4" + number[1:-1]
        number += gs1.check_digit(number)
    found = scan(encode(number), dpi)
    assert (found.kind, found.content) == (kind, number)
    assert "".join(encode(number).text.split()) == number


LOT = st.text(st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12)
ELEMENTS = st.one_of(
    with_check_digit(18).map(lambda number: [("00", number)]),
    st.tuples(with_check_digit(14), LOT).map(lambda parts: [("01", parts[0]), ("10", parts[1])]),
    st.tuples(LOT, st.integers(1, 99_999_999)).map(lambda parts: [("10", parts[0]), ("37", str(parts[1]))]),
    st.tuples(with_check_digit(14), LOT).map(lambda parts: [("10", parts[1]), ("01", parts[0])]),
)


@MANY
@given(ELEMENTS, DPIS)
def test_gs1_128(elements: list[gs1.Element], dpi: int) -> None:
    found = scan(symbols.gs1_128(elements), dpi)
    assert (found.kind, found.content) == (Kind.GS1_128, gs1.element_string(elements))


@MANY
@given(ELEMENTS, DPIS)
def test_gs1_data_matrix(elements: list[gs1.Element], dpi: int) -> None:
    found = scan(symbols.gs1_data_matrix(elements), dpi)
    assert (found.kind, found.content) == (Kind.GS1_DATA_MATRIX, gs1.element_string(elements))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)


@pytest.mark.parametrize(("kind", "encode"), [(Kind.QR, symbols.qr), (Kind.DATA_MATRIX, symbols.data_matrix)])
@MANY
@given(content=ASCII | TEXT, dpi=DPIS)
def test_matrices_hold_any_text(kind: Kind, encode: Callable[[str], Symbol], content: str, dpi: int) -> None:
    found = scan(encode(content), dpi)
    assert (found.kind, found.content) == (kind, content)


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
