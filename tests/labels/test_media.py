"""Sheets of labels: each one in its own cell, whatever was used up before, and nothing over the edge of the cell or of the page."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from labels import preview
from labels.kinds import KINDS, UnknownKind, kind_of
from labels.media import MEDIA, BadStart, Media, UnknownMedia
from labels.sheet import SymbolTooWide
from tests.labels import reading

GRIDS = [media for media in MEDIA.values() if media.grid]


def skus(count: int, first: int = 1) -> list[Any]:
    return [
        replace(KINDS["sku"].sample, barcode=f"N{number:05d}", merchant_code=f"N{number:05d}") for number in range(first, first + count)
    ]


@pytest.mark.parametrize("media", GRIDS, ids=[media.name for media in GRIDS])
def test_the_cells_of_a_sheet_lie_on_the_page_and_not_on_each_other(media: Media) -> None:
    grid = media.grid
    assert grid is not None
    corners = [grid.corner(place) for place in range(grid.places)]
    assert len(set(corners)) == grid.rows * grid.columns == media.places
    for x, y in corners:
        assert x > 0 and x + media.size.width < grid.page.width + 0.01
        assert y > 0 and y + media.size.height < grid.page.height + 0.01
    assert grid.pitch.width >= media.size.width
    assert grid.pitch.height >= media.size.height
    # The sheets are cut in the middle of their page, to half a millimetre.
    right, bottom = corners[-1][0] + media.size.width, corners[-1][1] + media.size.height
    assert abs(grid.left - (grid.page.width - right)) < 0.6
    assert abs(grid.top - (grid.page.height - bottom)) < 0.6


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("name", ["L7160", "5160"])
def test_every_label_is_read_in_its_own_cell(name: str, dpi: int) -> None:
    media = MEDIA[name]
    assert media.grid is not None
    (image,) = reading.pages(media.lay_out(skus(media.places)), dpi)
    assert image.size == (round(media.grid.page.width / 25.4 * dpi), round(media.grid.page.height / 25.4 * dpi))
    found = {}
    for symbol in reading.read(image):
        place = int(symbol.content[1:]) - 1
        left, top = (mm / 25.4 * dpi for mm in media.grid.corner(place))
        assert left < symbol.left < symbol.right < left + media.size.width / 25.4 * dpi
        assert top < symbol.top < symbol.bottom < top + media.size.height / 25.4 * dpi
        found[place] = reading.module_pixels(symbol)
    assert sorted(found) == list(range(media.places))
    assert len(set(found.values())) == 1


def test_the_places_between_the_labels_stay_white() -> None:
    media = MEDIA["L7160"]
    assert media.grid is not None
    (image,) = reading.pages(media.lay_out(skus(21)), 203)
    for column in (0, 1):
        gap = (media.grid.corner(column)[0] + media.size.width, media.grid.corner(column + 1)[0])
        assert reading.is_white(image, round(gap[0] / 25.4 * 203), 0, round(gap[1] / 25.4 * 203), image.height)


@pytest.mark.parametrize(("start", "count", "sheets"), [(1, 21, [21]), (1, 22, [21, 1]), (5, 17, [17]), (5, 18, [17, 1]), (21, 2, [1, 1])])
def test_used_up_places_stay_free(start: int, count: int, sheets: list[int]) -> None:
    images = reading.pages(MEDIA["L7160"].lay_out(skus(count), start), 203)
    read = [sorted(symbol.content for symbol in reading.read(image)) for image in images]
    assert [len(contents) for contents in read] == sheets
    assert list(itertools.chain(*read)) == [f"N{number:05d}" for number in range(1, count + 1)]
    first = next(symbol for symbol in reading.read(images[0]) if symbol.content == "N00001")
    left, top = (mm / 25.4 * 203 for mm in MEDIA["L7160"].grid.corner(start - 1))  # type: ignore[union-attr]  # a sheet has its grid
    assert (first.left > left, first.top > top) == (True, True)
    assert reading.is_white(images[0], 0, 0, images[0].width, round((start - 1) // 3 * 38.1 / 25.4 * 203))


@pytest.mark.parametrize(("name", "start"), [("L7160", 0), ("L7160", 22), ("57x32", 2), ("A4", 2), ("L7651", 66)])
def test_a_place_that_the_sheet_does_not_have_is_refused(name: str, start: int) -> None:
    with pytest.raises(BadStart) as refused:
        MEDIA[name].lay_out(skus(1), start)
    assert refused.value.details["places"] == MEDIA[name].places


def test_no_label_is_no_page() -> None:
    assert list(MEDIA["L7160"].lay_out([])) == []


def test_thousands_of_labels_are_laid_out_one_sheet_at_a_time() -> None:
    taken = 0

    def endless() -> Any:
        nonlocal taken
        for label in itertools.cycle(skus(1)):
            taken += 1
            yield label

    pages = MEDIA["L7651"].lay_out(endless())
    next(pages)
    next(pages)
    assert taken <= 2 * 65 + 1


def test_labels_come_in_the_size_of_the_media() -> None:
    (label,) = KINDS["sku"].pages([KINDS["sku"].sample], "70x50")
    assert label.size == (70, 50)
    assert KINDS["carton"].sample_on("L7169").size == MEDIA["L7169"].size


def test_kinds_and_media_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UnknownMedia) as refused:
        KINDS["pallet"].on("57x32")
    assert refused.value.details["known"] == "4x6in, 100x150"
    with pytest.raises(UnknownKind):
        kind_of("poster")
    assert [kind.name for kind in KINDS.values() if not set(kind.media) <= set(MEDIA)] == []


def test_a_code_that_no_symbol_can_hold_there_is_told() -> None:
    with pytest.raises(SymbolTooWide):
        reading.pages([replace(KINDS["fnsku"].sample, fnsku="X" * 64)], 203)
    with pytest.raises(SymbolTooWide):
        reading.pages([replace(KINDS["sku"].sample_on("L7651"), barcode="单" * 80)], 203)


def test_a_preview_is_the_printers_own_dots() -> None:
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(preview.png(KINDS["bin"].pages([KINDS["bin"].sample]), 300)))
    assert (image.format, image.size) == ("PNG", (round(100 / 25.4 * 300), round(60 / 25.4 * 300)))
    assert [found.content for found in reading.read(image.convert("L"))] == ["A-01-02-03"]
