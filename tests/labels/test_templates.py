"""Every template in every size on both kinds of printer: all symbols read, quiet zones white, all text on the page."""

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import pypdfium2
import pytest

from labels import pdf
from labels.addresses import Address
from labels.sheet import SymbolTooWide
from labels.symbols import BadContentLength, Kind, UnprintableContent
from labels.templates import bin as bin_template
from labels.templates import carton, packing_slip, parcel, sku
from tests.labels import reading
from tests.labels.samples import BIN, BUYER, CARTON, PARCEL, PARCEL_GS1, SKU, SLIP, SSCC

LONG = "Sehr langer Name für ein außergewöhnlich großes Übergrößenprodukt 超长商品名称测试用例需要自动缩小换行或截断 edición " * 4
NASTY = "a\x00b\x1b[31m\r\nx\u202e😀\ud800 " + LONG
ENDLESS = "W" * 300
LONG_ADDRESS = Address(
    name=LONG, company=LONG, line1=ENDLESS, line2=LONG, city=LONG, region=LONG, postcode=ENDLESS, country="GB", phone=ENDLESS
)  # fmt: skip

# Quiet zones as the standards give them, in modules: left, right, above and below (GS1 General Specifications; ISO/IEC 18004, 16022).
QUIET = {
    Kind.CODE_128: (10, 10, 0), Kind.GS1_128: (10, 10, 0), Kind.EAN_13: (11, 7, 0), Kind.EAN_8: (7, 7, 0), Kind.UPC_A: (9, 9, 0),
    Kind.ITF_14: (10, 10, 0), Kind.QR: (4, 4, 4), Kind.DATA_MATRIX: (1, 1, 1),
}  # fmt: skip


class Case(NamedTuple):
    name: str
    label: pdf.Label
    symbols: set[tuple[Kind, str]]


def _cases() -> list[Case]:
    a_bin, a_carton = {(Kind.CODE_128, "A-01-02-03")}, {(Kind.CODE_128, "CTN-2026110700012")}
    tracking = {(Kind.CODE_128, "WM2026112200017"), (Kind.QR, "WM2026112200017")}
    transport = {(Kind.GS1_128, "00" + SSCC), (Kind.QR, SSCC)}
    a_sku, a_slip = {(Kind.EAN_13, "4006381333931")}, {(Kind.CODE_128, "WC-100482")}
    many = tuple(replace(line, quantity=n) for n, line in enumerate(CARTON.contents * 20))
    long_bin = replace(BIN, code=ENDLESS, zone=NASTY, warehouse=LONG, level=LONG, check_code=ENDLESS)
    long_sku = replace(SKU, merchant_code=ENDLESS, name_zh=NASTY, name_en=LONG, merchant=LONG)
    long_contents = tuple(replace(line, sku=ENDLESS, name=NASTY, quantity=10**12) for line in CARTON.contents)
    long_carton = replace(
        CARTON, merchant=NASTY, asn_reference=ENDLESS, destination=LONG, contents=long_contents, number=10**9, total=10**9, gross_g=10**12
    )
    long_parcel: dict[str, Any] = {
        "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "service": NASTY, "carrier": LONG, "order_reference": ENDLESS,
        "weight_g": 10**12,
    }  # fmt: skip
    long_slip = replace(
        SLIP, merchant=NASTY, ship_to=LONG_ADDRESS, service=LONG, note=NASTY, tracking_number=ENDLESS,
        lines=tuple(replace(line, sku=ENDLESS, name=NASTY, quantity=10**15) for line in SLIP.lines),
    )  # fmt: skip
    cases = []
    for name, size in bin_template.SIZES.items():
        cases.append(Case(f"bin-{name}", replace(BIN, size=size), a_bin))
        cases.append(Case(f"bin-{name}-down", replace(BIN, size=size, arrow="down"), a_bin))
        cases.append(Case(f"bin-{name}-long", replace(long_bin, size=size), a_bin))
    for name, size in sku.SIZES.items():
        cases.append(Case(f"sku-{name}", replace(SKU, size=size), a_sku))
        cases.append(Case(f"sku-{name}-long", replace(long_sku, size=size), a_sku))
        for kind, barcode in [
            (Kind.UPC_A, "036000291452"), (Kind.EAN_8, "96385074"), (Kind.ITF_14, "09501101530003"), (Kind.CODE_128, "X001ABC2DE"),
            (Kind.DATA_MATRIX, "ACME-KEYBOARD-RGB-BLACK-2026-V2"), (Kind.DATA_MATRIX, "键盘-01"),
        ]:  # fmt: skip
            cases.append(Case(f"sku-{name}-{kind}-{len(barcode)}", replace(SKU, size=size, barcode=barcode), {(kind, barcode)}))
    for name, size in carton.SIZES.items():
        cases.append(Case(f"carton-{name}", replace(CARTON, size=size), a_carton))
        cases.append(Case(f"carton-{name}-many", replace(CARTON, size=size, contents=many), a_carton))
        cases.append(Case(f"carton-{name}-long", replace(long_carton, size=size), a_carton))
        cases.append(Case(f"carton-{name}-bare", replace(CARTON, size=size, contents=(), gross_g=0, net_g=0, length_mm=0), a_carton))
    for name, size in parcel.SIZES.items():
        cases.append(Case(f"parcel-{name}", replace(PARCEL, size=size), tracking))
        cases.append(Case(f"parcel-{name}-long", replace(PARCEL, size=size, **long_parcel), tracking))
        cases.append(Case(f"parcel-{name}-gs1", replace(PARCEL_GS1, size=size), transport))
        cases.append(Case(f"parcel-{name}-gs1-long", replace(PARCEL_GS1, size=size, **long_parcel), transport))
    for name, size in packing_slip.SIZES.items():
        cases.append(Case(f"slip-{name}", replace(SLIP, size=size), a_slip))
        cases.append(Case(f"slip-{name}-long", replace(long_slip, size=size), a_slip))
    return cases


