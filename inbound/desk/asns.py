"""ASNs: what is on its way, what stands on the dock, where the count differs, and the merchant's packing list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inbound import asns as floor
from inbound import closing, discrepancies, packing_lists, papers, receiving
from inbound.desk import labels
from inbound.models import Asn, AsnLine, Discrepancy
from inventory.desk import imports
from inventory.models import Warehouse
from labels.kinds import KINDS
from wms.core import desk
from wms.core.errors import NotFound
from wms.core.models import Merchant

OPEN = (
    Asn.Status.SUBMITTED, Asn.Status.APPROVED, Asn.Status.IN_TRANSIT, Asn.Status.PARTLY_ARRIVED, Asn.Status.ARRIVED, Asn.Status.RECEIVING,
    Asn.Status.RECEIVED, Asn.Status.PUT_AWAY,
)  # fmt: skip
S = Asn.Status
# Whoever finds more types more of the reference.
FOUND_MAX = 500

# What a supervisor may do: name -> (words, the command, the states in which it makes sense, is it the usual next step).
ACTIONS: dict[str, tuple[Any, Callable[..., Any], frozenset[str], bool]] = {
    "approve": (gettext_lazy("Approve"), floor.approve, frozenset({S.SUBMITTED}), True),
    "arrive": (gettext_lazy("Arrived"), floor.arrive, frozenset({S.SUBMITTED, S.APPROVED, S.IN_TRANSIT, S.PARTLY_ARRIVED}), True),
    "finish": (gettext_lazy("Finish receiving"), receiving.finish, frozenset({S.RECEIVING}), True),
    "close": (gettext_lazy("Close"), closing.close, frozenset({S.RECEIVED, S.PUT_AWAY}), True),
    "reject": (gettext_lazy("Reject"), floor.reject, frozenset({S.SUBMITTED}), False),
    "void": (gettext_lazy("Void"), floor.void, frozenset({S.DRAFT, S.SUBMITTED, S.REJECTED, S.APPROVED, S.IN_TRANSIT}), False),
    "terminate": (gettext_lazy("Terminate"), floor.terminate, frozenset({S.PARTLY_ARRIVED, S.ARRIVED, S.RECEIVING, S.RECEIVED}), False),
}


@desk.page
def asns(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state") or "open"
    rows = Asn.objects.visible_to(request.user).select_related("merchant", "warehouse")
    merchant = desk.clean(request.GET.get("merchant"))
    # Nobody works for those in the sandbox: who wants to see theirs asks for the merchant.
    rows = rows.filter(merchant__code=merchant) if merchant else rows.filter(merchant__sandbox=False)
    if text := desk.clean(request.GET.get("q")):
        # By the unique key of merchant and reference, which is what a merchant calls out on the telephone.
        merchants = list(Merchant.objects.values_list("pk", flat=True))
        within = {"reference__gte": text, "reference__lt": f"{text}\U0010ffff", "reference__startswith": text}
        # The keys first: asked for by key at once, the newest would be looked for through all of the history.
        found = rows.filter(merchant__in=merchants, **within).order_by("merchant_id", "reference").values_list("pk", flat=True)
        rows = rows.filter(pk__in=list(found[:FOUND_MAX]))
    elif state == "open":
        rows = rows.filter(warehouse__in=list(Warehouse.objects.values_list("pk", flat=True)), status__in=OPEN)
    elif state in Asn.Status.values:
        rows = rows.filter(warehouse__in=list(Warehouse.objects.values_list("pk", flat=True)), status=state)
    page = desk.Newest(rows, request)
    keys = [asn.pk for asn in page]
    sums = {
        row["asn"]: row
        for row in AsnLine.objects.filter(asn__in=keys)
        .values("asn")
        .annotate(announced=Sum("quantity"), received=Sum("received"), put_away=Sum("put_away"), lines=Count("pk"))
    }
    open_differences = dict(
        Discrepancy.objects.filter(asn__in=keys, status="open").values_list("asn").annotate(count=Count("pk")).values_list("asn", "count")
    )
    return render(
        request,
        "inbound/desk/asns.html",
        {
            "page": page,
            "sums": sums,
            "differences": open_differences,
            "state": state,
            "states": Asn.Status.choices,
            "merchants": Merchant.objects.all(),
        },
    )


def _find(request: HttpRequest, asn_id: int) -> Asn:
    asn = Asn.objects.visible_to(request.user).select_related("merchant", "warehouse").filter(pk=asn_id).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    desk.clock(asn.warehouse.zone_info)
    return asn


@desk.page
def asn(request: HttpRequest, asn_id: int) -> HttpResponse:
    found = _find(request, asn_id)
    lines = found.lines.select_related("sku", "carton").order_by("number")
    sums = found.lines.aggregate(announced=Sum("quantity"), received=Sum("received"), damaged=Sum("damaged"), put_away=Sum("put_away"))
    return render(
        request,
        "inbound/desk/asn.html",
        {
            "asn": found,
            "page": desk.Page(lines, request, size=100),
            "sums": sums,
            "cartons": found.cartons.count(),
            "media": KINDS["asn"].media,
            "at_once": labels.MOST,
            "discrepancies": found.discrepancies.select_related("sku", "line").order_by("pk")[:200],
            "actions": [(name, words, usual) for name, (words, _do, states, usual) in ACTIONS.items() if found.status in states],
        },
    )


@desk.action(shows=asn, permission="inbound.receive_asn")
def act(request: HttpRequest, asn_id: int, does: str = "") -> HttpResponse:
    """One of ACTIONS. No fields."""
    _find(request, asn_id)
    words, do, _states, _usual = ACTIONS[does]
    do(asn_id=asn_id, by=desk.actor(request))
    return desk.done(request, _("%(action)s: done.") % {"action": words}, "desk:asn", asn_id=asn_id)


@desk.action(shows=asn, permission="inbound.change_discrepancy")
def answer(request: HttpRequest, asn_id: int, discrepancy_id: int, does: str = "") -> HttpResponse:
    """`does` is accept or dispute. Field: note, which a dispute needs."""
    found = _find(request, asn_id).discrepancies.filter(pk=discrepancy_id)
    if not found.exists():
        raise NotFound(what=str(Discrepancy._meta.verbose_name), key=discrepancy_id)
    note, by = request.POST.get("note", ""), desk.actor(request)
    if does == "accept":
        discrepancies.accept(discrepancy_id=discrepancy_id, note=note, by=by)
        return desk.done(request, _("The difference is accepted."), "desk:asn", asn_id=asn_id)
    discrepancies.dispute(discrepancy_id=discrepancy_id, note=note, by=by)
    return desk.done(request, _("The difference is disputed."), "desk:asn", asn_id=asn_id)


@desk.page
def carton_labels(request: HttpRequest, asn_id: int) -> HttpResponse:
    """Labels of all cartons, or of those numbered `from` to `to`."""
    found = _find(request, asn_id)
    cartons = found.cartons.prefetch_related("lines__sku").order_by("number")
    first, last = desk.whole_number(request.GET.get("from"), default=1), desk.whole_number(request.GET.get("to"), default=2_000_000_000)
    rows = cartons.filter(number__gte=first, number__lte=last)
    chosen = list(rows[: labels.MOST + 1])
    if not chosen:
        raise NotFound(what=_("carton"), key=f"{first}–{last}")
    if len(chosen) > labels.MOST:
        raise papers.TooManyLabels(count=rows.count(), most=labels.MOST)
    content = papers.carton_labels(found, chosen, labels.media(request), labels.start(request))
    return desk.pdf(content, f"cartons-{asn_id}")


@desk.action(shows=asn, permission="inbound.receive_asn")
def pallet_labels(request: HttpRequest, asn_id: int) -> HttpResponse:
    """Labels with new SSCCs for `pallets` pallets of the ASN."""
    found = _find(request, asn_id)
    numbers = papers.number_pallets(asn_id=asn_id, count=desk.whole_number(request.POST.get("pallets")), by=desk.actor(request))
    return desk.pdf(papers.pallet_labels(found, numbers), f"pallets-{asn_id}")


def _form(request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    return render(
        request,
        "inbound/desk/upload.html",
        {
            "merchants": Merchant.objects.filter(active=True),
            "warehouses": Warehouse.objects.filter(active=True),
            "transports": Asn.Transport.choices,
        },
    )


new = desk.page(_form)


@desk.action(shows=new, permission="inbound.announce_asn")
def upload(request: HttpRequest) -> HttpResponse:
    """Fields: merchant, warehouse (codes), reference, file; perhaps transport, container_number, expected_on."""
    merchant = imports.chosen_merchant(request)
    if merchant is None:
        raise desk.field_error("merchant", _("Unknown merchant."))
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise desk.field_error("file", _("Choose the packing list."))
    expected = request.POST.get("expected_on", "").strip()
    try:
        expected_on = parse_date(expected) if expected else None
    except ValueError as error:
        raise desk.field_error("expected_on", _("This is not a date.")) from error
    header = floor.NewAsn(
        reference=desk.clean(request.POST.get("reference"), 51),
        warehouse=desk.clean(request.POST.get("warehouse")),
        transport=request.POST.get("transport", "") if request.POST.get("transport", "") in Asn.Transport.values else "",
        container_number=desk.clean(request.POST.get("container_number"), 20).upper(),
        expected_on=expected_on,
    )
    announced = packing_lists.announce(merchant=merchant, header=header, content=file.read(), name=file.name or "")
    return desk.done(request, _("The packing list is stored."), "desk:asn", asn_id=announced.id)


@require_http_methods(["GET", "POST"])
def new_or_upload(request: HttpRequest) -> HttpResponse:
    return upload(request) if request.method == "POST" else new(request)
