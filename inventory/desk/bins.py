"""Bins: what they hold, what came and went, counting them, and making them from a pattern."""

from __future__ import annotations

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inventory import bins as floor
from inventory import counts
from inventory.desk import imports
from inventory.models import Bin, BinKind, StockBalance, StockMovement, Warehouse, Zone
from wms.core import desk
from wms.core.errors import NotFound


@desk.page
def bins(request: HttpRequest) -> HttpResponse:
    """Filters: q (the code's beginning), kind, warehouse. Along the walk."""
    rows = Bin.objects.select_related("warehouse", "zone")
    if warehouse := desk.clean(request.GET.get("warehouse")):
        rows = rows.filter(warehouse__code=warehouse)
    if kind := desk.clean(request.GET.get("kind")):
        rows = rows.filter(kind=kind)
    if text := desk.clean(request.GET.get("q")):
        rows = rows.filter(code__startswith=text.upper())
    page = desk.Page(rows.order_by("warehouse_id", "walking_sequence", "pk"), request, size=100)
    held = {
        row["bin"]: row
        for row in StockBalance.objects.visible_to(request.user)
        .filter(bin__in=[bin.pk for bin in page], on_hand__gt=0)
        .values("bin")
        .annotate(skus=Count("sku", distinct=True), units=Sum("on_hand"), reserved=Sum("reserved"))
    }
    return render(
        request,
        "inventory/desk/bins.html",
        {
            "page": page,
            "held": held,
            "kinds": BinKind.choices,
            "warehouses": Warehouse.objects.filter(active=True),
            "zones": Zone.objects.values_list("code", flat=True).distinct().order_by("code"),
        },
    )


@desk.page
def bin(request: HttpRequest, bin_id: int) -> HttpResponse:
    found = _find(bin_id)
    balances = (
        StockBalance.objects.visible_to(request.user)
        .filter(bin=found, on_hand__gt=0)
        .select_related("sku", "merchant", "lot", "carton")
        .order_by("merchant__code", "sku__code", "pk")
    )
    moves = StockMovement.objects.visible_to(request.user).filter(bin=found).select_related("sku", "merchant", "lot", "by", "carton")
    return render(
        request,
        "inventory/desk/bin.html",
        {
            "bin": found,
            "balances": balances[:500],
            "page": desk.Newest(moves, request),
            "countable": found.kind not in (BinKind.TOTE, BinKind.STAGING),
        },
    )


def _find(bin_id: int) -> Bin:
    found = Bin.objects.select_related("warehouse", "zone").filter(pk=bin_id).first()
    if found is None:
        raise NotFound(what=str(Bin._meta.verbose_name), key=bin_id)
    desk.clock(found.warehouse.zone_info)
    return found


@desk.action(shows=bin, permission="inventory.change_stockbalance")
def count(request: HttpRequest, bin_id: int) -> HttpResponse:
    """Fields: balance (its id), counted (base units)."""
    answer = book_count(request)
    return desk.done(request, _("Counted: %(before)d before, %(after)d now.") % answer, "desk:bin", bin_id=bin_id)


def book_count(request: HttpRequest) -> counts.Counted:
    key = desk.whole_number(request.POST.get("balance"), most=2**62)
    balance = StockBalance.objects.visible_to(request.user).filter(pk=key).first()
    if balance is None:
        raise NotFound(what=str(StockBalance._meta.verbose_name), key=key)
    return counts.count(
        bin_id=balance.bin_id,
        sku_id=balance.sku_id,
        counted=desk.whole_number(request.POST.get("counted")),
        by=desk.actor(request),
        lot_id=balance.lot_id,
        condition=balance.condition,
        carton_id=balance.carton_id,
    )


@desk.action(shows=bins, permission="inventory.add_bin")
def generate(request: HttpRequest) -> HttpResponse:
    """Fields: warehouse (code), pattern, zone, kind."""
    warehouse = imports.chosen_warehouse(request)
    if warehouse is None:
        raise desk.field_error("warehouse", _("Unknown warehouse."))
    kind = request.POST.get("kind") or BinKind.STORAGE.value
    if kind not in BinKind.values:
        raise desk.field_error("kind", _("Unknown kind of bin."))
    made = floor.generate(
        warehouse=warehouse,
        pattern=desk.clean(request.POST.get("pattern"), 200),
        zone=desk.clean(request.POST.get("zone"), 20),
        kind=BinKind(kind),
    )
    return desk.done(request, ngettext("%(count)d bin made.", "%(count)d bins made.", len(made)) % {"count": len(made)}, "desk:bins")
