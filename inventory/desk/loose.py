"""Loose ends: goods of stopped orders that wait to be put back, and goods that are missing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from inventory import counts, put_back
from inventory.models import Bin, BinKind, PutBackTask, StockBalance, Warehouse
from wms.core import desk
from wms.core.errors import NotFound


@desk.page
def put_backs(request: HttpRequest) -> HttpResponse:
    houses = list(Warehouse.objects.filter(sandbox=False).values_list("pk", flat=True))
    rows = (
        PutBackTask.objects.visible_to(request.user)
        .filter(warehouse__in=houses, status=PutBackTask.Status.OPEN)
        .select_related("warehouse", "merchant", "bin", "sku", "lot")
        .order_by("warehouse", "bin__code", "pk")
    )
    return render(request, "inventory/desk/put_backs.html", {"page": desk.Page(rows, request)})


@desk.action(shows=put_backs, permission="inventory.change_putbacktask")
def done(request: HttpRequest, task_id: int) -> HttpResponse:
    """Field: bin (the code of the storage bin that the goods lie in now)."""
    if not PutBackTask.objects.visible_to(request.user).filter(pk=task_id).exists():
        raise NotFound(what=str(PutBackTask._meta.verbose_name), key=task_id)
    answer = put_back.put_back(task_id=task_id, bin_code=desk.clean(request.POST.get("bin")).upper(), by=desk.actor(request))
    return desk.done(request, _("%(quantity)d units are back in stock.") % answer, "desk:put_backs")


def _missing(request: HttpRequest) -> HttpResponse:
    rows = (
        StockBalance.objects.visible_to(request.user)
        .filter(bin__kind=BinKind.LOST, bin__in=_lost_bins(), on_hand__gt=0)
        .select_related("warehouse", "merchant", "sku", "lot", "carton", "bin")
        .order_by("-since", "pk")
    )
    return render(request, "inventory/desk/missing.html", {"page": desk.Page(rows, request)})


def _lost_bins() -> list[int]:
    houses = list(Warehouse.objects.filter(sandbox=False).values_list("pk", flat=True))
    return list(Bin.objects.filter(warehouse__in=houses, kind=BinKind.LOST).values_list("pk", flat=True))


missing = desk.page(_missing)


@desk.action(shows=missing, permission="inventory.change_stockbalance")
def write_off(request: HttpRequest, balance_id: int) -> HttpResponse:
    """Nobody looks for these goods any longer: they leave the books. Where they turn up again, a count brings them back in. No fields."""
    balance = StockBalance.objects.visible_to(request.user).filter(pk=balance_id, bin__kind=BinKind.LOST).first()
    if balance is None:
        raise NotFound(what=str(StockBalance._meta.verbose_name), key=balance_id)
    answer = counts.count(
        bin_id=balance.bin_id,
        sku_id=balance.sku_id,
        counted=0,
        by=desk.actor(request),
        lot_id=balance.lot_id,
        condition=balance.condition,
        carton_id=balance.carton_id,
    )
    return desk.done(request, _("%(before)d units are written off.") % answer, "desk:missing")
