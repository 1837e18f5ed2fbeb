"""Placeholder addresses: order files name a country at best, and a label needs all of an address."""

from __future__ import annotations

from collections.abc import Iterable

from wms.core import countries

# What order files write where they name no country: somewhere such a parcel can go.
STAND_INS = {"": "GB", "UNSPECIFIED": "GB", "CHANNEL ISLANDS": "JE", "EUROPEAN COMMUNITY": "BE"}
# A place and a postcode in the country's own form. Where there is none, any four digits do.
PLACES = {
    "AE": ("Dubai", "00000"),
    "AT": ("Wien", "1010"),
    "AU": ("Sydney", "2000"),
    "BE": ("Bruxelles", "1000"),
    "BH": ("Manama", "317"),
    "BR": ("São Paulo", "01310-100"),
    "CA": ("Toronto", "M5H 2N2"),
    "CH": ("Zürich", "8001"),
    "CY": ("Nicosia", "1010"),
    "CZ": ("Praha", "110 00"),
    "DE": ("Berlin", "10115"),
    "DK": ("København", "1050"),
    "ES": ("Madrid", "28001"),
    "FI": ("Helsinki", "00100"),
    "FR": ("Paris", "75001"),
    "GB": ("London", "N1 9GU"),
    "GR": ("Athina", "105 57"),
    "HK": ("Hong Kong", "999077"),
    "IE": ("Dublin", "D02 AF30"),
    "IL": ("Tel Aviv", "6100000"),
    "IS": ("Reykjavík", "101"),
    "IT": ("Roma", "00118"),
    "JE": ("Saint Helier", "JE2 3AB"),
    "JP": ("Tokyo", "100-0001"),
    "LB": ("Beirut", "1100"),
    "LT": ("Vilnius", "01103"),
    "MT": ("Valletta", "VLT 1117"),
    "NL": ("Amsterdam", "1012 JS"),
    "NO": ("Oslo", "0150"),
    "PL": ("Warszawa", "00-001"),
    "PT": ("Lisboa", "1100-148"),
    "SA": ("Riyadh", "11564"),
    "SE": ("Stockholm", "111 20"),
    "SG": ("Singapore", "018956"),
    "US": ("New York", "10001"),
    "ZA": ("Cape Town", "8001"),
}
REGIONS = {"US": "NY", "CA": "ON", "AU": "NSW", "BR": "SP"}


def country_code(name: str) -> str | None:
    """ISO 3166 alpha-2 for what an order file calls a country; None where there is no such country."""
    return STAND_INS.get(name.strip().upper()) or countries.country_code(name)


def unknown_countries(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if country_code(name) is None})


def ship_to(reference: str, country: str) -> dict[str, str]:
    """An address as the API takes it, for a country that `country_code` knows."""
    code = country_code(country)
    assert code is not None, f"{country!r} is no country"
    city, postcode = PLACES.get(code, ("Central", "1000"))
    address = {"name": f"Buyer of {reference}", "line1": "1 Market Street", "city": city, "postcode": postcode, "country": code}
    return address | ({"region": REGIONS[code]} if code in REGIONS else {})


def shop_address(reference: str, country: str) -> dict[str, str]:
    """The same address as a WooCommerce shop keeps it."""
    address = ship_to(reference, country)
    return {
        "first_name": "Buyer of",
        "last_name": reference,
        "address_1": address["line1"],
        "city": address["city"],
        "postcode": address["postcode"],
        "state": address.get("region", ""),
        "country": address["country"],
    }
