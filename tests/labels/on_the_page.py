"""What a rendered page has to keep: quiet zones, edges, every character; and what it says."""

import ctypes
from typing import Any

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from labels import drawing, pdf
from labels.symbols import Kind
from tests.labels import reading

# Quiet zones as the standards give them, in modules: left, right, above and below (GS1 General Specifications; ISO/IEC 18004, 16022).
QUIET = {
    Kind.CODE_128: (10, 10, 0), Kind.GS1_128: (10, 10, 0), Kind.EAN_13: (11, 7, 0), Kind.EAN_8: (7, 7, 0), Kind.UPC_A: (9, 9, 0),
    Kind.ITF_14: (10, 10, 0), Kind.QR: (4, 4, 4), Kind.DATA_MATRIX: (1, 1, 1),
}  # fmt: skip


def check_quiet_zones(image: Image.Image, symbol: reading.Found) -> None:
    module = reading.module_pixels(symbol)
    left, right, vertical = (modules * module for modules in QUIET[symbol.kind])
    assert reading.is_white(image, symbol.left - left, symbol.top, symbol.left, symbol.bottom), f"left of {symbol}"
    assert reading.is_white(image, symbol.right, symbol.top, symbol.right + right, symbol.bottom), f"right of {symbol}"
    assert reading.is_white(image, symbol.left, symbol.top - vertical, symbol.right, symbol.top), f"above {symbol}"
    assert reading.is_white(image, symbol.left, symbol.bottom, symbol.right, symbol.bottom + vertical), f"below {symbol}"


def check_text(page: Any) -> None:
    """Every character stands on the page, the ones in white on black too."""
    width, height = page.get_size()
    text = page.get_textpage()
    count = text.count_chars()
    assert count > 3
    left, right, bottom, top = (ctypes.c_double() for _side in range(4))
    for place in range(count):
        character = chr(raw.FPDFText_GetUnicode(text, place))
        if character.isspace():
            continue  # pdfium's own line ends
        raw.FPDFText_GetCharBox(text, place, left, right, bottom, top)
        assert 0 <= left.value <= right.value <= width, character
        assert 0 <= bottom.value <= top.value <= height, character


def check_edges(image: Image.Image, dpi: int) -> None:
    """Roll printers lose the outermost millimetre."""
    edge = round(1 / 25.4 * dpi)
    assert reading.is_white(image, 0, 0, image.width, edge)
    assert reading.is_white(image, 0, image.height - edge, image.width, image.height)
    assert reading.is_white(image, 0, 0, edge, image.height)
    assert reading.is_white(image, image.width - edge, 0, image.width, image.height)


def page_texts(label: drawing.Label) -> list[str]:
    document = pypdfium2.PdfDocument(pdf.render([label]))
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def words(label: drawing.Label, page: int = 0) -> str:
    document = pypdfium2.PdfDocument(pdf.render([label]))
    return " ".join(document[page].get_textpage().get_text_range().split())
