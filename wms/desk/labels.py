"""Every kind of label as a picture on the screen and as PDF: a sample, or what a code means; and the runs that make thousands."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inventory.models import Bin
from labels import drawing, jobs, pdf, preview, rendering
from labels.kinds import KINDS, LabelKind, kind_of
from labels.media import MEDIA
from labels.models import Printer
from wms.core import desk
from wms.core.errors import NotFound
from wms.operations import label_codes, label_runs
from wms.operations.models import LabelRun

DPIS: Final = (203, 300, 600)
COPIES_MAX: Final = 500
PRINTERS_SHOWN: Final = 200
# Whose goods and addresses a kind shows decides who may print it.
RIGHTS: Final[Mapping[str, str]] = {
    "bin": "inventory.view_bin", "tote": "inventory.view_bin",
    "sku": "inventory.view_sku", "fnsku": "inventory.view_sku", "inner": "inventory.view_sku",
    "carton": "inbound.view_asn", "asn": "inbound.view_asn", "pallet": "inbound.view_asn",
    "parcel": "outbound.view_order", "slip": "outbound.view_order", "return": "outbound.view_order", "manifest": "outbound.view_order",
    "fba_box": "outbound.view_order", "pick_list": "outbound.view_order",
    "badge": "core.change_user",
}  # fmt: skip


class _Chosen:
    """Kind, media, resolution and first free place, as the form says them. Raises UnknownKind, UnknownMedia, NotANumber, BadStart."""

    def __init__(self, fields: Mapping[str, Any], kind: LabelKind) -> None:
        self.kind = kind
        self.media = kind.on(desk.clean(fields.get("media")))
        self.dpi = desk.whole_number(fields.get("dpi"), default=drawing.DEFAULT_DPI if self.media.is_roll else 600)
        if self.dpi not in DPIS:
            raise desk.field_error("dpi", _("Printers have 203, 300 or 600 dots per inch."))
        self.start = desk.whole_number(fields.get("start"), default=1)
        self.media.lay_out((), self.start)

    @property
    def screen_dpi(self) -> int:
        """Pages of paper in printer's dots would be pictures of many megabytes."""
        return self.dpi if self.media.is_roll else min(self.dpi, 150)


def _printers(kind: LabelKind) -> QuerySet[Printer]:
    """What such a label can be sent to. A badge's token is kept nowhere: badges are printed from their PDF."""
    rows = Printer.objects.filter(active=True, media__in=["", *kind.media]).exclude(way=Printer.Way.BROWSER)
    return rows.none() if kind.name == "badge" else rows.order_by("warehouse__code", "code")[:PRINTERS_SHOWN]


def _page(request: HttpRequest, picture: str = "") -> HttpResponse:
    name = desk.clean(request.POST.get("kind") or request.GET.get("kind")) or "bin"
    kind = KINDS.get(name, KINDS["bin"])
    fields = request.POST if request.POST else request.GET
    media = fields.get("media") if fields.get("media") in kind.media else kind.media[0]
    return render(
        request,
        "core/desk/labels.html",
        {
            "kinds": KINDS.values(),
            "kind": kind,
            "media": [MEDIA[one] for one in kind.media],
            "chosen": MEDIA[media or kind.media[0]],
            "dpis": DPIS,
            "dpi": fields.get("dpi") or str(drawing.DEFAULT_DPI if MEDIA[media or kind.media[0]].is_roll else 600),
            "start": fields.get("start") or "1",
            "code": request.POST.get("code", "") if kind.name != "badge" else "",
            "picture": picture,
            "printers": _printers(kind) if request.user.has_perm("labels.add_printjob") else (),
            "fresh_id": uuid.uuid4(),
            "may_print": request.user.has_perm(RIGHTS[kind.name]),
            "runs": LabelRun.objects.select_related("by").order_by("-pk")[:10],
        },
    )