CASES = _cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
every_dpi = pytest.mark.parametrize("dpi", [203, 300])


@every_dpi
@every_case
def test_symbols_are_read_and_their_quiet_zones_are_white(case: Case, dpi: int) -> None:
    (image,) = reading.pages([case.label], dpi)
    found = reading.read(image)
    assert {(symbol.kind, symbol.content) for symbol in found} == case.symbols
    assert len(found) == len(case.symbols)
    for symbol in found:
        module = reading.module_pixels(symbol)
        left, right, vertical = (modules * module for modules in QUIET[symbol.kind])
        assert reading.is_white(image, symbol.left - left, symbol.top, symbol.left, symbol.bottom), f"left of {symbol}"
        assert reading.is_white(image, symbol.right, symbol.top, symbol.right + right, symbol.bottom), f"right of {symbol}"
        assert reading.is_white(image, symbol.left, symbol.top - vertical, symbol.right, symbol.top), f"above {symbol}"
        assert reading.is_white(image, symbol.left, symbol.bottom, symbol.right, symbol.bottom + vertical), f"below {symbol}"


@every_dpi
@every_case
def test_everything_is_on_the_page(case: Case, dpi: int) -> None:
    document = pypdfium2.PdfDocument(pdf.render([case.label], dpi))
    for page, image in zip(document, reading.pages([case.label], dpi), strict=True):
        width, height = page.get_size()
        text = page.get_textpage()
        assert text.count_chars() > 10
        for place in range(text.count_chars()):
            if not text.get_text_range(place, 1).strip():
                continue  # pdfium's own line ends
            left, bottom, right, top = text.get_charbox(place)
            assert 0 <= left <= right <= width, text.get_text_range(place, 1)
            assert 0 <= bottom <= top <= height, text.get_text_range(place, 1)
        # Roll printers lose the outermost millimetre.
        edge = round(1 / 25.4 * dpi)
        assert reading.is_white(image, 0, 0, image.width, edge)
        assert reading.is_white(image, 0, image.height - edge, image.width, image.height)
        assert reading.is_white(image, 0, 0, edge, image.height)
        assert reading.is_white(image, image.width - edge, 0, image.width, image.height)


def words(label: pdf.Label, page: int = 0) -> str:
    document = pypdfium2.PdfDocument(pdf.render([label]))
    return " ".join(document[page].get_textpage().get_text_range().split())


def test_what_a_bin_label_says() -> None:
    text = words(BIN)
    for part in ("A-01-02-03", "47", "Level 02", "DEMO", "拣货区"):
        assert part in text


def test_the_check_code_is_not_in_the_barcode() -> None:
    (image,) = reading.pages([replace(BIN, check_code="86")], 203)
    assert [found.content for found in reading.read(image)] == ["A-01-02-03"]


def test_the_bin_code_is_big_enough_for_the_aisle() -> None:
    """At least 12 mm for short codes: about 45 screen pixels of 0.26 mm."""
    label = replace(BIN, arrow=None, code="88", scan_code="A-88", level="", warehouse="", zone="")
    (image,) = reading.pages([label], 203)
    head = image.crop((0, 0, image.width, round(29 / 25.4 * 203)))
    rows = [y for y in range(head.height) if reading.darkest(head.crop((0, y, head.width, y + 1))) < 128]
    assert (rows[-1] - rows[0]) / 203 * 25.4 >= 12


def test_the_arrow_points_to_the_bin() -> None:
    def dark_rows(arrow: Literal["up", "down"]) -> list[int]:
        (image,) = reading.pages([replace(BIN, arrow=arrow, code=".", level="")], 203)
        area = image.crop((round(77 / 25.4 * 203), round(9 / 25.4 * 203), image.width, round(29 / 25.4 * 203)))
        return [sum(grey < 128 for grey in area.crop((0, y, area.width, y + 1)).tobytes()) for y in range(area.height)]

    up, down = dark_rows("up"), dark_rows("down")
    assert up.index(max(up)) < len(up) * 0.6 < len(down)
    assert sum(up) == pytest.approx(sum(down), rel=0.02)
    first, last = next(n for n in up if n), next(n for n in reversed(up) if n)
    assert first < last
    first, last = next(n for n in down if n), next(n for n in reversed(down) if n)
    assert first > last


