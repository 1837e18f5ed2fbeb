"""What people do with print jobs: answer for them, try them again, cancel them, print them once more. Each is known by name."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from labels import jobs
from labels.models import Printer, PrintJob
from labels.waking import wake_after_commit
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User
from wms.core.transitions import NotPossibleNow, advance

Status = PrintJob.Status


class OtherPaper(WmsError):
    code, status, message = (
        "other_paper",
        409,
        _("What was made for {made_for} does not fit printer {printer}. Print it anew from its document."),
    )


class ReasonNeeded(WmsError):
    code, message = "reason_needed", _("Say why it is printed again.")


def _not_now(job: PrintJob, to: PrintJob.Status) -> NotPossibleNow:
    return NotPossibleNow.of(PrintJob, key=job, status=job.status, to=to)


@command
def answer(*, job_id: int, printed: bool, by: User, request_id: object = None) -> dict[str, Any]:
    """A person looked: an uncertain job is printed, or is printed again. Raises NotPossibleNow, NotFound."""
    job = jobs.locked(job_id)
    if job.status != Status.UNCERTAIN:
        raise _not_now(job, Status.PRINTED if printed else Status.WAITING)
    if printed:
        advance([job], Status.PRINTED, printed_at=Now(), answered_by=by)
    else:
        advance([job], Status.WAITING, answered_by=by, error="")
        wake_after_commit({job.printer_id})
    return {"job_id": job.pk, "status": str(job.status)}


@command
def retry(*, job_id: int, by: User, request_id: object = None) -> dict[str, Any]:
    """Try a failed job again, and a waiting one at once. Raises NotPossibleNow, ContentErased."""
    job = jobs.locked(job_id)
    if not PrintJob.objects.filter(pk=job_id, content__isnull=False).exists():
        raise jobs.ContentErased(job=job_id)
    if job.status == Status.UNCERTAIN:
        # Whether it was printed is answered first.
        raise _not_now(job, Status.WAITING)
    if job.status != Status.WAITING:
        advance([job], Status.WAITING, answered_by=by, error="")
    Printer.objects.filter(pk=job.printer_id).update(retry_at=None)
    wake_after_commit({job.printer_id})
    return {"job_id": job.pk, "status": str(job.status)}


@command
def cancel(*, job_id: int, by: User, request_id: object = None) -> dict[str, Any]:
    """A job that is not wanted any more. Raises NotPossibleNow once it is under way or printed."""
    job = jobs.locked(job_id)
    advance([job], Status.CANCELLED, answered_by=by)
    return {"job_id": job.pk, "status": str(job.status)}


def takes_the_same(printer: Printer, other: Printer) -> bool:
    """Whether the very bytes that were made for one of them come out right on the other one."""
    same = printer.format == other.format and printer.media == other.media
    return same and (printer.format == Printer.Format.PDF or printer.dpi == other.dpi)


@command
def reprint(
    *, job_id: int, reason: str, by: User, printer_id: int | None = None, copies: int | None = None, request_id: object = None
) -> dict[str, Any]:
    """The same bytes again, as a job of its own that names the first one, the person and the reason; on another printer where `printer_id` says so.

    A job that was not printed yet is cancelled with it: it moves. Raises ReasonNeeded, ContentErased, NotFound, NotPossibleNow (under way),
    OtherPaper.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonNeeded
    job = jobs.locked(job_id)
    printer = job.printer if printer_id is None else Printer.objects.filter(pk=printer_id, warehouse=job.warehouse_id, active=True).first()
    if printer is None:
        raise NotFound(what=str(Printer._meta.verbose_name), key=printer_id)
    if not takes_the_same(printer, job.printer):
        raise OtherPaper(made_for=job.printer.code, printer=printer.code)
    if job.status not in (Status.PRINTED, Status.CANCELLED):
        advance([job], Status.CANCELLED, answered_by=by)
    content = PrintJob.objects.values_list("content", flat=True).get(pk=job_id)
    if content is None:
        raise jobs.ContentErased(job=job_id)
    made = PrintJob.objects.create(
        warehouse_id=job.warehouse_id, station_id=job.station_id, printer=printer, kind=job.kind, document=job.document, merchant_id=job.merchant_id,
        format=job.format, content=content, content_hash=job.content_hash, copies=copies or job.copies, reprint_of=job, reason=reason, by=by,
    )  # fmt: skip
    wake_after_commit({printer.pk})
    return {"job_id": made.pk, "status": str(made.status)}


@command
def hand_to_browser(*, job_id: int, by: User, request_id: object = None) -> dict[str, Any]:
    """A browser takes its job to print it; from here on the paper is in that person's hands. Raises NotPossibleNow for whoever comes second."""
    job = jobs.locked(job_id)
    if job.printer.way != Printer.Way.BROWSER or job.status != Status.WAITING:
        raise _not_now(job, Status.PRINTED)
    advance([job], Status.PRINTED, printed_at=Now(), answered_by=by, attempts=job.attempts + 1)
    return {"job_id": job.pk, "status": str(job.status)}
