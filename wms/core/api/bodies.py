"""What comes in: strict JSON in UTF-8, no NaN, no bottomless nesting."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import pydantic_core
from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser
from pydantic import BaseModel, FailFast, TypeAdapter, ValidationError
from pydantic.config import JsonDict

from wms.core.api import errors
from wms.core.errors import InvalidInput

Row = TypeVar("Row", bound=BaseModel)


class JsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return _parsed(_content(request))


class Rows(Generic[Row]):
    """A body that is a list of up to API_BULK_MAX rows, each read on its own: one that cannot be used does not sink the others.

    `model` is what the rows are written to: its name tells what is too many.
    """

    def __init__(self, kind: type[Row], model: type[Model]) -> None:
        self._model = model
        self._row = TypeAdapter(kind)
        # Who sends a million bad rows shall not have all of their faults counted.
        self._rows: TypeAdapter[list[Row]] = TypeAdapter(Annotated[list[kind], FailFast()])  # type: ignore[valid-type, arg-type]  # known when it is made

    def read(self, request: HttpRequest) -> list[Row | InvalidInput]:
        """The rows in their order. Raises InvalidJson, UnsupportedMediaType, TooLarge, InvalidInput for what is no list."""
        content = _content(request)
        try:
            # Text and fields in one pass, where all is right, as nearly always.
            found: list[Row | InvalidInput] = [*self._rows.validate_json(content)]
        except ValidationError:
            rows = _parsed(content) if content else None
            if not isinstance(rows, list):
                raise InvalidInput([{"path": [], "message": _("This must be a list.")}]) from None
            self._count(rows)
            return [self._read(row) for row in rows]
        self._count(found)
        return found

    def _read(self, row: Any) -> Row | InvalidInput:
        try:
            return self._row.validate_python(row)
        except ValidationError as error:
            return InvalidInput(errors.problems(error.errors(include_url=False, include_input=False)))

    def _count(self, rows: list[Any]) -> None:
        if len(rows) > settings.API_BULK_MAX:
            raise errors.TooLarge(limit=settings.API_BULK_MAX, what=str(self._model._meta.verbose_name_plural))


def list_of(name: str, example: JsonDict) -> dict[str, Any]:
    """The body of an operation that takes many at once."""
    schema = {
        "type": "array",
        "maxItems": settings.API_BULK_MAX,
        "items": {"$ref": f"#/components/schemas/{name}"},
        "examples": [[example]],
    }
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def _content(request: HttpRequest) -> bytes:
    kind, _semicolon, rest = request.META.get("CONTENT_TYPE", "").partition(";")
    charset = rest.partition("charset=")[2].strip(' "').lower()
    coding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if kind.strip().lower() not in ("", errors.JSON) or charset not in ("", "utf-8", "utf8") or coding not in ("", "identity"):
        raise errors.UnsupportedMediaType
    return request.body


def _parsed(content: bytes) -> Any:
    try:
        return pydantic_core.from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise errors.InvalidJson(reason=str(error)[:200]) from None
