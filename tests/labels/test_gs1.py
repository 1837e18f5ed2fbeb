from typing import Any

import pytest
from biip.gs1_messages import GS1Message
from hypothesis import given
from hypothesis import strategies as st

from labels import gs1
from wms.core.errors import WmsError


@pytest.mark.parametrize("number", ["4006381333931", "96385074", "036000291452", "09501101530003", "106141412345678908"])
def test_check_digit_of_published_numbers(number: str) -> None:
    assert gs1.check_digit(number[:-1]) == number[-1]


def test_sscc_is_extension_prefix_serial_and_check_digit() -> None:
    number = gs1.sscc(extension=3, company_prefix="4012345", serial=17)
    assert number == "340123450000000178"
    assert gs1.checked(number, 18) == number


@pytest.mark.parametrize(
    "wrong",
    [
        {"extension": 10}, {"extension": -1}, {"company_prefix": "123"}, {"company_prefix": "1234567890123"}, {"company_prefix": "40123x5"},
        {"company_prefix": "４０１２３４５"}, {"serial": -1}, {"serial": 10**9},
    ],
)  # fmt: skip
def test_impossible_sscc_is_refused(wrong: dict[str, Any]) -> None:
    valid: dict[str, Any] = {"extension": 3, "company_prefix": "4012345", "serial": 17}
    with pytest.raises(gs1.BadSscc):
        gs1.sscc(**(valid | wrong))


@given(st.integers(0, 9), st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.data())
def test_every_sscc_has_18_digits_and_no_single_wrong_digit_passes(extension: int, prefix: str, data: st.DataObject) -> None:
    serial = data.draw(st.integers(0, 10 ** (16 - len(prefix)) - 1))
    number = gs1.sscc(extension=extension, company_prefix=prefix, serial=serial)
    assert gs1.checked(number, 18) == number
    assert (int(number[0]), number[1 : 1 + len(prefix)], int(number[1 + len(prefix) : 17])) == (extension, prefix, serial)
    place = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    wrong = number[:place] + other + number[place + 1 :]
    with pytest.raises(gs1.BadCheckDigit):
        gs1.checked(wrong, 18)
    assert (gs1.is_sscc(number), gs1.is_sscc(wrong)) == (True, False)


@pytest.mark.parametrize("text", ["", "34012345000000017", "3401234500000001788", "34012345000000017８", "(00)340123450000000178"])
def test_what_is_not_eighteen_digits_is_no_sscc(text: str) -> None:
    assert not gs1.is_sscc(text)


@pytest.mark.parametrize("number", ["", "400638133393", "40063813339311", "40063813339３1", "400638133393²"])
def test_not_thirteen_digits(number: str) -> None:
    with pytest.raises(gs1.BadDigits):
        gs1.checked(number, 13)


def test_separator_only_after_variable_length_values_that_are_not_last() -> None:
    elements = [("01", "09501101530003"), ("10", "AB-123"), ("17", "271231"), ("21", "S1")]
    assert gs1.element_string(elements) == "010950110153000310AB-123\x1d1727123121S1"
    assert gs1.human_readable(elements) == "(01)09501101530003(10)AB-123(17)271231(21)S1"
    assert gs1.parse(gs1.human_readable(elements)) == elements


@pytest.mark.parametrize(
    ("ai", "value", "error"),
    [
        ("05", "1", gs1.UnknownApplicationIdentifier), ("999", "1", gs1.UnknownApplicationIdentifier),
        ("", "1", gs1.UnknownApplicationIdentifier), ("00", "34012345000000017", gs1.BadElement),
        ("00", "340123450000000179", gs1.BadCheckDigit), ("01", "0950110153000X", gs1.BadElement), ("17", "271331", gs1.BadElement),
        ("17", "270132", gs1.BadElement), ("10", "", gs1.BadElement), ("10", "A" * 21, gs1.BadElement), ("10", "A B", gs1.BadElement),
        ("10", "批号", gs1.BadElement), ("10", "A\x1dB", gs1.BadElement), ("10", "A\n", gs1.BadElement),
        ("37", "123456789", gs1.BadElement),
        ("3103", "12345", gs1.BadElement), ("37", "１２", gs1.BadElement), ("420", "", gs1.BadElement),
    ],
)  # fmt: skip
def test_wrong_elements_are_refused(ai: str, value: str, error: type[WmsError]) -> None:
    with pytest.raises(error):
        gs1.element_string([(ai, value)])


@pytest.mark.parametrize("text", ["", "00340", "(00)", "x(10)A", "(10)A(", "(1)5", "(10)A(21)"])
def test_wrong_element_strings_are_refused(text: str) -> None:
    with pytest.raises(gs1.BadElementString):
        gs1.parse(text)


def test_no_element_is_refused() -> None:
    with pytest.raises(gs1.BadElementString):
        gs1.element_string([])


LOT = st.from_regex(r"[0-9A-Za-z/-]{1,20}", fullmatch=True)
NUMBER_14 = st.integers(0, 10**13 - 1).map(lambda number: f"{number:013d}" + gs1.check_digit(f"{number:013d}"))
NUMBER_18 = st.integers(0, 10**17 - 1).map(lambda number: f"{number:017d}" + gs1.check_digit(f"{number:017d}"))
DAY = st.dates().map(lambda day: f"{day:%y%m%d}")
ELEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "00": NUMBER_18, "01": NUMBER_14, "02": NUMBER_14, "10": LOT, "11": DAY, "15": DAY, "17": DAY, "21": LOT, "37": st.integers(1, 99_999_999).map(str),
        "240": LOT, "3103": st.integers(0, 999_999).map("{:06d}".format), "400": LOT, "420": LOT,
    },
).filter(bool)  # fmt: skip


@given(ELEMENTS, st.randoms())
def test_another_parser_reads_the_same_elements(chosen: dict[str, str], order: Any) -> None:
    elements = list(chosen.items())
    order.shuffle(elements)
    message = GS1Message.parse(gs1.element_string(elements))
    assert [(found.ai.ai, found.value) for found in message.element_strings] == elements
