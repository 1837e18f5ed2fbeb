"""The worker's sender: the waiting jobs of one printer, in order, straight to it over the network."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from labels import health, jobs
from labels.models import Printer, PrintJob
from labels.printers import ipp, ways
from labels.printers.errors import NotPrinted, Refused, Uncertain
from wms.core.errors import WmsError

log = logging.getLogger(__name__)

Status = PrintJob.Status
DIRECT = (Printer.Way.IPP, Printer.Way.RAW)
# A printer that printed within this time is watched: it should not be the next job that finds it out of paper.
WATCHED = timedelta(minutes=15)


def send_now(printer_ids: Collection[int]) -> None:
    """In this very process, for a handler that runs in a worker: somebody waits for the paper. Others are woken as ever."""
    others = []
    for printer_id, way in Printer.objects.filter(pk__in=printer_ids).order_by("pk").values_list("pk", "way"):
        if way in DIRECT:
            again = work_off(printer_id)
            if again is not None:
                import_string("labels.tasks.send_later")(printer_id, again)
        else:
            others.append(printer_id)
    if others:
        import_string("labels.tasks.wake")(others)


def work_off(printer_id: int) -> float | None:
    """Send what waits for a printer that workers reach themselves, until nothing waits or the printer is in trouble.

    Returns the seconds after which to look again where this very run met the trouble: one run after another, however many were woken.
    """
    tried_in_vain = False
    while (job := jobs.claim(printer_id=printer_id)) is not None:
        if job.printer.way not in DIRECT:
            jobs.settle(job_id=job.pk, attempt=job.attempts, to=Status.WAITING)
            break
        tried_in_vain = _send(job) == Status.WAITING
    return health.seconds_left_alone(printer_id) if tried_in_vain else None


def _send(job: PrintJob) -> str:
    printer, to, trouble, error, number = job.printer, Status.PRINTED, "", "", None
    try:
        number = ways.deliver(
            printer.address,
            jobs.content_of(job),
            format=job.format,
            name=job.document,
            copies=job.copies,
            asks_status=printer.asks_status,
            begin=lambda: jobs.begin(job_id=job.pk, attempt=job.attempts),
        )
    except NotPrinted as problem:
        to, trouble, error = Status.WAITING, problem.trouble, problem.text
    except Uncertain as problem:
        to, trouble, error = Status.UNCERTAIN, problem.trouble, problem.text
    except Refused as problem:
        to, error = Status.FAILED, problem.text
    except jobs.LeaseLost:
        # Before the first byte: the job is another sender's by now.
        return str(Status.WAITING)
    except WmsError as problem:
        to, error = Status.FAILED, str(problem)
    if to != Status.PRINTED:
        log.warning("print job %s on %s: %s %s %s", job.pk, printer.code, to, trouble, error)
    elif number is not None:
        to = Status.PRINTING
    status = jobs.settle(job_id=job.pk, attempt=job.attempts, to=to, trouble=trouble, error=error, printer_job=number)
    if status == Status.PRINTING:
        import_string("labels.tasks.follow_soon")(printer.pk)
    return status


def follow(printer_id: int) -> None:
    """Ask a printer that workers reach what became of the jobs that it took."""
    taken = PrintJob.objects.filter(printer=printer_id, status=Status.PRINTING, printer_job__isnull=False, printer__way__in=DIRECT)
    for job in taken.select_related("printer").defer("content").order_by("pk"):
        was_gone = job.printer.trouble == Printer.Trouble.GONE
        to, trouble = ipp.follow(job.printer.address, job.printer_job or 0, was_gone=was_gone)
        error = PrintJob.Fault.GIVEN_UP.value if to == Status.UNCERTAIN else ""
        jobs.settle(job_id=job.pk, attempt=job.attempts, to=to, trouble=trouble, error=error)
        if trouble == Printer.Trouble.GONE:
            # It would not answer for the others either.
            return


def watch() -> int:
    """Ask the printers in use that can be asked how they are. Returns how many were asked."""
    busy = PrintJob.objects.filter(created_at__gt=Now() - WATCHED).values("printer")
    rows = Printer.objects.filter(active=True, way__in=DIRECT).filter(Q(pk__in=busy) | ~Q(trouble=""))
    asked = 0
    for printer in rows.filter(Q(way=Printer.Way.IPP) | Q(asks_status=True))[:100]:
        try:
            trouble = ways.status(printer.address, asks_status=printer.asks_status)
        except Refused as problem:
            log.warning("printer %s: %s", printer.code, problem.text)
            trouble = Printer.Trouble.STOPPED
        health.note(printer_id=printer.pk, trouble=trouble)
        asked += 1
    return asked
