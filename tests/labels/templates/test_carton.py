"""The labels of outer and inner cartons."""

from dataclasses import replace

import pytest

from labels.kinds import KINDS
from labels.templates import carton
from tests.labels import reading
from tests.labels.on_the_page import words
from tests.labels.samples import CARTON

every_dpi = pytest.mark.parametrize("dpi", [203, 300])


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


@pytest.mark.parametrize("reference", ["R" * 30, "C" * 30])
@pytest.mark.parametrize("size", carton.SIZES)
@every_dpi
def test_the_longest_box_number_still_has_a_symbol(dpi: int, size: str, reference: str) -> None:
    (image,) = reading.pages([replace(CARTON, barcode=reference, size=carton.SIZES[size])], dpi)
    assert [found.content for found in reading.read(image)] == [reference]
