"""The labels of parcels, going out and coming back."""

from dataclasses import replace

import pytest

from labels import pdf
from labels.kinds import KINDS
from labels.sheet import SymbolTooWide
from labels.symbols import BadContentLength, Kind, UnprintableContent
from tests.labels import reading
from tests.labels.on_the_page import words
from tests.labels.samples import PARCEL, PARCEL_GS1, SSCC


def test_what_a_return_label_says() -> None:
    text = words(KINDS["return"].sample)
    for part in ("RETURN", "Jürgen Weiß-Muñoz", "Overseas Warehouse East", "RMA-204417", "WC-100482", "2026-12-22"):
        assert part in text


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
