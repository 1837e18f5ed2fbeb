import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from labels import drawing, fonts, pdf
from labels.sheet import Box, CellIsFull, Sheet, Size
from labels.symbols import UnprintableContent
from tests.labels import reading, samples

ALL: list[drawing.Label] = [samples.BIN, samples.SKU, samples.CARTON, samples.PARCEL, samples.PARCEL_GS1, samples.SLIP]

ELSEWHERE = """
import sys, hashlib
from django.conf import settings
settings.configure(LABEL_FONT="", USE_I18N=False)
from labels import pdf
from tests.labels.test_pdf import ALL
sys.stdout.write(hashlib.sha256(pdf.render(ALL)).hexdigest())
"""


def test_the_same_labels_are_the_same_bytes() -> None:
    assert pdf.render(ALL) == pdf.render(ALL)


def test_the_same_bytes_in_every_process(pytestconfig: pytest.Config) -> None:
    def digest(seed: str) -> str:
        command = [sys.executable, "-c", ELSEWHERE]
        return subprocess.run(
            command, cwd=pytestconfig.rootpath, env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout

    assert len(digest("1")) == 64
    assert digest("1") == digest("2")


def test_one_label_a_page_each_in_its_own_size() -> None:
    document = pypdfium2.PdfDocument(pdf.render(ALL))
    assert len(document) == len(ALL)
    sizes = [(round(width / 72 * 25.4), round(height / 72 * 25.4)) for width, height in (page.get_size() for page in document)]
    assert sizes == [(100, 60), (57, 32), (100, 150), (102, 152), (102, 152), (210, 297)]


@pytest.mark.parametrize("dpi", [203, 300])
def test_pages_are_whole_dots(dpi: int) -> None:
    for label, page in zip(ALL, reading.pages(ALL, dpi), strict=True):
        assert page.size == (round(label.size.width / 25.4 * dpi), round(label.size.height / 25.4 * dpi))


def test_a_thousand_labels_out_of_a_generator() -> None:
    out = BytesIO()
    assert pdf.write((replace(samples.BIN, code=f"A-{n:04d}", scan_code=f"A-{n:04d}") for n in range(1000)), out) == 1000
    document = pypdfium2.PdfDocument(out.getvalue())
    assert len(document) == 1000
    image = document[999].render(scale=203 / 72, grayscale=True).to_pil().convert("L")
    assert [found.content for found in reading.read(image)] == ["A-0999"]
    assert len(out.getvalue()) < 2_000_000


def test_nothing_to_print_is_refused() -> None:
    out = BytesIO()
    with pytest.raises(drawing.NothingToPrint):
        pdf.write([], out)
    assert out.getvalue() == b""


def test_a_refused_label_writes_nothing() -> None:
    out = BytesIO()
    with pytest.raises(UnprintableContent):
        pdf.write([samples.BIN, replace(samples.PARCEL, tracking_number="追踪")], out)
    assert out.getvalue() == b""


SMALL = Size(60, 20)
PAIR = Size(120, 40)


@dataclass(frozen=True)
class Words:
    text: str
    size: Size = SMALL

    def draw(self, sheet: Sheet) -> None:
        sheet.text(Box(2, 2, 56, 16), self.text, size=24)


def test_chinese_glyphs_are_drawn_not_boxes() -> None:
    characters = "机械键盘拣货区深圳科技"
    drawn = {reading.pages([Words(character)], 203)[0].tobytes() for character in characters}
    assert len(drawn) == len(set(characters)), "two characters look the same: the font's box for a missing glyph"
    (page,) = pypdfium2.PdfDocument(pdf.render([Words(characters)]))
    assert page.get_textpage().get_text_range().strip() == characters


def test_the_font_is_embedded() -> None:
    assert b"/FontFile2" in pdf.render([Words("机械")])


@pytest.fixture
def other_font() -> Generator[None]:
    fonts.label_font.cache_clear()
    fonts.font_file.cache_clear()
    yield
    fonts.label_font.cache_clear()
    fonts.font_file.cache_clear()


def test_a_font_that_cannot_be_read_is_a_configuration_error(other_font: None, tmp_path: Path) -> None:
    path = tmp_path / "not-a-font.ttf"
    path.write_bytes(b"no font")
    for wrong in (path, tmp_path / "missing.ttf"):
        with override_settings(LABEL_FONT=str(wrong)), pytest.raises(ImproperlyConfigured, match="WMS_LABEL_FONT"):
            fonts.font_file.cache_clear()
            fonts.label_font()


@dataclass(frozen=True)
class TwoCells:
    """Two sku labels side by side on one page, as on a sheet of labels."""

    size: Size = PAIR

    def draw(self, sheet: Sheet) -> None:
        replace(samples.SKU, merchant="").draw(sheet.cell(Box(1.3, 5, 57, 32)))
        samples.SKU.draw(sheet.cell(Box(61.7, 5, 57, 32)))


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_label_in_a_cell_is_the_label_alone_dot_for_dot(dpi: int) -> None:
    (image,) = reading.pages([TwoCells()], dpi)
    alone = reading.pages([replace(samples.SKU, merchant=""), samples.SKU], dpi)
    for x, single in zip((1.3, 61.7), alone, strict=True):
        left, top = round(x / 25.4 * dpi), round(5 / 25.4 * dpi)
        cell = image.crop((left, top, left + single.width, top + single.height))
        differing = sum((one < 128) != (other < 128) for one, other in zip(cell.tobytes(), single.tobytes(), strict=True))
        # The edges of glyphs may be blackened differently by the rasteriser; bars never.
        assert differing < 40
        assert [(found.kind, found.content) for found in reading.read(cell)] == [
            (found.kind, found.content) for found in reading.read(single)
        ]


@dataclass(frozen=True)
class SlipInACell:
    size: Size = samples.SLIP.size

    def draw(self, sheet: Sheet) -> None:
        replace(samples.SLIP, lines=samples.SLIP.lines * 30).draw(sheet.cell(Box(0, 0, 210, 297)))


def test_a_label_of_several_pages_does_not_fit_into_a_cell() -> None:
    with pytest.raises(CellIsFull):
        pdf.render([SlipInACell()])
