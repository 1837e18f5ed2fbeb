"""Labels as a printer and a scanner see them: pixels at the printer's resolution, and what zxing-cpp reads from these."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pypdfium2
import zplkit
import zxingcpp
from PIL import Image

from labels import drawing, gs1, pdf, symbols, zpl
from labels.sheet import Box
from labels.symbols import Kind, Symbol

FORMATS = {
    Kind.CODE_128: zxingcpp.BarcodeFormat.Code128,
    Kind.GS1_128: zxingcpp.BarcodeFormat.Code128,
    Kind.EAN_13: zxingcpp.BarcodeFormat.EAN13,
    Kind.EAN_8: zxingcpp.BarcodeFormat.EAN8,
    Kind.UPC_A: zxingcpp.BarcodeFormat.UPCA,
    Kind.ITF_14: zxingcpp.BarcodeFormat.ITF,
    Kind.QR: zxingcpp.BarcodeFormat.QRCode,
    Kind.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    Kind.GS1_DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
}
# ISO/IEC 15424: what a scanner sends in front, once it is told to.
IDENTIFIERS = {
    Kind.CODE_128: "]C0",
    Kind.GS1_128: "]C1",
    Kind.EAN_13: "]E0",
    Kind.EAN_8: "]E4",
    Kind.UPC_A: "]E0",
    Kind.ITF_14: "]I1",
    Kind.QR: "]Q1",
    Kind.DATA_MATRIX: "]d1",
    Kind.GS1_DATA_MATRIX: "]d2",
}


@dataclass(frozen=True)
class Found:
    """A decoded symbol with its dark extent in pixels: left and top inside, right and bottom outside."""

    kind: Kind
    content: str
    left: int
    top: int
    right: int
    bottom: int


def pages(labels: Iterable[drawing.Label], dpi: int) -> list[Image.Image]:
    """Each page as greys, one pixel for one dot of the printer."""
    document = pypdfium2.PdfDocument(pdf.render(labels, dpi))
    return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def zpl_pages(labels: Iterable[drawing.Label], dpi: int) -> list[Image.Image]:
    """Each page of the ZPL as a printer prints it: blacks and whites, one pixel a dot."""
    document = zplkit.render(zpl.render(labels, dpi), zplkit.Options(profile="zd621", dpi=dpi))
    rasters = [page.rasterize() for page in document.labels]
    return [Image.frombytes("L", (raster.width, raster.height), raster.pixels) for raster in rasters]


def part(image: Image.Image, box: Box, dpi: int) -> Image.Image:
    """The place `box` of a page."""
    left, top, right, bottom = (round(edge / 25.4 * dpi) for edge in (box.x, box.y, box.right, box.bottom))
    return image.crop((left, top, right, bottom))


def as_read(symbol: Symbol) -> str:
    """The content as zxing-cpp reports it: a UPC-A is the EAN-13 with a 0 in front, the bars are the same."""
    return "0" + symbol.content if symbol.kind == Kind.UPC_A else symbol.content


def read_one(image: Image.Image, kind: Kind) -> tuple[str, str]:
    """Symbology identifier and content of the one symbol of that kind which stands upright on the image."""
    family = zxingcpp.BarcodeFormat.EAN13 if kind == Kind.UPC_A else FORMATS[kind]
    found = zxingcpp.read_barcodes(
        image, formats=zxingcpp.BarcodeFormats(family), text_mode=zxingcpp.TextMode.Plain, try_rotate=False, try_downscale=False,
        try_invert=False,
    )  # fmt: skip
    assert len(found) == 1, (kind, found)
    return found[0].symbology_identifier, found[0].text


def expected(symbol: Symbol) -> list[bytes]:
    """The modules row by row, 1 for dark."""
    rows = []
    for row in symbol.rows:
        modules = bytearray(symbol.width)
        for start, length in row:
            modules[start : start + length] = b"\x01" * length
        rows.append(bytes(modules))
    return rows


def modules_of(image: Image.Image, symbol: Symbol) -> list[bytes]:
    """What stands in the place of each module of the one symbol on the image, as expected(); fails where dots of a module differ."""
    dark = image.point(lambda grey: 255 * (grey < 128))
    box = dark.getbbox()
    assert box, "nothing was drawn"
    left, top, right, bottom = box
    module, rest = divmod(right - left, symbol.width)
    assert rest == 0, (symbol, box)
    if symbol.is_matrix:
        assert bottom - top == module * len(symbol.rows), (symbol, box)
    elif symbol.kind == Kind.ITF_14:
        top, bottom = top + 2 * module, bottom - 2 * module
    drawn = dark.crop((left, top, right, bottom))
    size = (symbol.width, len(symbol.rows))
    # Made small and big again, nothing may have changed: each module is one colour, also over the height of a bar.
    modules = drawn.resize(size, Image.Resampling.NEAREST)
    assert modules.resize(drawn.size, Image.Resampling.NEAREST).tobytes() == drawn.tobytes(), f"{symbol} has a module of two colours"
    flat = modules.tobytes().replace(b"\xff", b"\x01")
    return [flat[start : start + symbol.width] for start in range(0, len(flat), symbol.width)]


def _kind(barcode: zxingcpp.Barcode) -> Kind:
    kinds = [
        kind for kind, identifier in IDENTIFIERS.items() if identifier == barcode.symbology_identifier and FORMATS[kind] == barcode.format
    ]
    assert len(kinds) == 1, (barcode.format, barcode.symbology_identifier)
    return kinds[0]


def read(image: Image.Image) -> list[Found]:
    """All symbols of a page."""
    return [_found(image, barcode) for barcode in zxingcpp.read_barcodes(image, text_mode=zxingcpp.TextMode.Plain)]


def _found(image: Image.Image, barcode: zxingcpp.Barcode) -> Found:
    """The decoder's corners are a few pixels off: start inside of them and grow to the last dark pixel."""
    position = barcode.position
    corners = [position.top_left, position.top_right, position.bottom_left, position.bottom_right]
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    kind = _kind(barcode)
    content = barcode.text
    if kind == Kind.EAN_13 and content[0] == "0":
        # The bars of a UPC-A and of the EAN-13 with a 0 in front are the same; the reader names it EAN-13.
        kind, content = Kind.UPC_A, content[1:]
    found = Found(kind, content, min(xs), min(ys), max(xs), max(ys))
    symbol = symbol_of(found)
    module = (found.right - found.left) / symbol.width
    inside = round(2 * module)
    # The widest white inside of a linear symbol has four modules, at the edge of a matrix one.
    gap = round(1.3 * module) if symbol.is_matrix else round(4.5 * module)
    middle = (found.top + found.bottom) // 2
    top, bottom = (found.top, found.bottom) if symbol.is_matrix else (middle, middle + 1)
    left = _grow(found.left + inside, -1, gap, lambda x: _has_dark(image, x, top, x + 1, bottom))
    right = _grow(found.right - inside, 1, gap, lambda x: _has_dark(image, x, top, x + 1, bottom)) + 1
    edge = (left, right) if symbol.is_matrix else (left, left + 1)
    reach = gap if symbol.is_matrix else 1

    def dark_row(y: int) -> bool:
        return _has_dark(image, edge[0], y, edge[1], y + 1)

    top = _grow(found.top + inside if symbol.is_matrix else middle, -1, reach, dark_row)
    bottom = _grow(found.bottom - inside if symbol.is_matrix else middle, 1, reach, dark_row) + 1
    return Found(kind, content, left, top, right, bottom)


