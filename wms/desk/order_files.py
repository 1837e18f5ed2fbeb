"""Order files with any header, read through a column mapping that is kept under a name for each merchant."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inventory.desk import imports
from inventory.models import Warehouse
from wms.core import desk
from wms.core.models import Merchant
from wms.operations import order_files
from wms.operations.models import ColumnMapping


class _Shown:
    """What the form shares with the other files."""

    title = gettext_lazy("Orders")
    says = gettext_lazy("Rows with one reference are the lines of one order. The same file again changes nothing.")


@desk.page
def form(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "core/desk/import_orders.html",
        {
            "chosen": _Shown,
            "action": request.path,
            "fields": [(name, f"column.{name}", request.POST.get(f"column.{name}", "")) for name in order_files.COLUMNS.aliases],
            "required": order_files.COLUMNS.required,
            "merchants": Merchant.objects.filter(active=True),
            "warehouses": Warehouse.objects.filter(active=True),
            "saved": ColumnMapping.objects.select_related("merchant").order_by("merchant__code", "name")[:200],
        },
    )


@desk.action(shows=form, permission="outbound.accept_order")
def upload(request: HttpRequest) -> HttpResponse:
    """Fields: merchant, warehouse (codes), file; mapping (the name of a saved one), column.<field>, save_as (a name to keep it under)."""
    merchant = imports.chosen_merchant(request)
    if merchant is None:
        raise desk.field_error("merchant", _("Choose the merchant."))
    file, warehouse = imports.uploaded(request), imports.chosen_warehouse(request)
    saved = desk.clean(request.POST.get("mapping"), 50)
    columns = order_files.saved_mapping(merchant=merchant, name=saved) if saved else {}
    columns |= imports.mapping(request, order_files.COLUMNS)
    if save_as := desk.clean(request.POST.get("save_as"), 60):
        order_files.save_mapping(merchant=merchant, name=save_as, columns=columns)
    answer = order_files.import_orders(merchant=merchant, content=file.read(), name=file.name or "", warehouse=warehouse, mapping=columns)
    words = {
        "orders": answer.orders,
        "ready": answer.statuses.get("ready", 0),
        "short": answer.statuses.get("short", 0),
        "repeated": answer.repeated,
    }
    message = _("%(orders)d orders read: %(ready)d ready, %(short)d short, %(repeated)d known before.") % words
    return desk.done(request, message, "desk:import_orders")


@require_http_methods(["GET", "POST"])
def form_or_upload(request: HttpRequest) -> HttpResponse:
    return upload(request) if request.method == "POST" else form(request)
