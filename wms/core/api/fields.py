"""The kinds of fields that the API takes: strict types, no blank codes, nothing that a database or a label cannot hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import pycountry
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from wms.core.cells import EARLIEST_YEAR, LATEST_YEAR

# Controls, and the invisible characters that make two codes look alike.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
# What a row's number can be; a larger one is not there.
LARGEST_ID = 2**63 - 1


class Strict(BaseModel):
    """A body whose unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def _fault(kind: str, message: str) -> PydanticCustomError:
    # The message is finished: braces in it are not placeholders.
    return PydanticCustomError(kind, "{text}", {"text": message})


def _visible(text: str) -> str:
    if _UNSEEN.search(text):
        raise _fault("unseen_character", _("This has control or invisible characters."))
    return text


def _printable(text: str) -> str:
    if _CONTROLS.search(text):
        raise _fault("control_character", _("This has control characters."))
    return text


@cache
def countries() -> frozenset[str]:
    """The ISO 3166 alpha-2 codes."""
    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes."""
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


def _country(code: str) -> str:
    if code not in countries():
        raise _fault("country", _("This is not an ISO 3166 alpha-2 country code."))
    return code


def _currency(code: str) -> str:
    if code not in currencies():
        raise _fault("currency", _("This is not an ISO 4217 currency code."))
    return code


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _null_is_empty(value: Any) -> Any:
    return "" if value is None else value


def _moment(value: Any) -> datetime:
    """ISO 8601 text only: a bare number could be seconds or milliseconds, a time without offset could be anywhere."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise _fault("moment", _("This must be a date and time with its offset, such as 2030-01-31T17:00:00Z."))
    return moment.astimezone(UTC)


def _plus_of_query(value: Any) -> Any:
    """The + of an offset that a client did not encode arrives as a space; a moment has no other one there."""
    if isinstance(value, str):
        value = re.sub(r"(T[\d:.]+) (\d\d:?\d\d)$", r"\1+\2", value, flags=re.ASCII)
    return _empty_is_none(value)


def _day(value: Any) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        day = None
    if day is None or not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise _fault("day", _("This must be a date such as 2030-01-31."))
    return day


def _money(value: Any) -> Decimal:
    if isinstance(value, str) and re.fullmatch(_AMOUNT, value, re.ASCII):
        return Decimal(value)
    raise _fault("money", _('This must be an amount as a text, such as "12.50".'))


def choices(name: str, kind: type[TextChoices]) -> WithJsonSchema:
    """What the document calls these values: by themselves, every document's states would be one `Status`."""
    return WithJsonSchema({"title": name, "type": "string", "enum": list(kind.values)})


def _or_null(most: int) -> BeforeValidator:
    return BeforeValidator(_null_is_empty, json_schema_input_type=Annotated[str, StringConstraints(max_length=most)] | None)


def text(most: int, *, least: int = 0) -> StringConstraints:
    return StringConstraints(strict=True, strip_whitespace=True, min_length=least, max_length=most)


Reference = Annotated[str, text(50, least=1), AfterValidator(_visible)]
WarehouseCode = Annotated[str, text(20, least=1), AfterValidator(_visible)]
SkuCode = Annotated[str, text(50, least=1), AfterValidator(_visible)]
BarcodeText = Annotated[str, text(80, least=1), AfterValidator(_visible)]
PlainName = Annotated[str, text(200), AfterValidator(_printable)]
PlainCode12 = Annotated[str, text(12), AfterValidator(_visible)]
Code4 = Annotated[str, text(4), _or_null(4)]
Code12 = Annotated[PlainCode12, _or_null(12)]
Code20 = Annotated[str, text(20), AfterValidator(_visible), _or_null(20)]
Code30 = Annotated[str, text(30), AfterValidator(_visible), _or_null(30)]
Code40 = Annotated[str, text(40), AfterValidator(_visible), _or_null(40)]
Code50 = Annotated[str, text(50), AfterValidator(_visible), _or_null(50)]
Code60 = Annotated[str, text(60), AfterValidator(_visible), _or_null(60)]
Name = Annotated[str, text(200, least=1), AfterValidator(_printable)]
OptionalName = Annotated[PlainName, _or_null(200)]
Place = Annotated[str, text(100, least=1), AfterValidator(_printable)]
OptionalPlace = Annotated[str, text(100), AfterValidator(_printable), _or_null(100)]
Postcode = Annotated[str, text(20, least=1), AfterValidator(_printable)]
Country = Annotated[
    str, text(2), AfterValidator(_country), Field(json_schema_extra={"format": "ISO 3166 alpha-2", "pattern": "^[A-Z]{2}$"})
]
Currency = Annotated[str, text(3), AfterValidator(_currency), Field(json_schema_extra={"format": "ISO 4217", "pattern": "^[A-Z]{3}$"})]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Measure = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Day = Annotated[date, BeforeValidator(_day)]
Money = Annotated[Decimal, BeforeValidator(_money), WithJsonSchema({"type": "string", "pattern": _AMOUNT})]

# Of a query: an empty one is as good as none.
Filter = Annotated[Annotated[str, StringConstraints(max_length=200), AfterValidator(_visible)] | None, BeforeValidator(_empty_is_none)]
MomentFilter = Annotated[Moment | None, BeforeValidator(_plus_of_query)]
Cursor = Annotated[Annotated[str, StringConstraints(max_length=500)] | None, BeforeValidator(_empty_is_none)]
Limit = Annotated[Annotated[int, Field(ge=1, le=200)] | None, BeforeValidator(_empty_is_none)]
