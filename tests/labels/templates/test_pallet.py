"""The SSCC label of a pallet."""

import pytest

from labels.kinds import KINDS
from tests.labels import reading
from tests.labels.on_the_page import words
from tests.labels.samples import SSCC

every_dpi = pytest.mark.parametrize("dpi", [203, 300])


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
