"""The print agents' API, below /api/print-agent/v1/. It is theirs alone: a merchant's key opens nothing here, an agent's token nothing else."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils.translation import gettext as _

from labels import agents, jobs
from labels.models import PrintAgent, PrintJob
from wms.core.api.errors import InvalidJson, NotSignedIn
from wms.core.errors import InvalidInput

# No proxy on the way gives up earlier.
LONGEST_WAIT_SECONDS = 25.0
LOOK_AGAIN_SECONDS = 0.3
_waiting = threading.BoundedSemaphore(max(1, settings.PRINT_POLLS))

View = Callable[..., HttpResponse]


def _for_agents(view: Callable[..., dict[str, Any]]) -> View:
    """A POST of an agent: `Authorization: Bearer TOKEN` and a JSON object. Errors become answers in wms.core.api.gate."""

    @wraps(view)
    def run(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        scheme, _blank, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        agent = agents.authenticate(token.strip()) if scheme.lower() == "bearer" else None
        if agent is None:
            raise NotSignedIn
        try:
            body = json.loads(request.body or b"{}")
        except ValueError as error:
            raise InvalidJson(reason=str(error)[:200]) from None
        if not isinstance(body, dict):
            raise InvalidJson(reason="not an object")
        return JsonResponse(view(agent, body, **kwargs))

    return run


@_for_agents
def claim(agent: PrintAgent, body: dict[str, Any]) -> dict[str, Any]:
    """{"wait": seconds} -> {"job": ... or null, "again_after": seconds}. Where the server has no thread to wait with, it says when to ask again."""
    wait = body.get("wait", 0)
    # Compared before it is made a float, which the largest numbers of JSON are too large for; NaN is no time to wait either.
    seconds = float(min(LONGEST_WAIT_SECONDS, wait)) if isinstance(wait, int | float) and wait > 0 else 0.0
    waits = seconds > 0 and _waiting.acquire(blocking=False)
    try:
        found = agents.next_job(agent=agent, wait_seconds=seconds if waits else 0)
    finally:
        if waits:
            _waiting.release()
    if found is None:
        return {"job": None, "again_after": 0 if waits else LOOK_AGAIN_SECONDS}
    return {"job": _job(*found), "again_after": 0}


def _job(job: PrintJob, content: bytes) -> dict[str, Any]:
    return {
        "id": job.pk,
        "attempt": job.attempts,
        "printer": job.printer.code,
        "address": job.printer.address,
        "asks_status": job.printer.asks_status,
        "format": job.format,
        "document": job.document,
        "copies": job.copies,
        "sha256": job.content_hash,
        "content": base64.b64encode(content).decode("ascii"),
        "lease_seconds": jobs.LEASE_SECONDS,
    }


@_for_agents
def begin(agent: PrintAgent, body: dict[str, Any], job_id: int) -> dict[str, Any]:
    """{"attempt": n}: the agent is about to send. 409 lease_lost: it must not."""
    agents.begin(agent=agent, job_id=job_id, attempt=_attempt(body))
    return {"status": "sending"}


@_for_agents
def result(agent: PrintAgent, body: dict[str, Any], job_id: int) -> dict[str, Any]:
    """{"attempt": n, "outcome": printed | printing | waiting | uncertain | failed, "trouble": code, "error": text}.

    `printing`: the printer has it; to be said again, at least every few minutes, until it is printed or nobody knows.
    """
    outcome, trouble, error = (body.get(name, "") for name in ("outcome", "trouble", "error"))
    if outcome not in agents.OUTCOMES:
        raise InvalidInput([{"path": ["outcome"], "message": _("This is none of the possible outcomes.")}])
    if not isinstance(trouble, str) or not isinstance(error, str):
        raise InvalidInput([{"path": ["trouble"], "message": _("This must be text.")}])
    return agents.settle(
        agent=agent, job_id=job_id, attempt=_attempt(body), outcome=outcome, trouble=trouble, error=error.replace("\x00", "")
    )


def _attempt(body: dict[str, Any]) -> int:
    attempt = body.get("attempt")
    if not isinstance(attempt, int) or isinstance(attempt, bool) or not 0 <= attempt < 2**31:
        raise InvalidInput([{"path": ["attempt"], "message": _("This must be a whole number.")}])
    return attempt
