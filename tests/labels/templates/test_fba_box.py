"""The label of a box for a marketplace."""

from dataclasses import replace
from typing import Any

import pytest

from labels import pdf
from labels.kinds import KINDS
from labels.templates import fba_box
from tests.labels.on_the_page import words


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
