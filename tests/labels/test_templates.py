"""Every template in every size on both kinds of printer: all symbols read, quiet zones white, all text on the page."""

import ctypes
from dataclasses import MISSING, fields, replace
from datetime import date
from io import BytesIO
from typing import Any, Literal

import pypdfium2
import pytest
from PIL import Image
from pypdfium2 import raw

from labels import pdf
from labels.addresses import Address
from labels.kinds import KINDS
from labels.media import MEDIA
from labels.sheet import SymbolTooWide
from labels.symbols import BadContentLength, Kind, UnprintableContent
from labels.templates import carton, fba_box, manifest, packing_slip, pick_list, sku
from tests.labels import reading
from tests.labels.samples import BIN, BUYER, CARTON, DRAWN, PARCEL, PARCEL_GS1, SKU, SLIP, SSCC

LONG = "Sehr langer Name für ein außergewöhnlich großes Übergrößenprodukt 超长商品名称测试用例需要自动缩小换行或截断 edición " * 4
NASTY = "a\x00b\x1b[31m\r\nx\u202e😀\ud800 " + LONG
ENDLESS = "W" * 300
CHINESE = "超长商品名称测试用例" * 20
LONG_ADDRESS = Address(
    name=LONG, company=LONG, line1=ENDLESS, line2=LONG, city=LONG, region=LONG, postcode=ENDLESS, country="GB", phone=ENDLESS
)  # fmt: skip

# Quiet zones as the standards give them, in modules: left, right, above and below (GS1 General Specifications; ISO/IEC 18004, 16022).
QUIET = {
    Kind.CODE_128: (10, 10, 0), Kind.GS1_128: (10, 10, 0), Kind.EAN_13: (11, 7, 0), Kind.EAN_8: (7, 7, 0), Kind.UPC_A: (9, 9, 0),
    Kind.ITF_14: (10, 10, 0), Kind.QR: (4, 4, 4), Kind.DATA_MATRIX: (1, 1, 1),
}  # fmt: skip


CODE_64 = "KEYBOARD-RGB-" + "x" * 51
LONG_LINES = tuple([LONG] * 9)


def worst(kind: str, label: Any) -> Any:
    """The same label with codes of 64 characters, endless names in every script, and numbers beyond reason."""
    changes: dict[str, dict[str, Any]] = {
        "bin": {"code": ENDLESS, "scan_code": CODE_64, "zone": NASTY, "warehouse": LONG, "level": LONG, "check_code": ENDLESS},
        "sku": {"barcode": CODE_64, "merchant_code": CODE_64, "name_zh": CHINESE, "name_en": LONG, "merchant": LONG, "note": NASTY},
        "fnsku": {"title": CHINESE, "condition": LONG},
        "inner": {
            "merchant": CHINESE, "sku": CODE_64, "barcode": CODE_64, "name_zh": CHINESE, "name_en": LONG, "quantity": 10**12, "lot": LONG,
            "expires_on": date(2031, 12, 31), "asn_reference": ENDLESS,
        },
        "carton": {
            "merchant": NASTY, "asn_reference": ENDLESS, "destination": LONG, "number": 10**9, "total": 10**9, "gross_g": 10**12,
            "contents": tuple(carton.CartonContent(sku=CODE_64, name=CHINESE, quantity=10**12) for _ in range(60)), "barcode": CODE_64,
        },
        "pallet": {
            "ship_from": LONG_LINES, "ship_to": LONG_LINES, "reference": ENDLESS, "merchant": CHINESE, "contents": NASTY, "cartons": 10**9,
            "gross_g": 10**12, "number": 10**6, "total": 10**6,
        },
        "tote": {"code": CODE_64, "warehouse": LONG},
        "badge": {"name": CHINESE, "role": NASTY, "warehouse": LONG},
        "parcel": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "service": NASTY, "carrier": LONG, "order_reference": ENDLESS,
            "weight_g": 10**12,
        },
        "slip": {
            "merchant": NASTY, "ship_to": LONG_ADDRESS, "service": LONG, "note": NASTY, "tracking_number": ENDLESS,
            "lines": (packing_slip.SlipLine(sku=ENDLESS, name=CHINESE, quantity=10**15),), "order_reference": CODE_64,
        },
        "pick_list": {
            "warehouse": LONG, "picker": CHINESE, "wave": CODE_64,
            "stops": tuple(
                pick_list.Stop(
                    bin=ENDLESS, sku=CODE_64, quantity=10**15, name=CHINESE, lot=LONG, check_code=ENDLESS, order=CODE_64, tote=ENDLESS
                )
                for _ in range(3)
            ),
        },
        "fba_box": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "sku": CODE_64, "name": CHINESE, "fnsku": CODE_64, "quantity": 10**12,
            "gross_g": 10**12, "number": 999_999, "total": 999_999,
        },
        "return": {
            "ship_from": LONG_ADDRESS, "ship_to": LONG_ADDRESS, "merchant": CHINESE, "order_reference": CODE_64, "service": LONG,
            "reason": NASTY, "reference": "单" * 50,
        },
        "manifest": {
            "carrier": CHINESE, "ship_from": LONG_LINES, "number": CODE_64,
            "parcels": tuple(
                manifest.ManifestParcel(
                    tracking_number=CODE_64, order_reference=CODE_64, merchant=CHINESE, place=LONG, service=NASTY, weight_g=10**12
                )
                for _ in range(3)
            ),
        },
    }  # fmt: skip
    return replace(label, **changes[kind])


