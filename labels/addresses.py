"""A postal address as the lines that the destination country prints it in."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import pycountry

# Where the postcode follows the region; elsewhere it stands before the city (UPU S42, the countries that we ship to most).
_POSTCODE_LAST: Final = frozenset({"US", "CA", "AU", "GB", "IE", "IN", "NZ", "SG", "TW", "HK", "TH", "ID"})


@cache
def country_name(code: str) -> str:
    """English short name of an ISO 3166 alpha-2 code; the code itself where it is unknown."""
    country = pycountry.countries.get(alpha_2=code.upper()) if len(code) == 2 else None
    return str(getattr(country, "common_name", country.name)) if country else code


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """`country` is ISO 3166 alpha-2."""

    name: str
    line1: str
    city: str
    postcode: str
    country: str
    company: str = ""
    line2: str = ""
    region: str = ""
    phone: str = ""

    def lines(self) -> list[str]:
        """From the name to the country, empty parts left out; the phone is not one of them."""
        if self.country in _POSTCODE_LAST:
            place = " ".join(part for part in (", ".join(part for part in (self.city, self.region) if part), self.postcode) if part)
        else:
            place = ", ".join(part for part in (f"{self.postcode} {self.city}".strip(), self.region) if part)
        lines = [self.name, self.company, self.line1, self.line2, place, country_name(self.country).upper()]
        return [line for line in lines if line.strip()]
