"""Every error of the API is JSON: {"code", "message", "details"}."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja.errors import HttpError
from ninja.errors import ValidationError as NinjaValidationError
from pydantic import BaseModel

from wms.core.errors import InvalidInput, WmsError
from wms.core.json_text import as_json

log = logging.getLogger("django.request")

JSON = "application/json"
# Enough to mend a body by; a body of nothing but faults must not be answered with a larger one.
MOST_PROBLEMS = 100
LONGEST_PATH_PART = 100


class ErrorOut(BaseModel):
    """`details`: for `invalid_input` a list of {"path", "message"}, else an object with the error's data."""

    code: str
    message: str
    details: Any


class NotSignedIn(WmsError):
    code, status, message = "unauthorized", 401, _("An API key is needed: Authorization: Bearer KEY.")


class TooLarge(WmsError):
    code, status, message = "too_large", 413, _("At most {limit} {what} are taken at once.")


class UnsupportedMediaType(WmsError):
    code, status, message = "unsupported_media_type", 415, _("The body must be application/json in UTF-8, and not compressed.")


class InvalidJson(WmsError):
    code, status, message = "invalid_json", 400, _("The body is not JSON: {reason}")


class TooManyRequests(WmsError):
    """`retry_after` is in whole seconds."""

    code, status, message = "too_many_requests", 429, _("Too many requests: try again in {retry_after} s.")


# What the framework and the server answer on their own.
_PLAIN: dict[int, tuple[str, str | Promise]] = {
    400: ("bad_request", _("The request cannot be read.")),
    401: (NotSignedIn.code, NotSignedIn.message),
    403: ("forbidden", _("You have no right to do this.")),
    404: ("not_found", _("There is nothing at this address.")),
    405: ("method_not_allowed", _("This address does not know this method.")),
    413: ("too_large", _("The body is too large.")),
    414: ("address_too_long", _("The address is too long.")),
    431: ("headers_too_large", _("There are too many headers, or they are too large.")),
    500: ("server_error", _("Something went wrong here. It was written down; try again later.")),
    501: ("not_implemented", _("This transfer encoding is not known here.")),
    503: ("unavailable", _("Not available at the moment: try again soon.")),
}

_STATUS_OF: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
    ((Http404,), 404),
    ((RequestDataTooBig,), 413),
    ((BadRequest, SuspiciousOperation, UnreadablePostError), 400),
    ((OperationalError, InterfaceError), 503),
)

# pydantic's error types in the words of the user's language, filled with the error's own context.
_FAULTS: dict[str, str | Promise] = {
    "missing": _("This field is missing."),
    "extra_forbidden": _("This field is unknown."),
    "string_type": _("This must be a text."),
    "string_too_long": _("At most {max_length} characters."),
    "string_too_short": _("This must not be blank."),
    "int_type": _("This must be a whole number."),
    "int_parsing": _("This must be a whole number."),
    "int_from_float": _("This must be a whole number."),
    "int_parsing_size": _("This number is too large."),
    "bool_type": _("This must be true or false."),
    "greater_than_equal": _("At least {ge}."),
    "less_than_equal": _("At most {le}."),
    "list_type": _("This must be a list."),
    "too_long": _("At most {max_length} entries."),
    "too_short": _("At least {min_length} entries."),
    "model_type": _("This must be an object."),
    "model_attributes_type": _("This must be an object."),
    "dict_type": _("This must be an object."),
    "enum": _("One of {expected}."),
    "literal_error": _("One of {expected}."),
    "unseen_character": _("This has control or invisible characters."),
    "control_character": _("This has control characters."),
}


def reply(status: int, code: str, message: str, details: Any, headers: dict[str, str] | None = None) -> HttpResponse:
    content = as_json({"code": code, "message": message, "details": details})
    return HttpResponse(content, status=status, content_type=JSON, headers=headers)


def plain_body(status: int) -> dict[str, Any]:
    """The body for a bare status."""
    code, message = _PLAIN.get(status) or _PLAIN[500 if status >= 500 else 400]
    return {"code": code, "message": str(message), "details": {}}


def plain(status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    """The answer for a bare status."""
    return reply(status, headers=headers, **plain_body(status))


def described(error: WmsError) -> dict[str, Any]:
    """The body of one error: `details` is the list of problems for invalid input, else an object."""
    details = error.details["problems"][:MOST_PROBLEMS] if isinstance(error, InvalidInput) else error.details
    return {"code": error.code, "message": str(error), "details": details}


def problems(faults: Iterable[Any], skip: int = 0) -> list[dict[str, Any]]:
    """[{"path", "message"}] of pydantic's error dicts, with the first `skip` parts of each path left out."""
    found = []
    for fault in faults:
        known = _FAULTS.get(fault["type"])
        message = fault["msg"] if known is None else str(known).format(**fault.get("ctx", {}))
        path = [part if isinstance(part, int) else part[:LONGEST_PATH_PART] for part in fault["loc"][skip:]]
        found.append({"path": path, "message": message})
        if len(found) == MOST_PROBLEMS:
            break
    return found


class InvalidRequest(InvalidInput):
    """A request that does not fit its schema."""

    def __init__(self, error: NinjaValidationError) -> None:
        # ("body", parameter, ...field) and ("query" | "path" | "header", ...field).
        found: list[dict[str, Any]] = []
        for fault in error.errors:
            found += problems([fault], skip=2 if fault["loc"][0] == "body" else 1)
            if len(found) == MOST_PROBLEMS:
                break
        super().__init__(found)


def response_for(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer for anything that was raised. What nobody expected is logged with its traceback."""
    if isinstance(error, HttpError) and isinstance(error.__cause__, WmsError):
        error = error.__cause__  # raised by the parser, wrapped by the framework
    if isinstance(error, NinjaValidationError):
        error = InvalidRequest(error)
    if isinstance(error, WmsError):
        headers = {}
        if isinstance(error, NotSignedIn):
            headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, TooManyRequests):
            headers["Retry-After"] = str(error.details["retry_after"])
        return reply(error.status, headers=headers, **described(error))
    status = _status_of(error)
    if status == 503:
        log.error("%s %s: the database cannot serve: %s", request.method, request.path, error)
        return plain(503, {"Retry-After": "1"})
    if status == 500:
        log.exception("%s %s failed", request.method, request.path, exc_info=error)
    return plain(status)


def _status_of(error: Exception) -> int:
    if isinstance(error, HttpError):
        return error.status_code
    for kinds, status in _STATUS_OF:
        if isinstance(error, kinds):
            return status
    return 500
