"""A shop's address as carriers want it, or the name of the part that cannot be used."""

from typing import Any

import pytest

from marketplaces.addresses import normalise

HERE = {"name": "Grace Hopper", "line1": "1 Cobol Street", "city": "Arlington", "region": "VA", "postcode": "22201", "country": "US"}


def normal(**changes: str) -> dict[str, str]:
    found = normalise(HERE | changes)
    assert found.faults == ()
    return found.address


def faults(**changes: str) -> tuple[str, ...]:
    return normalise(HERE | changes).faults


def abroad(country: str, postcode: str) -> Any:
    return normalise(HERE | {"country": country, "postcode": postcode, "region": ""})


def test_a_good_address_stays_as_it_is() -> None:
    assert normal() == HERE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("  Grace \t Hopper\n", "Grace Hopper"),
        ("Ｇｒａｃｅ　Ｈｏｐｐｅｒ", "Grace Hopper"),
        ("Grace\u200b Hopper\ufeff", "Grace Hopper"),
        ("１２３，Ｍａｉｎ　Ｓｔ．", "123,Main St."),
        ("王小明", "王小明"),
        ("Zoë O’Neill", "Zoë O’Neill"),
    ],
)
def test_blanks_and_full_width_characters(written: str, meant: str) -> None:
    assert normal(name=written)["name"] == meant


@pytest.mark.parametrize(("written", "code"), [("us", "US"), (" Us ", "US"), ("USA", "US"), ("United States", "US"), ("ＵＳ", "US")])
def test_the_countrys_code(written: str, code: str) -> None:
    assert normal(country=written)["country"] == code


def test_what_shops_call_countries() -> None:
    assert abroad("uk", "N1 9GU").address["country"] == "GB"
    assert abroad("EL", "105 57").address["country"] == "GR"
    assert abroad("Germany", "10115").address["country"] == "DE"


@pytest.mark.parametrize("country", ["XX", "Atlantis", "1", "ZZ"])
def test_a_country_that_there_is_not(country: str) -> None:
    assert faults(country=country) == ("country (unknown)",)


@pytest.mark.parametrize("country", ["", " "])
def test_no_country_is_a_missing_one(country: str) -> None:
    assert faults(country=country) == ("country (missing)",)


@pytest.mark.parametrize(
    ("country", "postcode", "written", "code"),
    [
        ("US", "90210", "California", "CA"),
        ("US", "90210", "ca", "CA"),
        ("US", "90210", "US-CA", "CA"),
        ("US", "20001", "D.C.", "DC"),
        ("US", "90210", "", "CA"),  # the ZIP belongs to one state alone
        ("US", "90210", "Calif.", "CA"),
        ("US", "09012", "AE", "AE"),
        ("CA", "H2X 1Y4", "Québec", "QC"),
        ("CA", "H2X 1Y4", "quebec", "QC"),
        ("CA", "M5V 3L9", "", "ON"),
        ("AU", "3000", "Victoria", "VIC"),
        ("AU", "2000", "New South Wales", "NSW"),
    ],
)
def test_regions_become_codes(country: str, postcode: str, written: str, code: str) -> None:
    assert normal(country=country, postcode=postcode, region=written)["region"] == code


def test_a_region_that_nothing_tells_is_a_fault() -> None:
    # 0872 lies in South Australia as well as in Western Australia and the Northern Territory.
    assert faults(country="AU", postcode="0872", region="") == ("region (missing)",)
    # Ottawa's K1A is written with Ontario and with Quebec.
    assert faults(country="CA", postcode="K1A 0B1", region="") == ("region (missing)",)
    assert faults(country="AU", postcode="0872", region="Outback") == ("region (unknown)",)


def test_other_countries_regions_stay_as_they_are() -> None:
    assert normal(country="DE", postcode="10115", region="Berlin")["region"] == "Berlin"
    assert normal(country="IT", postcode="00118", region="")["region"] == ""


