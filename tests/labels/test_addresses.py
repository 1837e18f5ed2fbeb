"""Addresses as each country writes them."""

from dataclasses import replace

from labels.addresses import Address
from tests.labels.samples import BUYER


def test_addresses_by_country() -> None:
    assert BUYER.lines()[-2:] == ["40212 Düsseldorf", "GERMANY"]
    assert replace(BUYER, city="Austin", region="TX", postcode="73301", country="US").lines()[-2:] == ["Austin, TX 73301", "UNITED STATES"]
    assert replace(BUYER, country="ZZ").lines()[-1] == "ZZ"
    assert Address(name="A", line1="B", city="C", postcode="", country="IE").lines() == ["A", "B", "C", "IRELAND"]
