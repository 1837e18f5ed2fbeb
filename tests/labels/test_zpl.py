"""ZPL, rendered as a Zebra ZD621 prints it: the same symbols at the same dots as the PDF, the same text, nothing that content could smuggle in."""

import re
import string
import zlib
from base64 import b64decode
from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from zplkit.parse import parse

from labels import drawing, fitting, samples, symbols, zpl
from labels.kinds import KINDS
from labels.media import MEDIA
from labels.pictures import black_and_white
from labels.sheet import Align, Box, Sheet, Size, Text
from labels.symbols import Symbol
from tests.labels import reading
from tests.labels.samples import DRAWN
from tests.labels.test_pictures import file_of, logo
from tests.labels.test_symbols import ASCII, DPIS, ELEMENTS, PAGES, WIDE, Alone, Many, pages_of, with_check_digit

ROLLS = [(kind, media) for kind in DRAWN for media in kind.media if MEDIA[media].is_roll]
USUAL = {(kind.name, media) for kind in KINDS.values() for media in kind.media[:1]}
CASES = [
    pytest.param(kind.sample_on(media), dpi, id=f"{kind.name}-{media}-{dpi}")
    for kind, media in ROLLS
    for dpi in ((203, 300) if (kind.name, media) in USUAL else (203,))
]
SMALL, LARGE = Size(60, 20), Size(180, 100)


class Graphic(NamedTuple):
    left: int
    top: int
    row_bytes: int
    dots: bytes


class Printed(NamedTuple):
    """What stands in ZPL, taken apart by hand: command names, text fields, graphics."""

    commands: list[str]
    fields: list[str]
    graphics: list[Graphic]


