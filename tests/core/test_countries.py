"""Countries as people write them."""

import pytest

from wms.core.countries import NAMES, country_code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        (" uk ", "GB"),
        ("Eire", "IE"),
        ("Holland", "NL"),
        ("Czech Republic", "CZ"),
        ("Atlantis", None),
    ],
)
def test_the_code_of_what_is_written(written: str, code: str | None) -> None:
    assert country_code(written) == code


def test_every_name_of_our_own_means_a_country() -> None:
    assert {code for code in NAMES.values() if country_code(code) != code} == set()
