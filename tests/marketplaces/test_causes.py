"""Why a number changed is read in the reader's language, but for references."""

import pytest
from django.utils import translation

from marketplaces.causes import words


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("adjust count A-01", "Korrektur (Zählung A-01)"),
        ("adjust pick short", "Korrektur (Fehlmenge beim Picken)"),
        ("move expired", "Umlagerung (abgelaufen)"),
        ("receipt PO-1", "Wareneingang PO-1"),
        ("order count 7", "Auftrag count 7"),
        ("closed", "geschlossen oder wieder geöffnet"),
        ("of another version", "of another version"),
    ],
)
def test_a_cause_in_words(because: str, said: str) -> None:
    with translation.override("de"):
        assert words(because) == said
