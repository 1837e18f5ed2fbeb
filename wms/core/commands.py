"""A command is the one domain call of an edge: keyword-only, in a transaction of its own, and safe to repeat.

A repeated request answers what it answered first. Scans carry a client-made UUID, API writes an Idempotency-Key: both come as
`request_id`. The outcome is stored in the command's own transaction. A repetition therefore fails on the unique key, or earlier on
a state that has moved on; only then is the stored outcome looked up, so that a first request pays one statement and no look-up.
"""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg2.errors import DeadlockDetected

from wms.core.errors import WmsError
from wms.core.locking import StartOver
from wms.core.models import RequestOutcome

P = ParamSpec("P")
R = TypeVar("R")
ATTEMPTS = 20


class RequestReused(WmsError):
    code, status, message = "request_reused", 409, _("The id {request_id} was used before for something else.")


def begun_again(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function that is one transaction again where a step raises StartOver, or where it lost a deadlock."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(ATTEMPTS):
            try:
                return function(*args, **kwargs)
            except StartOver:
                if attempt == ATTEMPTS - 1:
                    raise
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected) or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    return run


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function with keyword-only arguments, among them `by` and perhaps `request_id`, a command.

    With a `request_id` its answer must be JSON (dicts, lists, strings, numbers); a repetition gets the stored answer.
    Raises RequestReused where the id came before with other content. Begins again when a step raises StartOver, or when it lost a deadlock.
    """

    @begun_again
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(durable=True):
            answer = function(*args, **kwargs)
            if kwargs.get("request_id") is not None:
                _remember(function.__name__, kwargs, answer)
            return answer

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        request_id = kwargs.get("request_id")
        try:
            return attempt(*args, **kwargs)
        except (WmsError, IntegrityError):
            if request_id is not None:
                stored = _recall(function.__name__, kwargs)
                if stored is not None:
                    return stored.outcome  # type: ignore[no-any-return]  # JSON of the first answer
            raise

    return run


def _fingerprint(name: str, kwargs: dict[str, Any]) -> str:
    content = {key: value for key, value in kwargs.items() if key not in ("by", "request_id")}
    return hashlib.sha256(json.dumps([name, content], sort_keys=True, default=str).encode()).hexdigest()


def _remember(name: str, kwargs: Any, answer: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_requestoutcome (actor_id, request_id, fingerprint, outcome) VALUES (%s, %s, %s, %s)",
            [kwargs["by"].pk, str(kwargs["request_id"]), _fingerprint(name, kwargs), json.dumps(answer)],
        )


def _recall(name: str, kwargs: Any) -> RequestOutcome | None:
    stored = RequestOutcome.objects.filter(actor=kwargs["by"], request_id=str(kwargs["request_id"])).first()
    if stored is not None and stored.fingerprint != _fingerprint(name, kwargs):
        raise RequestReused(request_id=str(kwargs["request_id"]))
    return stored
