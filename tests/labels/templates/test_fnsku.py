"""The label of a marketplace's own number for a sku."""

import pytest

from labels.kinds import KINDS
from tests.labels import reading
from tests.labels.on_the_page import words

every_dpi = pytest.mark.parametrize("dpi", [203, 300])


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
