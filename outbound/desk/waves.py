"""Waves: what is ready by cut-off, the release, and how far each wave is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Max, Min, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from inventory.desk.warehouse import page_warehouse
from inventory.models import Warehouse
from outbound import holds, papers
from outbound import waves as floor
from outbound.desk.held import ON_THE_FLOOR, held_in
from outbound.models import Order, PickTask, Wave
from wms.core import desk
from wms.core.cells import EARLIEST_YEAR, LATEST_YEAR
from wms.core.errors import NotFound

PROGRESS = ("total", "out", "packed", "picked", "cancelled")


@desk.page
def waves(request: HttpRequest) -> HttpResponse:
    warehouse = page_warehouse(request)
    page = desk.Newest(Wave.objects.filter(warehouse=warehouse).select_related("by"), request, size=20)
    orders = Order.objects.visible_to(request.user).filter(warehouse=warehouse)
    held = held_in(warehouse, orders)
    ready = orders.filter(status=Order.Status.READY).exclude(pk__in=held.ready)
    return render(
        request,
        "outbound/desk/waves.html",
        {
            "page": page,
            "progress": progress(page.rows),
            "ready": list(ready.values("ship_by").annotate(orders=Count("pk"), units=Sum("unit_count")).order_by("ship_by")[:12]),
            "held": held,
            "warehouse": warehouse,
            "warehouses": Warehouse.objects.filter(active=True),
            "most": floor.WAVE_MAX,
        },
    )


def progress(waves: Iterable[Wave]) -> dict[int, dict[str, int]]:
    """By wave id: orders in all, shipped, packed, picked, cancelled and gone (shipped or cancelled), in one statement.

    All zero for a wave that every order has left again, because its goods were missing.
    """
    keys = [wave.pk for wave in waves]
    rows = (
        Order.objects.filter(wave__in=keys)
        .values_list("wave")
        .annotate(
            total=Count("pk"),
            out=Count("pk", filter=Q(status__in=["shipped", "carrier_scanned", "delivered"])),
            packed=Count("pk", filter=Q(status="packed")),
            picked=Count("pk", filter=Q(status="picked")),
            cancelled=Count("pk", filter=Q(status="cancelled")),
        )
        .values_list("wave", *PROGRESS)
    )
    found = {key: counts for key, *counts in rows}
    progress = {key: dict(zip(PROGRESS, found.get(key, [0] * len(PROGRESS)), strict=True)) for key in keys}
    return {key: {**counts, "gone": counts["out"] + counts["cancelled"]} for key, counts in progress.items()}


@desk.action(shows=waves, permission="outbound.release_wave")
def release(request: HttpRequest) -> HttpResponse:
    """Fields: warehouse (code), until (a time, blank = whatever its ship-by), most (blank = as many as fit into a wave), order ("clock" or blank)."""
    warehouse = page_warehouse(request)
    until = _moment(request.POST.get("until"), warehouse)
    most = desk.whole_number(request.POST.get("most"), default=floor.WAVE_MAX)
    by_clock = request.POST.get("order") == "clock"
    made = floor.release(warehouse_id=warehouse.pk, by=desk.actor(request), until=until, most=max(1, most), by_clock=by_clock)
    message = _("Wave W%(wave)d is on the floor: %(orders)d orders, %(tasks)d stops.") % {
        "wave": made["wave_id"], "orders": made["orders"], "tasks": made["tasks"],
    }  # fmt: skip
    if made["unbound"]:
        message += " " + _("%(count)d orders stay ready: their goods lie in no storage bin just now.") % {"count": len(made["unbound"])}
    return desk.done(request, message, "desk:wave", wave_id=made["wave_id"])


@desk.page
def manifest(request: HttpRequest) -> HttpResponse:
    """What stands on the stage of a warehouse, for the carrier's driver to sign: warehouse (code), carrier, media."""
    desk.need(request, "outbound.view_order")
    media, carrier = desk.clean(request.GET.get("media"), 40), desk.clean(request.GET.get("carrier"), 30)
    return desk.pdf(papers.manifest(page_warehouse(request), carrier, media), "manifest")


@desk.page
def pick_list(request: HttpRequest, wave_id: int) -> HttpResponse:
    """The stops that are still open, on paper: media."""
    found = Wave.objects.select_related("warehouse").filter(pk=wave_id).first()
    if found is None:
        raise NotFound(what=str(Wave._meta.verbose_name), key=wave_id)
    return desk.pdf(papers.pick_list(found, desk.clean(request.GET.get("media"), 40)), f"pick-list-{found}")


def _moment(text: str | None, warehouse: Warehouse) -> datetime | None:
    """An ISO time; without an offset it is meant in the warehouse's time zone."""
    if not text:
        return None
    try:
        moment = parse_datetime(text.strip())
    except ValueError:
        moment = None
    # At the edge of the calendar another time zone's clock has no such day: nobody could read it back.
    if moment is None or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise desk.field_error("until", _("This is not a time."))
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=warehouse.zone_info)


@desk.page
def wave(request: HttpRequest, wave_id: int) -> HttpResponse:
    found = Wave.objects.select_related("by", "warehouse").filter(pk=wave_id).first()
    if found is None:
        raise NotFound(what=str(Wave._meta.verbose_name), key=wave_id)
    desk.clock(found.warehouse.zone_info)
    page = desk.Page(
        Order.objects.visible_to(request.user).filter(wave=found).select_related("merchant", "warehouse", "tote").order_by("ship_by", "pk"),
        request,
    )
    held = holds.in_warehouse(found.warehouse_id, *ON_THE_FLOOR)
    pickers = (
        PickTask.objects.filter(wave=found, status__in=["open", "picked", "packed"])
        .values("picker__username")
        .annotate(
            total=Count("pk"),
            left=Count("pk", filter=Q(status="open")),
            held=Count("pk", filter=Q(status="open", picker=None, order__in=list(held))),
            units=Sum("quantity"),
            first=Min("picked_at"),
            last=Max("picked_at"),
        )
        .order_by("picker__username")
    )
    totals = progress([found])[found.pk]
    stops = list(pickers)
    return render(
        request,
        "outbound/desk/wave.html",
        {
            "wave": found,
            "page": page,
            "holds": held,
            "totals": totals,
            "pickers": stops,
            "stops": sum(row["total"] for row in stops),
            "stops_left": sum(row["left"] for row in stops),
        },
    )