@desk.page
def labels(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _sample(request: HttpRequest) -> tuple[_Chosen, list[Any]]:
    chosen = _Chosen(request.GET, kind_of(desk.clean(request.GET.get("kind"))))
    return chosen, list(chosen.kind.pages([chosen.kind.sample], chosen.media.name, chosen.start))


@desk.page
def sample_png(request: HttpRequest) -> HttpResponse:
    """The sample of a kind, as it comes out of the printer: kind, media, dpi, start."""
    chosen, pages = _sample(request)
    return HttpResponse(preview.png(pages, chosen.screen_dpi), content_type="image/png")


@desk.page
def sample_pdf(request: HttpRequest) -> HttpResponse:
    chosen, pages = _sample(request)
    return desk.pdf(pdf.render(pages, chosen.dpi), f"sample-{chosen.kind.name}")


@desk.action(shows=labels)
def real(request: HttpRequest) -> HttpResponse:
    """What a code means: kind, code, media, dpi, start, copies; `as` is pdf, png for a picture on the page, or print: on `printer` (its id)."""
    if not any(request.user.has_perm(right) for right in RIGHTS.values()):
        raise PermissionDenied
    kind = kind_of(desk.clean(request.POST.get("kind")))
    desk.need(request, RIGHTS[kind.name])
    chosen = _Chosen(request.POST, kind)
    copies = desk.whole_number(request.POST.get("copies"), default=1)
    if not 1 <= copies <= COPIES_MAX:
        raise desk.field_error("copies", _("Up to {most} copies at once.").format(most=COPIES_MAX))
    found = label_codes.labels_of(kind.name, desk.clean(request.POST.get("code"), 200), desk.actor(request))
    if request.POST.get("as") == "print":
        return _sent(request, kind, found, copies)
    pages = kind.pages(chain.from_iterable(repeat(label, copies) for label in found.labels), chosen.media.name, chosen.start)
    if request.POST.get("as") == "png":
        picture = base64.b64encode(preview.png(list(pages)[:1], chosen.screen_dpi)).decode()
        answer = _page(request, picture)
        answer["Cache-Control"] = "no-store"
        return answer
    return desk.pdf(pdf.render(pages, chosen.dpi), f"{kind.name}-labels")


def _sent(request: HttpRequest, kind: LabelKind, found: label_codes.Meant, copies: int) -> HttpResponse:
    """To a printer, on what lies in it. One form is one wish, however often it is sent. Raises NotFound, UnknownMedia, NeedsARoll."""
    desk.need(request, "labels.add_printjob")
    wanted = desk.whole_number(request.POST.get("printer"), default=0)
    printer = next((one for one in _printers(kind) if one.pk == wanted), None)
    if printer is None:
        raise NotFound(what=str(Printer._meta.verbose_name), key=wanted)
    new = jobs.NewJob(
        printer=printer, kind=kind.name, document=desk.clean(request.POST.get("code"), 80), copies=copies, by_id=desk.actor(request).pk,
        merchant_id=found.merchant_id, content=rendering.for_printer(printer, kind.name, found.labels),
        once=f"desk:{desk.clean(request.POST.get('request_id'), 40) or uuid.uuid4()}",
    )  # fmt: skip
    with transaction.atomic(durable=True):
        jobs.add([new])
    return desk.done(request, _("It is on its way to %(printer)s.") % {"printer": printer.code}, "desk:print_jobs")


@require_http_methods(["GET", "POST"])
def labels_or_real(request: HttpRequest) -> HttpResponse:
    return real(request) if request.method == "POST" else labels(request)


@desk.action(shows=labels, permission="inventory.view_bin")
def run_bins(request: HttpRequest) -> HttpResponse:
    """Labels of all open bins that the list's filter shows (q, kind_of_bin, warehouse), in the background. Also: media, dpi, start."""
    rows = Bin.objects.filter(active=True, code__startswith=desk.clean(request.POST.get("q")).upper())
    if warehouse := desk.clean(request.POST.get("warehouse")):
        rows = rows.filter(warehouse__code=warehouse)
    if kind := desk.clean(request.POST.get("kind")):
        rows = rows.filter(kind=kind)
    chosen = _Chosen(request.POST, KINDS["bin"])
    run = label_runs.want_bins(
        bin_ids=list(rows.values_list("pk", flat=True)[: label_runs.MOST + 1]), by=desk.actor(request),
        media=chosen.media.name, start=chosen.start, dpi=chosen.dpi,
    )  # fmt: skip
    return desk.done(request, _("The labels are being made."), "desk:label_run", run_id=run)


@desk.action(shows=labels, permission="inbound.view_asn")
def run_cartons(request: HttpRequest, asn_id: int) -> HttpResponse:
    """The whole carton set of an ASN, or the boxes numbered `from` to `to`. Also: media, dpi, start."""
    chosen = _Chosen(request.POST, KINDS["asn"])
    run = label_runs.want_cartons(
        asn_id=asn_id,
        by=desk.actor(request),
        first=desk.whole_number(request.POST.get("from"), default=1),
        last=desk.whole_number(request.POST.get("to"), default=2_000_000_000),
        media=chosen.media.name,
        start=chosen.start,
        dpi=chosen.dpi,
    )
    return desk.done(request, _("The labels are being made."), "desk:label_run", run_id=run)


def _run(request: HttpRequest, run_id: int) -> LabelRun:
    found = LabelRun.objects.select_related("by").filter(pk=run_id).first()
    if found is None:
        raise NotFound(what=str(LabelRun._meta.verbose_name), key=run_id)
    desk.need(request, RIGHTS[found.kind])
    return found


@desk.page
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """How far it is; the page comes again by itself until the file is there."""
    return render(request, "core/desk/label_run.html", {"run": _run(request, run_id), "days": label_runs.kept_days()})


@desk.page
def run_pdf(request: HttpRequest, run_id: int) -> HttpResponse:
    found = _run(request, run_id)
    if found.status != LabelRun.Status.DONE or not default_storage.exists(str(found.file.name)):
        raise NotFound(what=_("file"), key=run_id)
    answer = StreamingHttpResponse(found.file.open().chunks(), content_type="application/pdf")
    answer["Content-Length"] = str(found.file.size)
    answer["Content-Disposition"] = f'attachment; filename="labels-{run_id}.pdf"'
    return answer  # type: ignore[return-value]  # a view may answer either