def test_what_a_sku_label_says() -> None:
    text = words(SKU)
    for part in ("KB-2087-RGB-BLK", "ACME", "机械键盘", "热插拔轴", "Mechanical keyboard", "4 006381 333931"):
        assert part in text


def test_what_a_carton_label_says() -> None:
    text = words(CARTON)
    for part in (
        "ACME 深圳科技", "ASN-2026-1107", "12 of 48", "KB-2087-RGB-BLK", "× 20", "KB-2087-RGB-WHT", "× 4", "24.35 kg", "22.90 kg",
        "60 × 40 × 35.5 cm", "MADE IN CHINA", "TEAM LIFT", "CTN-2026110700012", "DEMO", "机械键盘 黑色",
    ):  # fmt: skip
        assert part in text


def test_a_light_carton_needs_no_team() -> None:
    assert "TEAM LIFT" not in words(replace(CARTON, gross_g=22_680))
    assert "TEAM LIFT" in words(replace(CARTON, gross_g=22_681))


def test_a_carton_of_many_skus_counts_the_rest() -> None:
    contents = tuple(carton.CartonContent(sku=f"S{n:03d}", quantity=n) for n in range(100))
    text = words(replace(CARTON, contents=contents))
    shown = sum(f"S{n:03d}" in text for n in range(100))
    assert 5 <= shown < 20
    assert f"and {100 - shown} more SKUs, {sum(range(shown, 100))} units" in text


def test_what_a_parcel_label_says() -> None:
    text = words(PARCEL)
    for part in (
        "Overseas Warehouse East", "1200 Harbor Blvd", "Dock 14", "Elizabeth, NJ 07201", "UNITED STATES", "Jürgen Weiß-Muñoz",
        "Café Größe GmbH", "Königstraße 27b", "3. Obergeschoß links", "40212 Düsseldorf", "GERMANY", "+49 211 555 0134", "STANDARD",
        "WC-100482", "1.28 kg", "2026-11-22", "1/1", "WM2026112200017", "Own carrier",
    ):  # fmt: skip
        assert part in text
    assert f"(00){SSCC}" in words(PARCEL_GS1)


@pytest.mark.parametrize(("dpi", "dots"), [(203, 4), (300, 6)])
def test_a_transport_symbol_has_the_size_that_gs1_asks_for(dpi: int, dots: int) -> None:
    (image,) = reading.pages([PARCEL_GS1], dpi)
    (symbol,) = [found for found in reading.read(image) if found.kind == Kind.GS1_128]
    assert reading.module_pixels(symbol) == dots
    assert (symbol.bottom - symbol.top) / dpi * 25.4 >= 31.75
    assert (image.height - symbol.bottom) / dpi * 25.4 < 15, "it is the lowest thing on the label"


def test_tracking_numbers_that_cannot_be_printed_are_refused() -> None:
    with pytest.raises(UnprintableContent):
        pdf.render([replace(PARCEL, tracking_number="WM–1")])
    with pytest.raises(BadContentLength):
        pdf.render([replace(PARCEL, tracking_number="")])
    with pytest.raises(SymbolTooWide):
        pdf.render([replace(PARCEL, tracking_number="ABCDEFGHIJ" * 5)])


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


@pytest.mark.parametrize("size", sku.SIZES)
@every_dpi
def test_the_longest_sku_code_still_has_a_symbol(dpi: int, size: str) -> None:
    code = "KEYBOARD-RGB-" + "x" * 37
    (image,) = reading.pages([replace(SKU, barcode=code, merchant_code=code, size=sku.SIZES[size])], dpi)
    assert [(found.kind, found.content) for found in reading.read(image)] == [(Kind.DATA_MATRIX, code)]


@pytest.mark.parametrize("reference", ["R" * 30, "C" * 30])
@pytest.mark.parametrize("size", carton.SIZES)
@every_dpi
def test_the_longest_box_number_still_has_a_symbol(dpi: int, size: str, reference: str) -> None:
    (image,) = reading.pages([replace(CARTON, barcode=reference, size=carton.SIZES[size])], dpi)
    assert [found.content for found in reading.read(image)] == [reference]


def test_an_order_reference_that_is_not_ascii_becomes_a_matrix() -> None:
    (image,) = reading.pages([replace(SLIP, order_reference="订单-42")], 203)
    assert [(found.kind, found.content) for found in reading.read(image)] == [(Kind.DATA_MATRIX, "订单-42")]


def test_addresses_by_country() -> None:
    assert BUYER.lines()[-2:] == ["40212 Düsseldorf", "GERMANY"]
    assert replace(BUYER, city="Austin", region="TX", postcode="73301", country="US").lines()[-2:] == ["Austin, TX 73301", "UNITED STATES"]
    assert replace(BUYER, country="ZZ").lines()[-1] == "ZZ"
    assert Address(name="A", line1="B", city="C", postcode="", country="IE").lines() == ["A", "B", "C", "IRELAND"]
