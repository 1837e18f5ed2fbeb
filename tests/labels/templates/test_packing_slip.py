"""The packing slip."""

from dataclasses import replace
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from labels import pdf
from labels.kinds import KINDS
from labels.symbols import Kind
from labels.templates import packing_slip
from tests.labels import reading
from tests.labels.on_the_page import words
from tests.labels.samples import SLIP

every_dpi = pytest.mark.parametrize("dpi", [203, 300])


@pytest.mark.parametrize("media", KINDS["slip"].media)
def test_a_merchants_logo_stands_beside_its_name(media: str) -> None:
    out = BytesIO()
    Image.new("L", (400, 100), 0).save(out, "PNG")
    plain, with_logo = (reading.pages([replace(KINDS["slip"].sample_on(media), logo=logo)], 203)[0] for logo in (b"", out.getvalue()))
    black = [sum(grey < 128 for grey in image.crop((0, 0, image.width // 4, image.height // 8)).tobytes()) for image in (plain, with_logo)]
    assert black[1] > black[0] + 1500
    assert [found.content for found in reading.read(with_logo)] == ["WC-100482"]
    assert "ACME 深圳科技" in words(replace(KINDS["slip"].sample_on(media), logo=out.getvalue()))


@pytest.mark.parametrize("size", packing_slip.SIZES)
@pytest.mark.parametrize("count", [0, 1, 5, 9, 10, 14, 15, 16, 20, 21, 24, 25, 60, 200])
def test_a_slip_has_every_line_once_and_in_order(size: str, count: int) -> None:
    lines = tuple(packing_slip.SlipLine(sku=f"SKU{n:05d}", name=f"名称{n}", quantity=1) for n in range(count))
    label = replace(SLIP, lines=lines, size=packing_slip.SIZES[size])
    document = pypdfium2.PdfDocument(pdf.render([label]))
    texts = [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    printed = [word for text in texts for word in text.split() if word.startswith("SKU0")]
    assert printed == [line.sku for line in lines]
    assert f"{count} lines, {count} units" in texts[-1]
    assert "感谢您的订购" in texts[-1]
    assert [f"Page {n} of {len(texts)}" in text for n, text in enumerate(texts, start=1)] == [True] * len(texts)
    if count:
        assert all("SKU0" in text for text in texts), "no page without a line"


def test_a_long_slip_keeps_its_symbol_and_stays_on_its_pages() -> None:
    label = replace(SLIP, lines=SLIP.lines * 30, size=packing_slip.SIZES["4x6in"])
    images = reading.pages([label], 203)
    assert len(images) > 5
    assert [[found.content for found in reading.read(image)] for image in images] == [["WC-100482"]] + [[]] * (len(images) - 1)
    for image in images:
        assert reading.is_white(image, 0, image.height - 16, image.width, image.height)


@pytest.mark.parametrize("reference", ["R" * 50, "R-2026/11-" * 5, "单" * 50])
@pytest.mark.parametrize("size", packing_slip.SIZES)
@every_dpi
def test_the_longest_order_reference_still_has_a_symbol(dpi: int, size: str, reference: str) -> None:
    (image,) = reading.pages([replace(SLIP, order_reference=reference, size=packing_slip.SIZES[size])], dpi)
    assert [found.content for found in reading.read(image)] == [reference]


def test_an_order_reference_that_is_not_ascii_becomes_a_matrix() -> None:
    (image,) = reading.pages([replace(SLIP, order_reference="订单-42")], 203)
    assert [(found.kind, found.content) for found in reading.read(image)] == [(Kind.DATA_MATRIX, "订单-42")]
