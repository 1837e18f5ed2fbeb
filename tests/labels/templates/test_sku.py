"""The label of a sku."""

from dataclasses import replace

import pytest

from labels.kinds import KINDS
from labels.symbols import Kind
from labels.templates import sku
from tests.labels import reading
from tests.labels.on_the_page import check_quiet_zones, words
from tests.labels.samples import SKU

every_dpi = pytest.mark.parametrize("dpi", [203, 300])


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


def test_a_merchants_own_text_stands_where_there_is_room() -> None:
    said = "Importer: ACME GmbH, Düsseldorf"
    texts = {media: said in words(replace(KINDS["sku"].sample_on(media), note=said)) for media in ("57x32", "70x50", "100x60")}
    assert texts == {"57x32": False, "70x50": True, "100x60": True}


def test_what_a_sku_label_says() -> None:
    text = words(SKU)
    for part in ("KB-2087-RGB-BLK", "ACME", "机械键盘", "热插拔轴", "Mechanical keyboard", "4 006381 333931"):
        assert part in text


@pytest.mark.parametrize("size", sku.SIZES)
@every_dpi
def test_the_longest_sku_code_still_has_a_symbol(dpi: int, size: str) -> None:
    code = "KEYBOARD-RGB-" + "x" * 37
    (image,) = reading.pages([replace(SKU, barcode=code, merchant_code=code, size=sku.SIZES[size])], dpi)
    assert [(found.kind, found.content) for found in reading.read(image)] == [(Kind.DATA_MATRIX, code)]
