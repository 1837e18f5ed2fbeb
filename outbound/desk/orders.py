"""Orders: what is open by ship-by, one order with what happened to it, and stopping it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import PutBackTask, Warehouse
from outbound import cancellation, clock, holds, papers
from outbound.models import Order, Parcel, PickTask
from wms.core import desk
from wms.core.errors import NotFound
from wms.core.models import Merchant

OPEN = (
    Order.Status.RECEIVED, Order.Status.ON_HOLD, Order.Status.SHORT, Order.Status.READY, Order.Status.RELEASED, Order.Status.PICKING,
    Order.Status.PICKED, Order.Status.PACKED,
)  # fmt: skip
CANCELLABLE = frozenset(OPEN)
DUE = {"late": gettext_lazy("late"), "4h": gettext_lazy("within 4 hours"), "today": gettext_lazy("within 24 hours")}
_DUE_WITHIN = {"late": timedelta(), "4h": timedelta(hours=4), "today": timedelta(hours=24)}


def _wanted(request: HttpRequest) -> QuerySet[Order]:
    """The filters, each on an index: open orders by ship-by, a reference or tracking number, or the newest of all."""
    rows = Order.objects.visible_to(request.user).select_related("merchant", "wave", "warehouse")
    state = request.GET.get("state") or "open"
    merchant = desk.clean(request.GET.get("merchant"))
    # Nobody works for those in the sandbox: who wants to see theirs asks for the merchant.
    rows = rows.filter(merchant__code=merchant) if merchant else rows.filter(merchant__sandbox=False)
    if warehouse := desk.clean(request.GET.get("warehouse")):
        rows = rows.filter(warehouse__code=warehouse)
    if text := desk.clean(request.GET.get("q")):
        tracked = list(Parcel.objects.filter(tracking_number=text).values_list("order_id", flat=True))
        if tracked:
            return rows.filter(pk__in=tracked).order_by("pk")
        # A range of the unique key of merchant and reference: as quick among a million orders as among ten.
        merchants = list(Merchant.objects.values_list("pk", flat=True))
        bounds = {"reference__gte": text, "reference__lt": f"{text}\U0010ffff", "reference__startswith": text}
        return rows.filter(merchant__in=merchants, **bounds).order_by("merchant_id", "reference")
    if state == "open":
        rows = rows.filter(status__in=OPEN)
    elif state in Order.Status.values:
        rows = rows.filter(status=state)
    within = _DUE_WITHIN.get(request.GET.get("due", ""))
    if within is not None:
        rows = rows.filter(status__in=OPEN, ship_by__lt=timezone.now() + within)
    return rows.order_by("ship_by", "pk") if state == "open" or state in OPEN else rows.order_by("-pk")


@desk.page
def orders(request: HttpRequest) -> HttpResponse:
    page = desk.Page(_wanted(request), request)
    return render(
        request,
        "outbound/desk/orders.html",
        {
            "page": page,
            "headroom": clock.headroom_of([order.pk for order in page]),
            "holds": holds.of_orders([order.pk for order in page]),
            "state": request.GET.get("state") or "open",
            "states": Order.Status.choices,
            "dues": DUE.items(),
            "merchants": Merchant.objects.all(),
            "warehouses": Warehouse.objects.filter(active=True),
        },
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of an order's story."""

    at: datetime
    text: str
    tone: str = ""
    by: str = ""


def _find(request: HttpRequest, order_id: int) -> Order:
    """Raises NotFound, and PermissionDenied: an order shows a buyer's name and address."""
    desk.need(request, "outbound.view_order")
    order = (
        Order.objects.visible_to(request.user)
        .select_related("merchant", "warehouse", "ship_to", "wave__by", "tote")
        .filter(pk=order_id)
        .first()
    )
    if order is None:
        raise NotFound(what=str(Order._meta.verbose_name), key=order_id)
    desk.clock(order.warehouse.zone_info)
    return order


