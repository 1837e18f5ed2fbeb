"""A station's printers as the people there see them: what is wrong, and what waits for their answer."""

from __future__ import annotations

from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _

from labels import routing
from labels.agents import SILENT
from labels.models import Printer, PrintJob, Station

Status = PrintJob.Status
# A red line of a few sentences is read; older questions are on the page of the prints and at the desk.
SHOWN = 5


class StationState(NamedTuple):
    """`lines` are sentences for the red line; `to_open` the ids of jobs that this station's browser has to print."""

    lines: list[str]
    to_open: list[int]


def trouble_of(printer: Printer) -> str:
    """What is wrong with a printer just now, in words; "" for nothing. The printer comes with its agent."""
    if printer.agent is not None and (
        printer.agent.revoked_at or not printer.agent.seen_at or printer.agent.seen_at < timezone.now() - SILENT
    ):
        return str(Printer.Trouble.AGENT_AWAY.label)
    return str(Printer.Trouble(printer.trouble).label) if printer.trouble else ""


def state(*, station_id: int, warehouse_id: int) -> StationState:
    """In four statements."""
    lines = []
    for printer in routing.printers_of_station(warehouse_id=warehouse_id, station_id=station_id):
        if trouble := trouble_of(printer):
            lines.append(f"{printer.code}: {trouble}")
    here = PrintJob.objects.filter(station=station_id)
    to_answer = here.filter(status__in=[Status.FAILED, Status.UNCERTAIN]).select_related("printer").defer("content")
    for job in to_answer.order_by("-pk")[:SHOWN]:
        if job.status == Status.UNCERTAIN:
            lines.append(_("{printer}: was {document} printed?").format(printer=job.printer.code, document=job.document))
        else:
            lines.append(
                _("{printer}: {document} failed: {error}").format(printer=job.printer.code, document=job.document, error=job.error_words)
            )
    # Questions that nobody answers hold up no print.
    to_open = here.filter(status=Status.WAITING, printer__way=Printer.Way.BROWSER).order_by("pk").values_list("pk", flat=True)
    return StationState(lines, list(to_open[:SHOWN]))


def find(*, code: str, warehouse_id: int) -> Station | None:
    return Station.objects.filter(warehouse=warehouse_id, code=code, active=True).first()
