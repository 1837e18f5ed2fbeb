"""The prints of a station: what is wrong with its printers, what waits for an answer, and what was printed last."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from labels import answering, jobs, routing, stations
from labels.models import Printer, PrintJob
from wms.core.errors import WmsError
from wms.core.floor.scenario import STATION, WAREHOUSE, clean
from wms.core.models import User
from wms.core.permissions import requires

RIGHT = "labels.print_label"
SHOWN = 20


def _where(request: HttpRequest) -> tuple[int, int] | None:
    """(station id, warehouse id) of the session."""
    station, warehouse = request.session.get(STATION), request.session.get(WAREHOUSE)
    return (station, warehouse) if isinstance(station, int) and isinstance(warehouse, int) else None


@never_cache
@require_GET
@requires(RIGHT)
def state(request: HttpRequest) -> HttpResponse:
    """What a handheld page asks for every few seconds: {"lines": [...], "open": [job ids for this browser to print]}."""
    where = _where(request)
    if where is None:
        return JsonResponse({"lines": [], "open": []})
    found = stations.state(station_id=where[0], warehouse_id=where[1])
    return JsonResponse({"lines": found.lines, "open": found.to_open})


@never_cache
@require_GET
@requires(RIGHT)
def prints(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, error: WmsError | None = None) -> HttpResponse:
    where = _where(request)
    if where is None:
        return redirect(f"/floor/station?next={request.path if request.method == 'GET' else '/floor/prints'}")
    station_id, warehouse_id = where
    rows = list(PrintJob.objects.filter(station=station_id).select_related("printer").defer("content").order_by("-pk")[:SHOWN])
    printers = routing.printers_of_station(warehouse_id=warehouse_id, station_id=station_id)
    everywhere = list(Printer.objects.filter(warehouse=warehouse_id, active=True))
    page = {
        "printers": [(printer, stations.trouble_of(printer)) for printer in printers],
        "rows": [
            (job, [one for one in everywhere if one.pk != job.printer_id and answering.takes_the_same(one, job.printer)], uuid.uuid4())
            for job in rows
        ],
        "error": error,
    }
    return render(request, "labels/floor/prints.html", page, status=error.status if error else 200)


def _yes(request: HttpRequest, job_id: int, by: User) -> None:
    answering.answer(job_id=job_id, printed=True, by=by)


def _no(request: HttpRequest, job_id: int, by: User) -> None:
    answering.answer(job_id=job_id, printed=False, by=by)


def _retry(request: HttpRequest, job_id: int, by: User) -> None:
    answering.retry(job_id=job_id, by=by)


def _cancel(request: HttpRequest, job_id: int, by: User) -> None:
    answering.cancel(job_id=job_id, by=by)


def _reprint(request: HttpRequest, job_id: int, by: User) -> None:
    printer = request.POST.get("printer", "")
    answering.reprint(
        job_id=job_id,
        reason=clean(request.POST.get("reason", ""), 200),
        by=by,
        printer_id=int(printer) if printer.isascii() and printer.isdigit() and len(printer) < 19 else None,
        request_id=clean(request.POST.get("request_id", ""), 36) or None,
    )


ACTIONS: dict[str, Callable[[HttpRequest, int, User], None]] = {
    "yes": _yes, "no": _no, "retry": _retry, "cancel": _cancel, "reprint": _reprint,
}  # fmt: skip


@never_cache
@require_POST
@requires(RIGHT)
def act(request: HttpRequest, job_id: int, does: str = "") -> HttpResponse:
    """One of ACTIONS on a job of this warehouse. `reprint` takes a reason, and a printer's id for another one."""
    _own(request, job_id)
    assert isinstance(request.user, User)
    try:
        ACTIONS[does](request, job_id, request.user)
    except WmsError as error:
        return _page(request, error)
    return redirect("floor:prints")


@never_cache
@require_POST
@requires(RIGHT)
def open_in_browser(request: HttpRequest, job_id: int) -> HttpResponse:
    """This browser takes the job to print it: exactly one does. On to the PDF; 409 for whoever comes second."""
    _own(request, job_id)
    assert isinstance(request.user, User)
    try:
        answering.hand_to_browser(job_id=job_id, by=request.user)
    except WmsError as error:
        return _page(request, error)
    return redirect("floor:print_content", job_id=job_id)


@never_cache
@require_GET
@requires(RIGHT)
@xframe_options_sameorigin
def content(request: HttpRequest, job_id: int) -> HttpResponse:
    """What the job prints, for the browser's own print."""
    job = _own(request, job_id)
    if job.format != Printer.Format.PDF:
        raise Http404
    try:
        document = jobs.content_of(job)
    except WmsError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    headers: dict[str, Any] = {"Content-Disposition": f'inline; filename="print-{job.pk}.pdf"'}
    return HttpResponse(document, content_type="application/pdf", headers=headers)


def _own(request: HttpRequest, job_id: int) -> PrintJob:
    """A job of the warehouse that the handheld works in. Raises Http404."""
    where = _where(request)
    job = PrintJob.objects.filter(pk=job_id, warehouse=where[1]).first() if where and job_id < 2**63 else None
    if job is None:
        raise Http404
    return job