def bare(label: Any) -> Any:
    """The same label with nothing but what it cannot do without."""
    optional = [one for one in fields(label) if one.name not in ("size", "encode", "number", "total") and one.default is not MISSING]
    return replace(label, **{one.name: one.default for one in optional})


def symbols_of(kind: str, media: str, label: Any, dpi: int) -> list[tuple[Kind, str]]:  # noqa: PLR0911, PLR0912 (a table)
    """What a scanner must read on a label of this kind."""
    code, matrix = Kind.CODE_128, Kind.DATA_MATRIX

    def linear(content: str, longest: int) -> tuple[Kind, str]:
        return (code if len(content) <= longest and content.isascii() else matrix, content)

    match kind:
        case "bin":
            return [linear(label.scan_code, 20)]
        case "sku" if len(label.barcode) == 13:
            # On 38 mm the bars of an EAN would have to be thinner than these printers' dots allow.
            return [(matrix if media == "L7651" else Kind.EAN_13, label.barcode)]
        case "sku":
            return [linear(label.barcode, 20)]
        case "fnsku":
            return [(code, label.fnsku)]
        case "inner":
            return [(Kind.ITF_14 if len(label.barcode) == 14 else matrix, label.barcode)]
        case "carton":
            return [linear(label.barcode, 20)]
        case "pallet":
            above = [(Kind.GS1_128, "".join(ai + value for ai, value in label.elements))] if label.elements else []
            return [(Kind.GS1_128, "00" + label.sscc), *above]
        case "tote":
            return [(matrix, label.code), linear(label.code, 20)]
        case "badge":
            return [(Kind.QR, label.token), *([(code, label.token)] if BARS_ON_BADGE[media, dpi] else [])]
        case "parcel":
            return [(code, label.tracking_number), (Kind.QR, label.tracking_number)]
        case "slip":
            return [linear(label.order_reference, 20)]
        case "pick_list":
            return [linear(label.wave, 20)]
        case "fba_box":
            return [(code, label.box_code)]
        case "return":
            return [(matrix, label.reference), *([(code, label.reference)] if len(label.reference) <= 12 else [])]
        case "manifest":
            return [linear(label.number, 20)]
    raise AssertionError(kind)


# The bars of a token need 85 mm; the matrix is there on every badge.
BARS_ON_BADGE = {(media, dpi): media != "70x50" for media in KINDS["badge"].media for dpi in (203, 300)}
every_dpi = pytest.mark.parametrize("dpi", [203, 300])
every_kind_and_media = pytest.mark.parametrize(("kind", "media"), [(kind.name, media) for kind in DRAWN for media in kind.media])


@every_dpi
@every_kind_and_media
def test_all_symbols_are_read_and_everything_is_on_the_page(kind: str, media: str, dpi: int) -> None:
    """As it comes, at its worst, and with nothing that may be left out; on a sheet of labels, each as if it were alone in its cell."""
    sample = KINDS[kind].sample_on(media)
    # The finer raster of a whole page of paper takes seconds to read, and shows nothing new of long texts.
    labels = [sample] if MEDIA[media].is_page and dpi == 300 else [sample, worst(kind, sample), bare(sample)]
    document = pypdfium2.PdfDocument(pdf.render(labels, dpi))
    pages = list(document)
    # A slip at its worst takes two pages of a roll; what these hold has tests of its own.
    assert len(pages) == len(labels) or kind == "slip"
    for label, page in zip(labels, [*pages[:2], pages[-1]] if len(labels) == 3 else pages, strict=True):
        image = page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
        found = reading.read(image)
        assert sorted((symbol.kind, symbol.content) for symbol in found) == sorted(symbols_of(kind, media, label, dpi))
        for symbol in found:
            check_quiet_zones(image, symbol)
        check_text(page)
        check_edges(image, dpi)