@desk.page
def order(request: HttpRequest, order_id: int) -> HttpResponse:
    found = _find(request, order_id)
    tasks = list(found.tasks.select_related("bin", "sku", "lot", "tote", "picker").order_by("walking_sequence", "pk"))
    parcels = list(found.parcels.select_related("packed_by", "stage").order_by("number"))
    # Only open ones have an index to be found by; a finished put-back is in the ledger of its sku.
    put_backs = list(
        PutBackTask.objects.filter(warehouse=found.warehouse, merchant=found.merchant, status="open", document=f"order {found.reference}")
        .select_related("bin", "sku")
        .order_by("pk")
    )
    contents = papers.parcel_contents(parcels)
    return render(
        request,
        "outbound/desk/order.html",
        {
            "order": found,
            "headroom": clock.headroom_of([found.pk]).get(found.pk),
            "hold": holds.of_orders([found.pk]).get(found.pk),
            "lines": found.lines.select_related("sku").order_by("number"),
            "tasks": tasks,
            "parcels": [(parcel, contents.get(parcel.pk, [])) for parcel in parcels],
            "put_backs": put_backs,
            "ship_to": papers.ship_to(found),
            "erased_on": papers.erased_on(found),
            "story": story(found, tasks, parcels),
            "can_cancel": found.status in CANCELLABLE,
        },
    )


def story(order: Order, tasks: list[PickTask], parcels: list[Parcel]) -> list[Moment]:
    """What happened to the order, oldest first, out of its wave, tasks and parcels."""
    moments = [Moment(order.created_at, _("accepted"))]
    if order.wave is not None:
        moments.append(Moment(order.wave.created_at, _("released with wave %(wave)s") % {"wave": order.wave}, by=str(order.wave.by)))
    for task in tasks:
        if task.picked_at is None:
            continue
        words = {"quantity": task.quantity, "sku": task.sku.code, "bin": task.bin.code, "tote": task.tote.code if task.tote else "–"}
        text = _("picked %(quantity)d × %(sku)s from %(bin)s into %(tote)s") % words
        if task.status == PickTask.Status.DROPPED:
            moments.append(Moment(task.picked_at, _("%(text)s, then sent back") % {"text": text}, "bad", str(task.picker or "")))
        else:
            moments.append(Moment(task.picked_at, text, by=str(task.picker or "")))
    for parcel in parcels:
        words = {"parcel": parcel.tracking_number}
        packed = (
            _("packed into parcel %(parcel)s, although its shop had said something else")
            if parcel.despite
            else _("packed into parcel %(parcel)s")
        )
        moments.append(Moment(parcel.packed_at, packed % words, "bad" if parcel.despite else "", str(parcel.packed_by)))
        if parcel.shipped_at:
            moments.append(Moment(parcel.shipped_at, _("parcel %(parcel)s shipped") % words, "good"))
    if order.status == Order.Status.CANCELLED:
        moments.append(Moment(order.updated_at, _("cancelled"), "bad"))
    elif order.status == Order.Status.SHORT:
        moments.append(Moment(order.updated_at, _("short: waits for goods"), "bad"))
    return sorted(moments, key=lambda moment: moment.at)


@desk.action(shows=order, permission="outbound.cancel_order")
def cancel(request: HttpRequest, order_id: int) -> HttpResponse:
    _find(request, order_id)
    cancellation.cancel(order_id=order_id, by=desk.actor(request))
    return desk.done(request, _("The order is cancelled."), "desk:order", order_id=order_id)


@desk.page
def packing_slip(request: HttpRequest, order_id: int) -> HttpResponse:
    return desk.pdf(papers.packing_slip(_find(request, order_id)), f"packing-slip-{order_id}")


@desk.page
def return_label(request: HttpRequest, order_id: int) -> HttpResponse:
    return desk.pdf(papers.return_label(_find(request, order_id)), f"return-{order_id}")


@desk.page
def labels(request: HttpRequest, order_id: int) -> HttpResponse:
    """The labels of all parcels of the order that count."""
    found = _find(request, order_id)
    parcels = found.parcels.exclude(status=Parcel.Status.VOID).select_related("order__ship_to", "warehouse").order_by("number")
    return desk.pdf(papers.parcel_labels(list(parcels)), f"labels-{order_id}")
