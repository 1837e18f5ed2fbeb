"""The label benchmark: both sides draw the same labels, and the figures that are asked for are there."""

from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from labels import pdf, zpl
from labels.kinds import KINDS
from wms.benchmark import labels


def symbols_of(content: bytes) -> list[list[tuple[str, str]]]:
    found = []
    for page in pypdfium2.PdfDocument(content):
        image = page.render(scale=406 / 72, grayscale=True).to_pil().convert("L")
        found.append(sorted((barcode.symbology_identifier, barcode.text) for barcode in zxingcpp.read_barcodes(image)))
    return found


def words_of(content: bytes) -> list[list[str]]:
    return [sorted(page.get_textpage().get_text_range().split()) for page in pypdfium2.PdfDocument(content)]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"asn"}))
def test_the_floor_draws_the_same_symbols_and_the_same_text(kind: str) -> None:
    variants = labels._variants(kind, 0, 2)
    floor, project = labels.floor([labels.plan(label) for label in variants]), pdf.render(variants, labels.DPI)
    assert words_of(floor) == words_of(project)
    found = symbols_of(project)
    assert symbols_of(floor) == found
    assert all(found)
    assert found[0] != found[1]


def test_no_side_meets_a_label_again(monkeypatch) -> None:
    drawn: list[set[str]] = []

    def noted(side: Callable[[Any, int], bytes]) -> Callable[[Any, int], bytes]:
        def render(given: Any, dpi: int) -> bytes:
            drawn.append({label.barcode for label in given})
            return side(given, dpi)

        return render

    floor = labels.floor

    def floor_noted(plans: Any) -> bytes:
        drawn.append({symbol.content for pages in plans for page in pages for symbol, *_place in page.symbols})
        return floor(plans)

    monkeypatch.setattr(pdf, "render", noted(pdf.render))
    monkeypatch.setattr(zpl, "render", noted(zpl.render))
    monkeypatch.setattr(labels, "floor", floor_noted)
    labels.compare("sku", 5, 3)
    assert [len(codes) for codes in drawn] == [5] * 9
    assert len(set().union(*drawn)) == 45


def test_the_figures() -> None:
    figures = labels.measure(share=0.02, rounds=1)
    assert set(figures) == {"labels", "sku_ratio", "parcel_ratio"}
    assert set(figures["labels"]) == set(KINDS) - {"asn"}
    for kind, row in figures["labels"].items():
        assert row["project"] > 0 < row["floor"]
        assert ("zpl" in row) == KINDS[kind].default_media.is_roll
    assert figures["sku_ratio"] == figures["labels"]["sku"]["ratio"]
    assert figures["parcel_ratio"] == figures["labels"]["parcel"]["ratio"]