def test_the_set_of_an_asn_is_drawn_as_its_cartons() -> None:
    """All that is shown of carton labels is so for sets too."""
    asn, one = KINDS["asn"], KINDS["carton"]
    assert (asn.sample, asn.media, asn.label) == (one.sample, one.media, one.label)


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


@every_dpi
@pytest.mark.parametrize("media", KINDS["sku"].media)
@pytest.mark.parametrize(
    ("kind", "barcode"),
    [(Kind.UPC_A, "036000291452"), (Kind.EAN_8, "96385074"), (Kind.CODE_128, "X001ABC2DE"), (Kind.DATA_MATRIX, "键盘-01")],
)
def test_a_sku_label_has_the_symbol_of_its_barcode(kind: Kind, barcode: str, media: str, dpi: int) -> None:
    (image,) = reading.pages([replace(KINDS["sku"].sample_on(media), barcode=barcode)], dpi)
    (found,) = reading.read(image)
    assert found.content == barcode
    assert found.kind == kind or (found.kind == Kind.DATA_MATRIX and media == "L7651")
    check_quiet_zones(image, found)


@every_dpi
@pytest.mark.parametrize("media", KINDS["fnsku"].media)
def test_the_white_around_an_fnsku_and_its_narrow_bars(media: str, dpi: int) -> None:
    (image,) = reading.pages([KINDS["fnsku"].sample_on(media)], dpi)
    (found,) = reading.read(image)
    assert reading.module_pixels(found) == {203: 2, 300: 3}[dpi]
    side, vertical = round(0.25 * dpi), round(0.125 * dpi)
    assert reading.is_white(image, found.left - side, found.top, found.left, found.bottom)
    assert reading.is_white(image, found.right, found.top, found.right + side, found.bottom)
    # A dot of rounding.
    assert reading.is_white(image, found.left - side, found.top - vertical + 1, found.right + side, found.top)
    assert reading.is_white(image, found.left - side, found.bottom, found.right + side, found.bottom + vertical - 1)
    assert (found.bottom - found.top) / dpi * 25.4 >= 5


def test_an_fnsku_label_says_what_a_marketplace_asks_for() -> None:
    text = words(KINDS["fnsku"].sample_on())
    assert ("X001ABC2DE" in text, "Mechanical keyboard, 87 keys" in text, text.endswith("New")) == (True, True, True)


@every_dpi
@pytest.mark.parametrize("media", KINDS["pallet"].media)
def test_the_sscc_of_a_pallet_has_the_size_that_gs1_asks_for(media: str, dpi: int) -> None:
    label = KINDS["pallet"].sample_on(media)
    (image,) = reading.pages([label], dpi)
    found = sorted(reading.read(image), key=lambda symbol: symbol.top)
    assert [symbol.content for symbol in found] == ["02140063813339383748", "00" + SSCC]
    lowest = found[-1]
    assert reading.module_pixels(lowest) / dpi * 25.4 >= 0.495
    assert (lowest.bottom - lowest.top) / dpi * 25.4 >= 31.75
    assert (image.height - lowest.bottom) / dpi * 25.4 < 12
    assert f"(00){SSCC}" in words(label)


def test_what_a_pallet_says() -> None:
    text = words(KINDS["pallet"].sample)
    for part in (
        "PALLET 2 of 4",
        "24 cartons · 584.40 kg",
        "ASN-2026-1107",
        "ACME 深圳科技",
        "34 0123 4500 0000 0178",
        "Elizabeth, NJ 07201",
    ):
        assert part in text


def test_a_box_for_a_marketplace_says_its_shipment_and_its_number() -> None:
    label: Any = KINDS["fba_box"].sample
    assert label.box_code == "FBA15EXAMPLEU000003"
    text = words(label)
    for part in ("Box 3 of 12", "FBA15EXAMPLEU000003", "SHIP FROM:", "SHIP TO:", "Single SKU", "KB-2087-RGB-BLK", "× 24", "21.40 kg"):
        assert part in text
    assorted = words(replace(label, sku=""))
    assert ("Assorted SKUs" in assorted, "× 24" in assorted) == (True, False)


