"""The badge."""

from typing import Any

import pytest

from labels.kinds import KINDS
from tests.labels.on_the_page import words


@pytest.mark.parametrize("media", KINDS["badge"].media)
def test_a_badge_tells_nobody_its_token_in_letters(media: str) -> None:
    label: Any = KINDS["badge"].sample_on(media)
    text = words(label)
    assert "María" in text
    assert label.token not in text.replace(" ", "")
