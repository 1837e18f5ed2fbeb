"""Typed errors. Each lives beside the code that raises it; one handler each for API, desk and handheld shows them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class WmsError(Exception):
    """An expected refusal: a stable `code`, an HTTP `status`, a `message` in the user's language and `details` with its data.

    Keyword arguments fill the message's {placeholders} and become `details`; they must be JSON-serialisable.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 422
    message: ClassVar[str | Promise] = _("Something went wrong.")

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(details)

    def __str__(self) -> str:
        return self.words(self.details)

    @classmethod
    def words(cls, details: Mapping[str, Any]) -> str:
        """The message with these details, in the language of this moment."""
        return str(cls.message).format(**details)


class NotFound(WmsError):
    code, status, message = "not_found", 404, _("{what} {key} was not found.")


class NotAllowed(WmsError):
    code, status, message = "forbidden", 403, _("You have no right to do this.")


class ReferenceTaken(WmsError):
    """A merchant's own name for a document came before, for something else."""

    code, status, message = "reference_taken", 409, _("The reference {reference} exists with other content.")


class InvalidInput(WmsError):
    """Input that cannot be used. `problems` is a list of {"path": [...], "message": str}, one for each bad field or row."""

    code, status, message = "invalid_input", 422, _("Some of the input cannot be used.")

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__(problems=problems)
