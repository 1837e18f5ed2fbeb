"""GS1 keys and element strings: check digits, SSCC, application identifiers.

Formats follow the GS1 General Specifications, section 3 (application identifiers) and 7.9 (check digit).
"""

import re
from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext_lazy as _

from wms.core.errors import WmsError

GROUP_SEPARATOR: Final = "\x1d"
Element = tuple[str, str]
"""An application identifier without parentheses, and its value."""

LONGEST_GS1_128: Final = 48


class BadCheckDigit(WmsError):
    code, message = "bad_check_digit", _("{number} has a wrong check digit: {expected} expected.")


class BadDigits(WmsError):
    code, message = "bad_digits", _("{number} must be {length} digits.")


class UnknownApplicationIdentifier(WmsError):
    code, message = "unknown_application_identifier", _("({ai}) is not a known GS1 application identifier.")


class BadElement(WmsError):
    code, message = "bad_gs1_element", _("“{value}” is not a valid value of ({ai}).")


class BadElementString(WmsError):
    code, message = "bad_gs1_element_string", _("“{text}” is not a GS1 element string such as (00)123.")


class ElementStringTooLong(WmsError):
    code, message = "gs1_element_string_too_long", _("{length} characters are too many for one GS1-128 symbol (at most {limit}).")


class BadSscc(WmsError):
    code, message = "bad_sscc", _("An SSCC needs an extension digit, a company prefix of 4 to 12 digits and a serial number that fits.")


# Character set 82 of the specification, the only one that alphanumeric values may use.
_TEXT = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
_DATE = r"\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])"


def _patterns() -> dict[str, str]:
    """Value pattern for each application identifier that a warehouse meets."""
    known = {
        "00": r"\d{18}", "01": r"\d{14}", "02": r"\d{14}", "20": r"\d{2}", "30": r"\d{1,8}", "37": r"\d{1,8}",
        "253": r"\d{13}" + _TEXT + "{0,17}", "255": r"\d{13,25}", "242": r"\d{1,6}", "402": r"\d{17}",
        "420": _TEXT + "{1,20}", "421": r"\d{3}" + _TEXT + "{1,9}", "422": r"\d{3}", "7003": r"\d{10}",
        "8005": r"\d{6}", "8008": r"\d{8}(?:\d\d){0,2}", "8020": _TEXT + "{1,25}", "90": _TEXT + "{1,30}",
    }  # fmt: skip
    known |= dict.fromkeys(("11", "12", "13", "15", "16", "17"), _DATE)
    known |= dict.fromkeys(("10", "21", "22", "243", "254"), _TEXT + "{1,20}")
    known |= dict.fromkeys(("240", "241", "250", "251", "400", "401", "403"), _TEXT + "{1,30}")
    known |= dict.fromkeys((str(ai) for ai in range(410, 418)), r"\d{13}")
    known |= dict.fromkeys((str(ai) for ai in range(91, 100)), _TEXT + "{1,90}")
    # 310n..369n: measures; n is the number of decimals.
    known |= dict.fromkeys((f"{ai}{n}" for ai in [*range(310, 317), *range(320, 370)] for n in range(6)), r"\d{6}")
    return known


_VALUES: Final = {ai: re.compile(pattern) for ai, pattern in _patterns().items()}
_CHECKED: Final = frozenset({"00", "01", "02", "402", *(str(ai) for ai in range(410, 418))})
# First two digits of the identifiers whose length is fixed once and for all: no separator follows them.
_PREDEFINED: Final = frozenset(["00", "01", "02", "03", "04", *map(str, range(11, 21)), *map(str, range(31, 37)), "41"])


def check_digit(digits: str) -> str:
    """The modulo 10 check digit that follows `digits` in a GTIN, GLN or SSCC."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def checked(number: str, length: int) -> str:
    """`number` itself when it is `length` ASCII digits with a right check digit, else BadDigits or BadCheckDigit."""
    if len(number) != length or not is_digits(number):
        raise BadDigits(number=number[:50], length=length)
    if check_digit(number[:-1]) != number[-1]:
        raise BadCheckDigit(number=number, expected=check_digit(number[:-1]))
    return number


def is_sscc(text: str) -> bool:
    """Serial shipping container code: 18 ASCII digits, the last of them the check digit."""
    return len(text) == 18 and is_digits(text) and check_digit(text[:-1]) == text[-1]


def is_digits(text: str) -> bool:
    """ASCII digits only: str.isdigit also says yes to ² and to Arabic digits, which no barcode can hold."""
    return text.isascii() and text.isdigit()


def sscc(*, extension: int, company_prefix: str, serial: int) -> str:
    """Serial shipping container code, 18 digits: extension, company prefix, serial (zero-padded to 17 digits in all), check digit."""
    room = 16 - len(company_prefix)
    valid_prefix = is_digits(company_prefix) and 4 <= len(company_prefix) <= 12
    if not valid_prefix or not 0 <= extension <= 9 or not 0 <= serial < 10**room:
        raise BadSscc(extension=extension, company_prefix=company_prefix, serial=serial)
    digits = f"{extension}{company_prefix}{serial:0{room}d}"
    return digits + check_digit(digits)


def parse(text: str) -> list[Element]:
    """Split "(00)340...(10)LOT" into elements, not yet validated. Raises BadElementString for text outside parentheses."""
    if not re.fullmatch(r"(?:\(\d{2,4}\)[^()]+)+", text):
        raise BadElementString(text=text[:100])
    return re.findall(r"\((\d{2,4})\)([^()]+)", text)


def validated(elements: Iterable[Element]) -> list[Element]:
    """The same elements. Raises UnknownApplicationIdentifier, BadElement, BadCheckDigit, or BadElementString when there is none."""
    elements = list(elements)
    if not elements:
        raise BadElementString(text="")
    for ai, value in elements:
        pattern = _VALUES.get(ai)
        if pattern is None:
            raise UnknownApplicationIdentifier(ai=ai[:10])
        if not value.isascii() or not pattern.fullmatch(value):
            raise BadElement(ai=ai, value=value[:100])
        if ai in _CHECKED:
            checked(value, len(value))
    return elements


def element_string(elements: Iterable[Element], separator: str = GROUP_SEPARATOR) -> str:
    """What a scanner reports after the symbology identifier: `separator` ends each variable-length value but the last."""
    *first, last = validated(elements)
    parts = [ai + value + ("" if ai[:2] in _PREDEFINED else separator) for ai, value in first]
    return "".join([*parts, *last])


def human_readable(elements: Iterable[Element]) -> str:
    return "".join(f"({ai}){value}" for ai, value in elements)