def _grow(start: int, step: int, gap: int, is_dark: Callable[[int], bool]) -> int:
    """The last dark line from `start` in the direction of `step` before more than `gap` white ones."""
    last = place = start
    while abs(place - last) <= gap:
        if is_dark(place):
            last = place
        place += step
    return last


def _has_dark(image: Image.Image, left: int, top: int, right: int, bottom: int) -> bool:
    """Off the page nothing is dark."""
    on_page = left >= 0 and top >= 0 and right <= image.width and bottom <= image.height
    return on_page and darkest(image.crop((left, top, right, bottom))) < 128


def darkest(image: Image.Image) -> int:
    return min(image.tobytes())


def symbol_of(found: Found) -> Symbol:
    """What should have been printed, to know its modules."""
    encode = {
        Kind.CODE_128: symbols.code_128,
        Kind.EAN_13: symbols.ean_13,
        Kind.EAN_8: symbols.ean_8,
        Kind.UPC_A: symbols.upc_a,
        Kind.ITF_14: symbols.itf_14,
        Kind.QR: symbols.qr,
        Kind.DATA_MATRIX: symbols.data_matrix,
    }
    if found.kind in (Kind.GS1_128, Kind.GS1_DATA_MATRIX):
        return (symbols.gs1_128 if found.kind == Kind.GS1_128 else symbols.gs1_data_matrix)(_elements(found.content))
    return encode[found.kind](found.content)


def _elements(content: str) -> list[gs1.Element]:
    """The elements of a scan, for the few identifiers that the tests use."""
    fixed, elements = {"00": 18, "01": 14, "02": 14}, []
    while content:
        ai, rest = content[:2], content[2:]
        value = rest[: fixed[ai]] if ai in fixed else rest.partition("\x1d")[0]
        elements.append((ai, value))
        content = rest[len(value) :].removeprefix("\x1d")
    return elements


def module_pixels(found: Found) -> int:
    modules, rest = divmod(found.right - found.left, symbol_of(found).width)
    assert rest == 0, f"{found} is not a whole number of dots a module"
    return modules


def is_white(image: Image.Image, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether the area lies on the page and has no mark at all."""
    if left < 0 or top < 0 or right > image.width or bottom > image.height:
        return False
    return left >= right or top >= bottom or darkest(image.crop((left, top, right, bottom))) > 250
