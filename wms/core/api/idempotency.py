"""`Idempotency-Key` for what has a natural key of its own: a repetition is replayed, other content under the same key is refused.

The key is reserved before the work and answered after it, each in a transaction of its own: the work may be several transactions. A
repetition that comes meanwhile waits for the first one's answer, and gets its very bytes: the column would put keys into an order of its own.
Where a process died between the two, it does the work again after a few seconds, which the natural key makes harmless. Without the header
nothing is stored and nothing is looked up. (What has no natural key is a command, and its outcome is stored in its own transaction:
wms.core.commands.)
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

import pydantic_core
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from wms.core.api.errors import JSON
from wms.core.commands import RequestReused
from wms.core.errors import InvalidInput
from wms.core.json_text import as_json
from wms.core.models import User

_KEY = re.compile(r"[\x21-\x7e]{1,100}")

_RESERVE = """
INSERT INTO core_requestoutcome (actor_id, request_id, fingerprint, outcome) VALUES (%s, %s, %s, 'null')
ON CONFLICT (actor_id, request_id) DO NOTHING
"""
_LOOK = """
SELECT fingerprint, outcome, created_at > clock_timestamp() - make_interval(secs => %s)
FROM core_requestoutcome WHERE actor_id = %s AND request_id = %s
"""
_ANSWER = "UPDATE core_requestoutcome SET outcome = %s WHERE actor_id = %s AND request_id = %s AND fingerprint = %s"
# A refused request leaves its key free, so that it can be sent again, mended.
_RELEASE = "DELETE FROM core_requestoutcome WHERE actor_id = %s AND request_id = %s AND fingerprint = %s AND outcome = 'null'"

# So long a repetition waits for the first one's answer, and so often it looks.
WAIT_S, LOOK_EVERY_S = 5.0, 0.05

Answer = tuple[int, dict[str, Any]]


def key_of(request: HttpRequest) -> str | None:
    """The request's Idempotency-Key, None without one. Raises InvalidInput for one that is not 1 to 100 visible ASCII characters."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput([{"path": ["Idempotency-Key"], "message": _("This must be 1 to 100 visible ASCII characters.")}])
    return key


def answered_once(request: HttpRequest, by: User, work: Callable[[], Answer]) -> HttpResponse:
    """Do the work, or replay what it answered under the request's Idempotency-Key. Raises RequestReused."""
    key = key_of(request)
    if key is None:
        return _reply(*_written(work()))
    fingerprint = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
    reserved, first = _reserve(by, key, fingerprint)
    if first is not None:
        return _reply(*first)
    try:
        status, content = _written(work())
    except Exception:
        if reserved:
            with connection.cursor() as cursor:
                cursor.execute(_RELEASE, [by.pk, key, fingerprint])
        raise
    with connection.cursor() as cursor:
        stored_answer = as_json({"status": status, "text": content.decode()}).decode()
        cursor.execute(_ANSWER, [stored_answer, by.pk, key, fingerprint])
    return _reply(status, content)


def _reserve(by: User, key: str, fingerprint: str) -> tuple[bool, tuple[int, bytes] | None]:
    """Whether the key is ours now, and what the first request with it was answered, as it was written. Raises RequestReused."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_RESERVE, [by.pk, key, fingerprint])
            if cursor.rowcount == 1:
                return True, None
            cursor.execute(_LOOK, [WAIT_S, by.pk, key])
            stored = cursor.fetchone()
        # None: the first request was refused meanwhile, and left the key free.
        if stored is not None:
            said, outcome, under_way = stored
            if said != fingerprint:
                raise RequestReused(request_id=key)
            outcome = pydantic_core.from_json(outcome) if isinstance(outcome, str) else outcome
            if outcome is not None:
                # What an earlier version kept is as good as the same, for the days that it is kept.
                text = outcome["text"].encode() if "text" in outcome else as_json(outcome["body"])
                return False, (outcome["status"], text)
            if not under_way:
                return False, None
        time.sleep(LOOK_EVERY_S)


def _written(answer: Answer) -> tuple[int, bytes]:
    return answer[0], as_json(answer[1])


def _reply(status: int, content: bytes) -> HttpResponse:
    return HttpResponse(content, status=status, content_type=JSON)
