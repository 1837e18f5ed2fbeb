"""Printers with their state, the agents, and the jobs: tried again, cancelled, repeated with a reason, answered for."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.apps import apps
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from labels import agents, answering, jobs, rendering, stations
from labels.agent import bundle
from labels.kinds import KINDS
from labels.models import PrintAgent, Printer, PrintJob
from wms.core import desk
from wms.core.errors import NotFound
from wms.core.models import User

PRINTERS_SHOWN = 200
# Whoever finds more types more of the document.
FOUND_MAX = 500
OPEN = ("waiting", "claimed", "sending", "printing", "uncertain", "failed")


def _warehouses() -> QuerySet[Model]:
    # The model lives in an app that this one does not import.
    return apps.get_model("inventory", "Warehouse")._default_manager.all()


@desk.page
def printers(request: HttpRequest) -> HttpResponse:
    """All printers and agents; a fresh agent's token is shown this once."""
    rows = Printer.objects.select_related("warehouse", "agent").order_by("warehouse__code", "code")[:PRINTERS_SHOWN]
    return render(
        request,
        "labels/desk/printers.html",
        {
            "printers": [(printer, stations.trouble_of(printer)) for printer in rows],
            "agents": PrintAgent.objects.select_related("warehouse").order_by("revoked_at", "warehouse__code", "name")[:PRINTERS_SHOWN],
            "warehouses": _warehouses().filter(active=True).order_by("code"),
            "token": getattr(request, "agent_token", ""),
        },
    )


@desk.page
def print_jobs(request: HttpRequest) -> HttpResponse:
    """Filters: state (open, a status, or all), q (the beginning of a document), printer (its id)."""
    rows = PrintJob.objects.select_related("printer", "station", "by").defer("content")
    state = desk.clean(request.GET.get("state")) or "open"
    if state == "open":
        rows = rows.filter(status__in=OPEN)
    elif state in PrintJob.Status.values:
        rows = rows.filter(status=state)
    if query := desk.clean(request.GET.get("q")):
        # A range of the index, and the keys first: the newest at once would be looked for through all that was ever printed.
        within = {"document__gte": query, "document__lt": f"{query}\U0010ffff", "document__startswith": query}
        rows = rows.filter(pk__in=list(rows.filter(**within).order_by("document").values_list("pk", flat=True)[:FOUND_MAX]))
    printer = request.GET.get("printer", "")
    if printer.isascii() and printer.isdigit() and len(printer) < 19:
        rows = rows.filter(printer=int(printer))
    context = {
        "page": desk.Newest(rows, request),
        "state": state,
        "query": query,
        "states": PrintJob.Status.choices,
        "kinds": {kind.name: kind.title for kind in KINDS.values()},
        "fresh_id": uuid.uuid4(),
    }
    return render(request, "labels/desk/print_jobs.html", context)


def _yes(request: HttpRequest, job_id: int, by: User) -> str:
    answering.answer(job_id=job_id, printed=True, by=by)
    return _("It counts as printed.")


def _no(request: HttpRequest, job_id: int, by: User) -> str:
    answering.answer(job_id=job_id, printed=False, by=by)
    return _("It is printed again.")


def _retry(request: HttpRequest, job_id: int, by: User) -> str:
    answering.retry(job_id=job_id, by=by)
    return _("It is tried again.")


def _cancel(request: HttpRequest, job_id: int, by: User) -> str:
    answering.cancel(job_id=job_id, by=by)
    return _("It is cancelled.")


def _reprint(request: HttpRequest, job_id: int, by: User) -> str:
    reason, request_id = desk.clean(request.POST.get("reason"), 200), desk.clean(request.POST.get("request_id"), 40)
    # One form is one wish, however often it is sent; another row of the page has another wish.
    answering.reprint(job_id=job_id, reason=reason, by=by, request_id=f"{request_id}-{job_id}" if request_id else None)
    return _("It is printed once more.")


ACTIONS: dict[str, Callable[[HttpRequest, int, User], str]] = {
    "yes": _yes, "no": _no, "retry": _retry, "cancel": _cancel, "reprint": _reprint,
}  # fmt: skip


@desk.action(shows=print_jobs, permission="labels.change_printjob")
def act(request: HttpRequest, job_id: int, does: str = "") -> HttpResponse:
    """One of ACTIONS; `reprint` takes a reason."""
    if job_id >= 2**63:
        raise NotFound(what=str(PrintJob._meta.verbose_name), key=job_id)
    return desk.done(request, ACTIONS[does](request, job_id, desk.actor(request)), "desk:print_jobs")


@desk.action(shows=printers, permission="labels.add_printjob")
def test_label(request: HttpRequest, printer_id: int) -> HttpResponse:
    """A sample of the first kind of label that is printed on what lies in the printer."""
    # A browser prints what its own station shows: there is nobody to send a test to.
    rows = Printer.objects.exclude(way=Printer.Way.BROWSER).filter(active=True)
    printer = rows.filter(pk=printer_id).first() if printer_id < 2**63 else None
    if printer is None:
        raise NotFound(what=str(Printer._meta.verbose_name), key=printer_id)
    kind = next((kind for kind in KINDS.values() if printer.media in kind.media), KINDS["parcel"])
    content = rendering.for_printer(printer, kind.name, [kind.sample_on(printer.media)])
    with transaction.atomic(durable=True):
        new = jobs.NewJob(printer=printer, kind=kind.name, document=_("test label"), content=content, by_id=desk.actor(request).pk)
        jobs.add([new])
    return desk.done(request, _("A test label is on its way to %(printer)s.") % {"printer": printer.code}, "desk:print_jobs")


def _show_token(request: HttpRequest, token: str) -> HttpResponse:
    """The page itself, not a redirect: the token is nowhere to be read again."""
    request.agent_token = token  # type: ignore[attr-defined]  # a request carries what a view puts on it
    request.method = "GET"
    response = printers(request)
    response["Cache-Control"] = "no-store"
    return response


@desk.action(shows=printers, permission="labels.add_printagent")
def enrol(request: HttpRequest) -> HttpResponse:
    """Fields: warehouse (its id), name."""
    warehouse_id = desk.whole_number(request.POST.get("warehouse"))
    if not _warehouses().filter(pk=warehouse_id).exists():
        raise NotFound(what=_("warehouse"), key=warehouse_id)
    _agent, token = agents.enrol(warehouse_id=warehouse_id, name=desk.clean(request.POST.get("name"), 51))
    return _show_token(request, token)


@desk.action(shows=printers, permission="labels.change_printagent")
def renew(request: HttpRequest, agent_id: int) -> HttpResponse:
    return _show_token(request, agents.renew(agent_id=min(agent_id, 2**62)))


@desk.action(shows=printers, permission="labels.change_printagent")
def revoke(request: HttpRequest, agent_id: int) -> HttpResponse:
    agents.revoke(agent_id=min(agent_id, 2**62), by=desk.actor(request))
    return desk.done(request, _("The agent's token no longer works."), "desk:printers")


@desk.page
def agent_file(request: HttpRequest) -> HttpResponse:
    """The print agent as one file, for any PC with Python 3.9 or newer."""
    headers = {"Content-Disposition": f'attachment; filename="{bundle.FILE_NAME}"'}
    return HttpResponse(bundle.build(), content_type="application/octet-stream", headers=headers)
