"""Stock: what each sku has, what is promised and what is on its way; one sku with its places and its ledger."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from inbound.models import AsnLine
from inbound.stock import EXPECTED
from inventory.desk.bins import book_count
from inventory.desk.warehouse import page_warehouse
from inventory.models import Availability, Barcode, BinKind, Sku, StockBalance, StockMovement, Warehouse
from wms.core import desk
from wms.core.errors import NotFound
from wms.core.models import Merchant


def incoming(warehouse: Warehouse, sku_ids: list[int]) -> dict[int, int]:
    """Units announced and not counted in yet, by sku id."""
    rows = (
        AsnLine.objects.filter(sku__in=sku_ids, warehouse=warehouse, quantity__gt=F("received"), asn__status__in=EXPECTED)
        .values("sku")
        .annotate(units=Sum(F("quantity") - F("received")))
    )
    return {row["sku"]: row["units"] for row in rows}


@desk.page
def stock(request: HttpRequest) -> HttpResponse:
    """Filters: q (code, name or barcode), merchant, show (backordered, negative), warehouse."""
    warehouse = page_warehouse(request)
    rows = Sku.objects.visible_to(request.user).select_related("merchant")
    if merchant := desk.clean(request.GET.get("merchant")):
        rows = rows.filter(merchant__code=merchant)
    if text := desk.clean(request.GET.get("q")):
        by_barcode = Barcode.objects.filter(code=text).values("sku_id")
        rows = rows.filter(Q(code__istartswith=text) | Q(name__icontains=text) | Q(name_zh__icontains=text) | Q(pk__in=by_barcode))
    show = request.GET.get("show", "")
    if show == "backordered":
        rows = rows.filter(availability__warehouse=warehouse, availability__backordered__gt=0)
    elif show == "negative":
        rows = rows.filter(availability__warehouse=warehouse, availability__on_hand__lt=F("availability__committed"))
    page = desk.Page(rows.order_by("merchant_id", "code"), request)
    keys = [sku.pk for sku in page]
    return render(
        request,
        "inbound/desk/stock.html",
        {
            "page": page,
            "warehouse": warehouse,
            "warehouses": Warehouse.objects.filter(active=True),
            "merchants": Merchant.objects.all(),
            "availability": {row.sku_id: row for row in Availability.objects.filter(warehouse=warehouse, sku__in=keys)},
            "incoming": incoming(warehouse, keys),
            "show": show,
        },
    )


def _find(request: HttpRequest, sku_id: int) -> Sku:
    found = Sku.objects.visible_to(request.user).select_related("merchant").filter(pk=sku_id).first()
    if found is None:
        raise NotFound(what=str(Sku._meta.verbose_name), key=sku_id)
    return found


@desk.page
def sku(request: HttpRequest, sku_id: int) -> HttpResponse:
    found, warehouse = _find(request, sku_id), page_warehouse(request)
    balances = (
        StockBalance.objects.filter(sku=found, warehouse=warehouse, on_hand__gt=0)
        .select_related("bin", "lot", "carton")
        .order_by("bin__walking_sequence", "bin__code", "pk")
    )
    moves = StockMovement.objects.filter(sku=found, warehouse=warehouse).select_related("bin", "lot", "by", "carton")
    return render(
        request,
        "inbound/desk/sku.html",
        {
            "sku": found,
            "warehouse": warehouse,
            "warehouses": Warehouse.objects.filter(active=True),
            "balances": balances[:500],
            "availability": Availability.objects.filter(warehouse=warehouse, sku=found).first(),
            "incoming": incoming(warehouse, [found.pk]).get(found.pk, 0),
            "barcodes": found.barcodes.order_by("pk"),
            "page": desk.Newest(moves, request),
            "uncountable": (BinKind.TOTE, BinKind.STAGING),
        },
    )


@desk.action(shows=sku, permission="inventory.change_stockbalance")
def count(request: HttpRequest, sku_id: int) -> HttpResponse:
    """Fields: balance (its id), counted (base units), warehouse (the page's, by its code)."""
    answer: Any = book_count(request)
    here = {"warehouse": page_warehouse(request).code}
    return desk.done(request, _("Counted: %(before)d before, %(after)d now.") % answer, "desk:sku", query=here, sku_id=sku_id)