def taken_apart(content: bytes) -> Printed:
    elements = parse(content).elements
    commands = [bytes(element)[:3].decode() for element in elements if element.kind != "before_first_command"]
    text = content.decode()
    fields = re.findall(r"\^A0N,\d+,\d+\^FH_\^FD([^^~]*)\^FS", text)
    graphics = []
    for left, top, total, count, row_bytes, data, checksum in re.findall(
        r"\^FO(\d+),(\d+)(?:\^FR)?\^GFA,(\d+),(\d+),(\d+),:Z64:([A-Za-z0-9+/=]+):([0-9A-F]{4})\^FS", text
    ):
        dots = zlib.decompress(b64decode(data, validate=True))
        assert crc_hqx(data.encode(), 0) == int(checksum, 16)
        assert len(dots) == int(total) == int(count)
        assert len(dots) % int(row_bytes) == 0
        graphics.append(Graphic(int(left), int(top), int(row_bytes), dots))
    assert len(graphics) == commands.count("^GF")
    return Printed(commands, [re.sub("_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), field) for field in fields], graphics)


def dark(image: Image.Image) -> Image.Image:
    return image.point(lambda grey: 255 * (grey < 128))


@pytest.mark.parametrize(("label", "dpi"), CASES)
def test_every_symbol_of_every_roll_label_has_the_dots_of_the_pdf(label: drawing.Label, dpi: int) -> None:
    """Zxing-cpp reads the same kinds and contents (by symbology identifier) at the same place, and there no dot differs."""
    (image,), (wanted,) = reading.zpl_pages([label], dpi), reading.pages([label], dpi)
    assert image.size == wanted.size
    found = sorted(reading.read(image), key=str)
    assert found
    assert found == sorted(reading.read(wanted), key=str)
    for symbol in found:
        place = (symbol.left, symbol.top, symbol.right, symbol.bottom)
        assert ImageChops.difference(dark(image).crop(place), dark(wanted).crop(place)).getbbox() is None, symbol


class Listening:
    """A surface that draws nothing and remembers the texts."""

    def __init__(self) -> None:
        self.texts: list[Text] = []

    def write(self, text: Text) -> None:
        self.texts.append(text)

    def _nothing(self, *_drawn: object) -> None:
        pass

    start_page = end_page = fill = outline = bars = picture = _nothing


@pytest.mark.parametrize(("label", "dpi"), CASES)
def test_every_line_of_every_roll_label_is_printed_where_it_belongs(label: drawing.Label, dpi: int) -> None:
    """In ZPL as in the PDF, each line leaves between a third and three times as much ink as the other way to print it does."""
    listening = Listening()
    label.draw(Sheet(listening, label.size, dpi))
    assert listening.texts
    (image,), (wanted,) = reading.zpl_pages([label], dpi), reading.pages([label], dpi)
    for text in listening.texts:
        baseline = text.baseline
        for line in text.lines:
            left, right = round(text.left), round(text.left + text.width)
            place = (left, round(baseline - 0.75 * text.size), right, round(baseline))
            ink = [ImageChops.invert(dark(page)) if text.white else dark(page) for page in (image, wanted)]
            ours, theirs = (page.crop(place).histogram()[255] for page in ink)
            assert theirs / 3 <= ours <= 3 * theirs, line
            assert theirs > 0, line
            baseline += text.leading


def test_a_page_is_one_format_that_leaves_nothing_from_the_job_before() -> None:
    content = zpl.render([samples.BIN, samples.SKU], 203)
    starts = [line for line in content.decode().splitlines() if line.startswith("^XA")]
    assert starts == [f"^XA^CI28^PW{w}^LL{h}^LH0,0^FWN^PON^PMN^LRN" for w, h in ((799, 480), (456, 256))]
    assert content.count(b"^XZ") == 2
    assert b"^PQ" not in content


def test_copies_are_told_to_the_printer_not_sent() -> None:
    once, often = zpl.render([samples.SKU], 203), zpl.render([samples.SKU], 203, copies=250)
    assert often == once.replace(b"^XZ", b"^PQ250\n^XZ")


def test_a_label_of_several_pages_is_several_formats() -> None:
    slip = replace(samples.SLIP, lines=samples.SLIP.lines * 30, size=MEDIA["4x6in"].size)
    assert zpl.render([slip], 203).count(b"^XA") == len(reading.pages([slip], 203)) > 5


def test_labels_out_of_a_generator() -> None:
    out = BytesIO()
    assert zpl.write((replace(samples.BIN, code=f"A-{n}", scan_code=f"A-{n}") for n in range(50)), out, 203) == 50
    assert out.getvalue().count(b"^XA") == 50
    with pytest.raises(drawing.NothingToPrint):
        zpl.render([], 203)


def test_a_code_is_the_printers_own_symbol_and_latin_text_is_text() -> None:
    content = zpl.render([samples.PARCEL], 203).decode()
    assert re.search(r"\^BY\d,3,\d+\^BCN,\d+,N,N,N,N\^FD>:WM>52026112200017\^FS|\^BCN,\d+,N,N,N,N\^FD>:WM", content)
    assert "Overseas Warehouse East" in taken_apart(content.encode()).fields
    assert "^B2N" in zpl.render([Alone(symbols.itf_14("14006381333938"))], 203).decode()


@PAGES
@example([">^~_\\", "99>", "A>5B", ">;>:>8", "^XZ^XA"], 203)
@given(pages_of(ASCII), DPIS)
def test_the_printers_code_128_has_our_modules(contents: list[str], dpi: int) -> None:
    assert_same_modules([symbols.code_128(content) for content in contents], dpi, b"^BC")


@PAGES
@given(pages_of(ELEMENTS), DPIS)
def test_the_printers_gs1_128_has_our_modules(contents: list[Any], dpi: int) -> None:
    assert_same_modules([symbols.gs1_128(content) for content in contents], dpi, b"^BC")


@settings(PAGES, max_examples=8)
@given(pages_of(with_check_digit(14)), DPIS)
def test_the_printers_itf_14_has_our_modules(contents: list[str], dpi: int) -> None:
    assert_same_modules([symbols.itf_14(content) for content in contents], dpi, b"^B2")


@settings(PAGES, max_examples=4)
@given(pages_of(with_check_digit(13)), DPIS)
def test_ean_is_sent_as_dots(contents: list[str], dpi: int) -> None:
    assert_same_modules([symbols.ean_13(content) for content in contents], dpi, b"^GF")


@settings(PAGES, max_examples=4)
@given(pages_of(st.text(string.printable + "äß箱", min_size=1, max_size=40)), DPIS)
def test_matrices_are_sent_as_dots(contents: list[str], dpi: int) -> None:
    assert_same_modules([symbols.qr(content) for content in contents], dpi, b"^GF")
    assert_same_modules([symbols.data_matrix(content) for content in contents], dpi, b"^GF")


def assert_same_modules(drawn: list[Symbol], dpi: int, command: bytes) -> None:
    page = Many(drawn)
    assert zpl.render([page], dpi).count(command) == len(drawn)
    (image,) = reading.zpl_pages([page], dpi)
    for box, symbol in zip(page.boxes(), page.symbols, strict=True):
        cell = reading.part(image, box, dpi)
        assert reading.modules_of(cell, symbol) == reading.expected(symbol), symbol


@dataclass(frozen=True)
class Lines:
    """Texts one below the other, each in a box of its own."""

    texts: Sequence[str]
    align: Align = Align.LEFT
    size: Size = LARGE
    width: float = 60

    def boxes(self) -> list[Box]:
        return [Box(20, 2 + 7 * place, self.width, 6) for place in range(len(self.texts))]

    def draw(self, sheet: Sheet) -> None:
        for box, text in zip(self.boxes(), self.texts, strict=True):
            sheet.text(box, text, size=14, least=5, align=self.align)


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60)


@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example(["W" * 40, "KB-2087-RGB-BLK", "@%@%@%@%@%", "iiiiiiii", "A-01-02-03", "WWWWWWWWWWWWW"], Align.CENTRE, 203)
@example(["J<", "j", "jjjj-" * 20], Align.LEFT, 203)
@given(st.lists(PRINTABLE, min_size=13, max_size=13), st.sampled_from(Align), DPIS)
def test_text_stays_in_its_box(texts: list[str], align: Align, dpi: int) -> None:
    label = Lines(texts, align)
    (image,) = reading.zpl_pages([label], dpi)
    inked = dark(image)
    for box, text in zip(label.boxes(), texts, strict=True):
        row = inked.crop((0, round(box.y / 25.4 * dpi), image.width, round((box.bottom + 1) / 25.4 * dpi))).getbbox()
        if row is None:
            assert not text.strip(" "), text
            continue
        assert row[0] >= round(box.x / 25.4 * dpi) - 2, text
        assert row[2] <= round(box.right / 25.4 * dpi) + 2, text


@pytest.mark.parametrize("dpi", [203, 300])
@pytest.mark.parametrize("text", ["机械键盘 87键", "Königstraße 27b", "Taza de café, edición ñ", "ЖЩ Ωδ", "→ × · €"])
def test_what_the_built_in_font_lacks_is_drawn_as_in_the_pdf(text: str, dpi: int) -> None:
    label = Lines([text])
    assert taken_apart(zpl.render([label], dpi)).fields == []
    (image,), (wanted,) = reading.zpl_pages([label], dpi), reading.pages([label], dpi)
    both = ImageChops.logical_and(dark(image).convert("1"), dark(wanted).convert("1"))
    either = ImageChops.logical_or(dark(image).convert("1"), dark(wanted).convert("1"))
    shared, all_ink = (sum(map(int.bit_count, page.tobytes())) for page in (both, either))
    assert shared / all_ink > 0.6, f"{shared} of {all_ink} dots"


def test_chinese_characters_are_told_apart() -> None:
    characters = "机械键盘拣货区深圳科技"
    graphics = {taken_apart(zpl.render([Lines([character])], 203)).graphics[0].dots for character in characters}
    assert len(graphics) == len(set(characters))


# Whatever these may do in a field, a symbol or a graphic: the commands stay the ones that the template wrote.
SPITEFUL = st.text(st.sampled_from("^~_\\,:;>&|XZAFDSPQJGN05\r\n\x00\x1b\x02\x03箱é") | st.characters(codec="utf-8"), max_size=30)
KNOWN = {
    "^XA", "^CI", "^PW", "^LL", "^LH", "^FW", "^PO", "^PM", "^LR", "^FO", "^FT", "^FR", "^GB", "^GF", "^A0", "^FH", "^FD", "^FS", "^BY",
    "^BC", "^B2", "^XZ",
}  # fmt: skip


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@example("^XZ^XA^FDgone^FS^XZ", "~JR", "A^FS^XZ")
@example("_5EXZ", "\\&\\&", "_7EJA")
@given(SPITEFUL, SPITEFUL, st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=16))
def test_content_cannot_become_a_command(name: str, merchant: str, code: str) -> None:
    content = zpl.render([replace(samples.SKU, name_zh=name, name_en=merchant, merchant=merchant, merchant_code=name, barcode=code)], 203)
    printed = taken_apart(content)
    assert set(printed.commands) <= KNOWN
    assert (printed.commands[0], printed.commands[-1]) == ("^XA", "^XZ")
    assert [printed.commands.count(command) for command in ("^XA", "^XZ", "^CI", "^PW")] == [1, 1, 1, 1]
    assert printed.commands.count("^FS") == sum(printed.commands.count(command) for command in ("^FO", "^FT"))
    assert all(field == fitting.printable(field) for field in printed.fields)


@given(PRINTABLE)
def test_a_text_field_says_what_was_asked_for(text: str) -> None:
    printed = taken_apart(zpl.render([Lines([text], width=155)], 203))
    if printed.fields:
        assert printed.fields == [fitting.printable(text)]
        assert not printed.graphics
    else:
        assert bool(printed.graphics) == bool(text.strip(" "))


@dataclass(frozen=True)
class Branded:
    content: bytes
    size: Size = SMALL

    def draw(self, sheet: Sheet) -> None:
        sheet.picture(Box(10, 2, 16, 16), self.content)


@pytest.mark.parametrize("dpi", [203, 300])
def test_a_logo_has_every_dot(dpi: int) -> None:
    side = round(26 / 25.4 * dpi) - round(10 / 25.4 * dpi)
    picture = black_and_white(file_of(logo()), side, side)
    (graphic,) = taken_apart(zpl.render([Branded(file_of(logo()))], dpi)).graphics
    assert (graphic.dots, graphic.row_bytes) == (picture.dots, picture.row_bytes)
    (image,), (wanted,) = reading.zpl_pages([Branded(file_of(logo()))], dpi), reading.pages([Branded(file_of(logo()))], dpi)
    assert ImageChops.difference(dark(image), dark(wanted)).getbbox() is None


def test_white_text_on_black_is_reversed() -> None:
    (image,) = reading.zpl_pages([replace(samples.CARTON, gross_g=30_000)], 203)
    content = zpl.render([replace(samples.CARTON, gross_g=30_000)], 203).decode()
    assert "^FR^A0N" in content
    assert "^FR^GFA" in content
    assert image.getpixel((30, 30)) == 0


def test_a_module_wider_than_a_printer_can_is_sent_as_dots() -> None:
    wide = Alone(symbols.code_128("A"), WIDE)
    content = zpl.render([wide], 600).decode()
    assert ("^GFA" in content, "^BC" in content) == (True, False)
