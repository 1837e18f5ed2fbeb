"""What people write for a country, in files and forms, and the code that ISO 3166 has for it."""

from __future__ import annotations

from functools import lru_cache

import pycountry

# Where ISO 3166 has another name, or none.
NAMES = {
    "UK": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "EIRE": "IE",
    "RSA": "ZA",
    "USA": "US",
    "HOLLAND": "NL",
    "RUSSIA": "RU",
    "SOUTH KOREA": "KR",
    "TURKEY": "TR",
    "TAIWAN": "TW",
    "VIETNAM": "VN",
    "CZECH REPUBLIC": "CZ",
}


@lru_cache(maxsize=1_000)
def country_code(text: str) -> str | None:
    """ISO 3166 alpha-2 of a code or an English name; None where there is no such country."""
    known = NAMES.get(text.strip().upper(), text.strip())
    try:
        return str(pycountry.countries.lookup(known).alpha_2)
    except LookupError:
        return None
