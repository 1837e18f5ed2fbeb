"""Print jobs: queued once, sent in order by one sender a printer, and never sent again without a person's yes once bytes may have left.

A sender (a worker or a print agent) claims the oldest waiting job of a printer under a lease, says `begin` before the first byte, and
settles it. Every statement locks the printer first, then the job.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labels import health
from labels.models import Printer, PrintJob
from labels.waking import wake_after_commit
from wms.core import sealing
from wms.core.errors import NotFound, WmsError
from wms.core.locking import assert_in_transaction
from wms.core.transitions import advance

Status = PrintJob.Status
# Longer than a healthy printer takes for one job; a sender that is silent for so long is taken for dead.
LEASE_SECONDS: Final = 60
# A printer that has a job is asked every few seconds; one that says nothing of it for so long leaves a question.
SILENT_PRINTER_SECONDS: Final = 300
_ERROR_MAX: Final = 300


class LeaseLost(WmsError):
    code, status, message = "lease_lost", 409, _("Print job {job} is somebody else's by now.")


class ContentErased(WmsError):
    code, status, message = "content_erased", 410, _("What print job {job} printed was erased. Print it anew from its document.")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """`content` in the printer's own format and dots. `once` names the event that wants it; "" for what a person asked for.

    `merchant_id` says whose paper it is, None where it is nobody's.
    """

    printer: Printer
    kind: str
    document: str
    content: bytes
    merchant_id: int | None = None
    station_id: int | None = None
    once: str = ""
    copies: int = 1
    by_id: int | None = None
    problem: str = ""


_ADD = """
INSERT INTO labels_printjob (warehouse_id, printer_id, format, kind, document, once, content, content_hash, copies, status, error,
                             merchant_id, station_id, by_id, attempts, reason)
SELECT p.warehouse_id, p.id, p.format, j.kind, j.document, nullif(j.once, ''), j.content, j.hash, j.copies, j.status, j.error,
       j.merchant_id, s.id, j.by_id, 0, ''
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::int[], %s::text[], %s::text[],
            %s::bigint[], %s::bigint[], %s::bigint[])
     WITH ORDINALITY AS j (printer_id, kind, document, once, content, hash, copies, status, error, merchant_id, station_id, by_id, place)
JOIN labels_printer p ON p.id = j.printer_id LEFT JOIN labels_station s ON s.id = j.station_id AND s.warehouse_id = p.warehouse_id
ORDER BY j.once, j.place
ON CONFLICT (once) DO NOTHING
RETURNING id
"""


def add(new: Sequence[NewJob], *, wake: bool = True) -> list[int]:
    """A step: queue them in the order of their `once`, in one statement, and wake their senders after the commit, or leave that to the caller.

    What was queued under the same `once` before is left out. A job with a `problem` (its label could not be made) is stored as failed, so
    that the station sees it. Returns the ids of what is new.
    """
    assert_in_transaction("add()")
    if not new:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD,
            [
                [job.printer.pk for job in new],
                [job.kind for job in new],
                [job.document[:80] for job in new],
                [job.once for job in new],
                [None if job.problem else _sealed(job.content) for job in new],
                [hashlib.sha256(job.content).hexdigest() for job in new],
                [job.copies for job in new],
                [(Status.FAILED if job.problem else Status.WAITING).value for job in new],
                [job.problem[:_ERROR_MAX] for job in new],
                [job.merchant_id for job in new],
                [job.station_id for job in new],
                [job.by_id for job in new],
            ],
        )
        ids = [int(row[0]) for row in cursor.fetchall()]
    if wake:
        wake_after_commit({job.printer.pk for job in new})
    return ids


def _sealed(content: bytes) -> bytes:
    return sealing.seal({"content": base64.b64encode(content).decode("ascii")})


def content_of(job: PrintJob) -> bytes:
    """Raises ContentErased, Unreadable."""
    if job.content is None:
        raise ContentErased(job=job.pk)
    return base64.b64decode(sealing.open_sealed(bytes(job.content))["content"])


# What senders do.


# A packer waits for what senders do: each of these is one statement, a transaction of its own, with the states' TRANSITIONS in its WHERE.
# Who waits at the printer's lock looks at the job again when it gets it; the sender before it takes what else came meanwhile.
_CLAIM = """
WITH printer AS (
    SELECT id FROM labels_printer WHERE id = %(printer)s AND active AND (retry_at IS NULL OR retry_at <= now()) FOR NO KEY UPDATE
), next AS (
    SELECT j.id FROM labels_printjob j JOIN printer p ON p.id = j.printer_id
    WHERE j.status = 'waiting' AND NOT EXISTS (
        SELECT FROM labels_printjob busy WHERE busy.printer_id = j.printer_id AND busy.status IN ('claimed', 'sending')
    )
    ORDER BY j.id LIMIT 1
)
UPDATE labels_printjob j SET status = 'claimed', attempts = j.attempts + 1, lease_until = now() + make_interval(secs => %(lease)s), error = ''
FROM next WHERE j.id = next.id AND j.status = 'waiting'
RETURNING j.id
"""
_BEGIN = """
UPDATE labels_printjob SET status = 'sending', lease_until = now() + make_interval(secs => %(lease)s)
WHERE id = %(job)s AND attempts = %(attempt)s AND status = 'claimed' AND lease_until >= now()
"""
# A printer in trouble is locked first, see settle().
_PRINTED = """
UPDATE labels_printjob j SET status = 'printed', printed_at = now(), lease_until = NULL, error = ''
WHERE id = %(job)s AND attempts = %(attempt)s AND status IN ('sending', 'printing', 'uncertain')
  AND NOT EXISTS (SELECT FROM labels_printer p WHERE p.id = j.printer_id AND p.trouble <> '')