@pytest.mark.parametrize(("number", "total"), [(0, 5), (6, 5), (1_000_000, 1_000_000)])
def test_a_box_that_its_shipment_does_not_have_is_refused(number: int, total: int) -> None:
    with pytest.raises(fba_box.BadBoxNumber):
        pdf.render([replace(KINDS["fba_box"].sample, number=number, total=total)])


@pytest.mark.parametrize("media", KINDS["badge"].media)
def test_a_badge_tells_nobody_its_token_in_letters(media: str) -> None:
    label: Any = KINDS["badge"].sample_on(media)
    text = words(label)
    assert "María" in text
    assert label.token not in text.replace(" ", "")


def test_what_an_inner_carton_says() -> None:
    text = words(KINDS["inner"].sample)
    for part in (
        "ACME 深圳科技",
        "MADE IN CHINA",
        "KB-2087-RGB-BLK",
        "机械键盘",
        "PIECES",
        "10",
        "Lot L2611",
        "ASN-2026-1107",
        "1 40 06381 33393 8",
    ):
        assert part in text


def test_what_a_return_label_says() -> None:
    text = words(KINDS["return"].sample)
    for part in ("RETURN", "Jürgen Weiß-Muñoz", "Overseas Warehouse East", "RMA-204417", "WC-100482", "2026-12-22"):
        assert part in text


@pytest.mark.parametrize("media", ["A4", "Letter"])
@pytest.mark.parametrize("count", [0, 1, 19, 24, 25, 26, 27, 28, 60, 250])
def test_a_pick_list_has_every_stop_once_and_in_order(media: str, count: int) -> None:
    stops = tuple(pick_list.Stop(bin=f"Z{n:05d}", sku=f"S{n}", quantity=1) for n in range(count))
    texts = page_texts(replace(KINDS["pick_list"].sample_on(media), stops=stops))
    assert [word for text in texts for word in text.split() if word.startswith("Z0")] == [stop.bin for stop in stops]
    assert f"{count} stops, {count} units" in texts[-1]
    assert [f"Page {n} of {len(texts)}" in text for n, text in enumerate(texts, start=1)] == [True] * len(texts)
    if count:
        assert all("Z0" in text for text in texts), "no page without a stop"


@pytest.mark.parametrize("media", ["A4", "Letter"])
@pytest.mark.parametrize("count", [1, 22, 27, 28, 29, 33, 34, 300])
def test_a_manifest_has_every_parcel_once_and_one_place_to_sign(media: str, count: int) -> None:
    parcels = tuple(
        manifest.ManifestParcel(tracking_number=f"WMX{n:05d}", order_reference="O", merchant="M", place="P", weight_g=100)
        for n in range(count)
    )
    texts = page_texts(replace(KINDS["manifest"].sample_on(media), parcels=parcels))
    assert [word for text in texts for word in text.split() if word.startswith("WMX")] == [one.tracking_number for one in parcels]
    assert f"{count} parcels, {count / 10:.2f} kg" in texts[-1]
    assert ["Signature" in text for text in texts] == [False] * (len(texts) - 1) + [True]
    assert all("WMX" in text for text in texts), "no page without a parcel"


def page_texts(label: pdf.Label) -> list[str]:
    document = pypdfium2.PdfDocument(pdf.render([label]))
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


@pytest.mark.parametrize("media", KINDS["slip"].media)
def test_a_merchants_logo_stands_beside_its_name(media: str) -> None:
    out = BytesIO()
    Image.new("L", (400, 100), 0).save(out, "PNG")
    plain, with_logo = (reading.pages([replace(KINDS["slip"].sample_on(media), logo=logo)], 203)[0] for logo in (b"", out.getvalue()))
    black = [sum(grey < 128 for grey in image.crop((0, 0, image.width // 4, image.height // 8)).tobytes()) for image in (plain, with_logo)]
    assert black[1] > black[0] + 1500
    assert [found.content for found in reading.read(with_logo)] == ["WC-100482"]
    assert "ACME 深圳科技" in words(replace(KINDS["slip"].sample_on(media), logo=out.getvalue()))


def test_a_merchants_own_text_stands_where_there_is_room() -> None:
    said = "Importer: ACME GmbH, Düsseldorf"
    texts = {media: said in words(replace(KINDS["sku"].sample_on(media), note=said)) for media in ("57x32", "70x50", "100x60")}
    assert texts == {"57x32": False, "70x50": True, "100x60": True}


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
