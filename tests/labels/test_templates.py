"""Every template in every size on both kinds of printer: all symbols read, quiet zones white, all text on the page."""

from typing import Any

import pypdfium2
import pytest

from labels import pdf
from labels.kinds import KINDS
from labels.media import MEDIA
from labels.symbols import Kind
from tests.labels import reading
from tests.labels.on_the_page import check_edges, check_quiet_zones, check_text
from tests.labels.samples import DRAWN
from tests.labels.worst import bare, worst


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