"""


def _alone(statement: str, **values: Any) -> tuple[int, int | None]:
    """Run one statement as a transaction of its own; how many rows it touched, and the id that it returned."""
    assert not connection.in_atomic_block, "a sender's word is durable when it is said"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
        return cursor.rowcount, int(row[0]) if row else None


def claim(*, printer_id: int, lease_seconds: float = LEASE_SECONDS) -> PrintJob | None:
    """The printer's oldest waiting job, for this sender alone until its lease ends.

    None while another sender is at it, while the printer is left alone after trouble, or when nothing waits.
    """
    _count, job_id = _alone(_CLAIM, printer=printer_id, lease=lease_seconds)
    if job_id is None and recover_silent(printer_id=printer_id):
        _count, job_id = _alone(_CLAIM, printer=printer_id, lease=lease_seconds)
    return PrintJob.objects.select_related("printer").get(pk=job_id) if job_id is not None else None


def begin(*, job_id: int, attempt: int, lease_seconds: float = LEASE_SECONDS) -> None:
    """From here on bytes may have left. Raises LeaseLost where this try is no longer the job's."""
    if _alone(_BEGIN, job=job_id, attempt=attempt, lease=lease_seconds)[0] != 1:
        raise LeaseLost(job=job_id)


def settle(*, job_id: int, attempt: int, to: str, trouble: str = "", error: str = "", printer_job: int | None = None) -> str:
    """How a try ended: printed, printing (the printer has it), waiting (nothing left the sender), uncertain or failed. Returns the job's status.

    A try that is settled already, or that a person has answered, stays as it is. `trouble` (Printer.Trouble) leaves the printer alone
    for a while; a job that was printed ends it. Raises NotFound.
    """
    if to == Status.PRINTED and not trouble and _alone(_PRINTED, job=job_id, attempt=attempt)[0] == 1:
        return str(to)
    return _settle(job_id, attempt, to, trouble, error, printer_job)


_OPEN_TRIES: Final = (Status.CLAIMED, Status.SENDING, Status.PRINTING, Status.UNCERTAIN)