@pytest.mark.parametrize(
    ("country", "written", "meant"),
    [
        ("US", "222011234", "22201-1234"),
        ("US", "22201 1234", "22201-1234"),
        ("US", "22201-1234", "22201-1234"),
        ("US", "２２２０１", "22201"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "N1  9GU", "N1 9GU"),
        ("GB", "M 1 1 A E", "M1 1AE"),
        ("DE", " 1 0115", "10115"),
        ("DE", "D-10115", "10115"),
        ("AT", "A-1010", "1010"),
        ("JP", "1000001", "100-0001"),
        ("JP", "〒１００－０００１", "100-0001"),
        ("CA", "m5v3l9", "M5V 3L9"),
        ("CA", "M5V-3L9", "M5V 3L9"),
        ("NL", "1012ab", "1012 AB"),
        ("PL", "00950", "00-950"),
        ("PT", "1000205", "1000-205"),
        ("SE", "SE-11455", "114 55"),
        ("FR", "75 001", "75001"),
        ("AU", "3000", "3000"),
    ],
)
def test_postcodes_as_their_country_writes_them(country: str, written: str, meant: str) -> None:
    found = abroad(country, written)
    assert (found.address["postcode"], found.faults) == (meant, ())


@pytest.mark.parametrize(
    ("country", "postcode"),
    [
        ("US", "2220"),
        ("US", "222011"),
        ("US", "N1 9GU"),
        ("GB", "22201"),
        ("DE", "1067"),
        ("JP", "10001"),
        ("CA", "K1A 0B"),
        ("AU", "30000"),
    ],
)
def test_a_postcode_of_elsewhere_is_a_fault(country: str, postcode: str) -> None:
    found = abroad(country, postcode)
    assert "postcode (not of this country)" in found.faults
    assert found.address["postcode"] == postcode


def test_what_is_missing_is_named() -> None:
    assert faults(name=" ", line1="", city="\u3000", postcode="", region="VA") == (
        "name (missing)", "line1 (missing)", "city (missing)", "postcode (missing)",
    )  # fmt: skip
    assert normalise({}).faults == ("country (missing)", "name (missing)", "line1 (missing)")


def test_nothing_is_asked_that_a_country_does_not_have() -> None:
    assert normal(country="HK", postcode="", region="", city="Kowloon")["postcode"] == ""
    assert normal(country="SG", city="", postcode="018956", region="")["city"] == ""
    assert normal(country="IE", postcode="", region="")["country"] == "IE"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("(703) 555-0100", "7035550100"),
        ("+1 (703) 555-0100 ext. 01234", "+17035550100 x01234"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("0044 20 7946 0000", "+442079460000"),
        ("＋８１－３－１２３４－５６７８", "+81312345678"),
        ("703.555.0100 x9", "7035550100 x9"),
        ("none", ""),
    ],
)
def test_phones_in_a_plain_form(written: str, meant: str) -> None:
    assert normal(phone=written)["phone"] == meant


@pytest.mark.parametrize(
    "line",
    [
        "PO Box 12",
        "P.O. Box 12",
        "p o box 12",
        "Postfach 12 34",
        "Apartado de Correos 7",
        "BP 123",
        "GPO Box 1",
        "私書箱10号",
        "ＰＯ　ＢＯＸ　１２",
    ],
)
def test_po_boxes_are_flagged(line: str) -> None:
    assert normal(line1=line)["po_box"] == "yes"
    assert normal(line2=line)["po_box"] == "yes"


@pytest.mark.parametrize("line", ["1 Boxwood Road", "12 Poplar Box Street", "BP Garage", "Postfachweg 3", "Poststraße 2"])
def test_what_only_sounds_like_one_is_none(line: str) -> None:
    assert "po_box" not in normal(line1=line)


def test_it_may_be_repeated() -> None:
    once = normal(postcode="222011234", phone="+1 (703) 555-0100 ext. 9", line1="PO Box 1", region="virginia")
    assert normalise(once).address == once
