"""The label of a bin."""

from dataclasses import replace
from typing import Literal

import pytest

from tests.labels import reading
from tests.labels.on_the_page import words
from tests.labels.samples import BIN


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