@transaction.atomic(durable=True)
def _settle(job_id: int, attempt: int, to: str, trouble: str, error: str, printer_job: int | None) -> str:
    job = locked(job_id)
    if job.attempts != attempt or job.status not in _OPEN_TRIES:
        return str(job.status)
    heard = Now() + timedelta(seconds=SILENT_PRINTER_SECONDS) if to == Status.PRINTING else None
    if job.status != to:
        stamps: dict[str, Any] = {"printed_at": Now()} if to == Status.PRINTED else {"printer_job": printer_job} if heard else {}
        advance([job], to, lease_until=heard, error=error[:_ERROR_MAX], **stamps)
        health.keep(job.printer, trouble, worked=to in (Status.PRINTED, Status.PRINTING))
    elif heard:
        # A printer that does not answer has said nothing of the job either.
        if trouble != Printer.Trouble.GONE:
            PrintJob.objects.filter(pk=job.pk).update(lease_until=heard)
        health.keep(job.printer, trouble, worked=True)
    return str(job.status)


def locked(job_id: int) -> PrintJob:
    """The job with its printer, both locked. Raises NotFound."""
    printer_id = PrintJob.objects.filter(pk=job_id).values_list("printer", flat=True).first()
    printer = health.lock(printer_id) if printer_id is not None else None
    job = PrintJob.objects.select_for_update(no_key=True).defer("content").filter(pk=job_id).first()
    if job is None or printer is None:
        raise NotFound(what=str(PrintJob._meta.verbose_name), key=job_id)
    job.printer = printer
    return job


def _recover(printer_ids: Collection[int]) -> int:
    """Jobs whose sender or printer fell silent: nothing of a claimed one has left; whether another was printed, a person has to say."""
    silent = PrintJob.objects.filter(printer__in=printer_ids, lease_until__lt=Now())
    back = silent.filter(status=Status.CLAIMED).update(status=Status.WAITING, lease_until=None)
    asked = silent.filter(status=Status.SENDING).update(status=Status.UNCERTAIN, lease_until=None, error=PrintJob.Fault.SENDER_ENDED)
    lost = silent.filter(status=Status.PRINTING).update(status=Status.UNCERTAIN, lease_until=None, error=PrintJob.Fault.PRINTER_SILENT)
    return back + asked + lost


@transaction.atomic(durable=True)
def let_go_of_claims(*, agent_id: int) -> int:
    """What this agent claimed and did not begin waits again; returns how many jobs."""
    claimed = PrintJob.objects.filter(printer__agent=agent_id, status=Status.CLAIMED)
    printers = sorted(set(claimed.values_list("printer", flat=True)))
    if not printers:
        return 0
    list(Printer.objects.select_for_update(no_key=True).filter(pk__in=printers).order_by("pk"))
    return PrintJob.objects.filter(printer__in=printers, status=Status.CLAIMED).update(status=Status.WAITING, lease_until=None)


def recover_silent(*, printer_id: int | None = None) -> int:
    """Of one printer, or of all; returns how many jobs there were."""
    found = PrintJob.objects.filter(status__in=[Status.CLAIMED, Status.SENDING, Status.PRINTING], lease_until__lt=Now())
    if printer_id is not None:
        found = found.filter(printer=printer_id)
    printers = sorted(set(found.values_list("printer", flat=True)))
    if not printers:
        return 0
    with transaction.atomic(durable=True):
        list(Printer.objects.select_for_update(no_key=True).filter(pk__in=printers).order_by("pk"))
        return _recover(printers)


def due(of: Q | None = None) -> list[int]:
    """Printers with waiting jobs that may be tried now; `of` narrows the jobs."""
    left_alone = Printer.objects.filter(retry_at__gt=Now())
    waiting = PrintJob.objects.filter(status=Status.WAITING, printer__active=True).exclude(printer__in=left_alone)
    return list(waiting.filter(of or Q()).order_by("printer").values_list("printer", flat=True).distinct())


def in_printers() -> list[int]:
    """Printers that workers reach and that have a job of which they have not said that it is printed, and may be asked now."""
    followed = PrintJob.objects.filter(status=Status.PRINTING, printer_job__isnull=False).exclude(printer__retry_at__gt=Now())
    return list(followed.order_by("printer").values_list("printer", flat=True).distinct())
