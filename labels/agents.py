"""Print agents: each has a token of its own, which opens the jobs of its printers and nothing else."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labels import jobs, waiting_agents
from labels.models import PrintAgent, Printer, PrintJob
from wms.core.commands import command
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import User

TOKEN_PREFIX: Final = "wmsp_"
# An agent asks at least this often; one that was silent for longer is away.
SILENT: Final = timedelta(seconds=75)
_SEEN_IS_NOTED_EVERY: Final = timedelta(seconds=10)
OUTCOMES: Final = ("printed", "printing", "waiting", "uncertain", "failed")


class AgentNameTaken(WmsError):
    code, status, message = "agent_name_taken", 409, _("There is a print agent {name} already.")


@transaction.atomic(durable=True)
def enrol(*, warehouse_id: int, name: str) -> tuple[PrintAgent, str]:
    """A new agent and its token, which is shown this once: only its SHA-256 is stored. Raises AgentNameTaken, InvalidInput."""
    name = name.strip()
    if not name or len(name) > 50 or not name.isprintable():
        raise InvalidInput([{"path": ["name"], "message": str(_("The name is empty or longer than 50 characters."))}])
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            agent = PrintAgent.objects.create(warehouse_id=warehouse_id, name=name, prefix=token[:12], token_hash=_hash(token))
    except IntegrityError:
        raise AgentNameTaken(name=name) from None
    return agent, token


@transaction.atomic(durable=True)
def renew(*, agent_id: int) -> str:
    """Another token; the old one stops working at once, and a revoked agent works again. Raises NotFound."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    if not PrintAgent.objects.filter(pk=agent_id).update(prefix=token[:12], token_hash=_hash(token), revoked_at=None):
        raise NotFound(what=str(PrintAgent._meta.verbose_name), key=agent_id)
    return token


@command
def revoke(*, agent_id: int, by: User) -> None:
    """The token stops working at once. Raises NotFound."""
    if not PrintAgent.objects.filter(pk=agent_id, revoked_at=None).update(revoked_at=Now()):
        raise NotFound(what=str(PrintAgent._meta.verbose_name), key=agent_id)


def authenticate(token: str) -> PrintAgent | None:
    """None for an unknown or revoked token. One statement; now and then a second one, that notes the visit."""
    if not token.startswith(TOKEN_PREFIX) or len(token) > 200 or not token.isascii():
        return None
    agent = PrintAgent.objects.filter(token_hash=_hash(token), revoked_at=None).first()
    if agent is not None and (agent.seen_at is None or agent.seen_at < timezone.now() - _SEEN_IS_NOTED_EVERY):
        PrintAgent.objects.filter(pk=agent.pk).update(seen_at=Now())
    return agent


def _hash(token: str) -> str:
    # A random token of 256 bits needs no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()


def next_job(*, agent: PrintAgent, wait_seconds: float) -> tuple[PrintJob, bytes] | None:
    """The agent's next job, claimed for it, with its content; waits for one up to `wait_seconds`.

    An agent does one thing at a time. One that asks for a job does not hold another: what was claimed for it and not begun went to a poll
    whose agent had died, or with an answer that was lost.
    """
    until = time.monotonic() + wait_seconds
    jobs.let_go_of_claims(agent_id=agent.pk)
    while True:
        for printer_id in jobs.due(Q(printer__agent=agent)):
            job = jobs.claim(printer_id=printer_id)
            if job is not None:
                try:
                    return job, jobs.content_of(job)
                except WmsError as error:
                    jobs.settle(job_id=job.pk, attempt=job.attempts, to=PrintJob.Status.FAILED, error=str(error))
        left = until - time.monotonic()
        if left <= 0:
            return None
        waiting_agents.wait_for_call(agent.pk, left)


def _own(agent: PrintAgent, job_id: int) -> None:
    """Raises NotFound for a job of other printers."""
    if job_id >= 2**63 or not PrintJob.objects.filter(pk=job_id, printer__agent=agent).exists():
        raise NotFound(what=str(PrintJob._meta.verbose_name), key=job_id)


def begin(*, agent: PrintAgent, job_id: int, attempt: int) -> None:
    """Raises NotFound, LeaseLost."""
    _own(agent, job_id)
    jobs.begin(job_id=job_id, attempt=attempt)


def settle(*, agent: PrintAgent, job_id: int, attempt: int, outcome: str, trouble: str = "", error: str = "") -> dict[str, Any]:
    """What the agent says of a try; saying it again changes nothing. Raises NotFound."""
    _own(agent, job_id)
    known = trouble if trouble in Printer.Trouble.values else Printer.Trouble.STOPPED.value if trouble else ""
    return {"status": jobs.settle(job_id=job_id, attempt=attempt, to=outcome, trouble=known, error=error)}
