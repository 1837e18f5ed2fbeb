"""The kinds of fields that the API takes: strict types, no blank codes, nothing that a database or a label cannot hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import pycountry
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from wms.core.cells import EARLIEST_YEAR, LATEST_YEAR

_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
# What a row's number can be; a larger one is not there.
LARGEST_ID = 2**63 - 1


STRICT = ConfigDict(extra="forbid")


class Strict(BaseModel):
    """A body whose unknown fields are refused."""

    model_config = STRICT


def _fault(kind: str, message: str) -> PydanticCustomError:
    # The message is finished: braces in it are not placeholders.
    return PydanticCustomError(kind, "{text}", {"text": message})


@dataclass(frozen=True, slots=True)
class _Without:
    """A text that has none of `characters` (a class of a regular expression), else the fault `kind` (words: wms.core.api.errors).

    Checked where the JSON is read: a thousand texts of a hundred orders would be as many calls of a function of ours.
    """

    characters: str
    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        seen = core_schema.str_schema(pattern=f"^[^{self.characters}]*$")
        return core_schema.chain_schema([handler(source), core_schema.custom_error_schema(seen, self.kind, custom_error_message=self.kind)])


# Controls, and the invisible characters that make two codes look alike.
_VISIBLE = _Without(r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff", "unseen_character")
_PRINTABLE = _Without(r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f", "control_character")


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


Reference = Annotated[str, text(50, least=1), _VISIBLE]
WarehouseCode = Annotated[str, text(20, least=1), _VISIBLE]
SkuCode = Annotated[str, text(50, least=1), _VISIBLE]
BarcodeText = Annotated[str, text(80, least=1), _VISIBLE]
PlainName = Annotated[str, text(200), _PRINTABLE]
PlainCode12 = Annotated[str, text(12), _VISIBLE]
Code4 = Annotated[str, text(4), _or_null(4)]
Code12 = Annotated[PlainCode12, _or_null(12)]
Code20 = Annotated[str, text(20), _VISIBLE, _or_null(20)]
Code30 = Annotated[str, text(30), _VISIBLE, _or_null(30)]
Code40 = Annotated[str, text(40), _VISIBLE, _or_null(40)]
Code50 = Annotated[str, text(50), _VISIBLE, _or_null(50)]
Code60 = Annotated[str, text(60), _VISIBLE, _or_null(60)]
Name = Annotated[str, text(200, least=1), _PRINTABLE]
OptionalName = Annotated[PlainName, _or_null(200)]
Place = Annotated[str, text(100, least=1), _PRINTABLE]
OptionalPlace = Annotated[str, text(100), _PRINTABLE, _or_null(100)]
Postcode = Annotated[str, text(20, least=1), _PRINTABLE]
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
Filter = Annotated[Annotated[str, StringConstraints(max_length=200), _VISIBLE] | None, BeforeValidator(_empty_is_none)]
MomentFilter = Annotated[Moment | None, BeforeValidator(_plus_of_query)]
Cursor = Annotated[Annotated[str, StringConstraints(max_length=500)] | None, BeforeValidator(_empty_is_none)]
Limit = Annotated[Annotated[int, Field(ge=1, le=200)] | None, BeforeValidator(_empty_is_none)]
