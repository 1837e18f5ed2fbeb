"""Master data files: skus, bins and opening stock. Everything of a file or nothing; every bad row is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from inventory import master_data, opening_stock
from inventory.models import Warehouse
from wms.core import desk
from wms.core.cells import Columns
from wms.core.models import Merchant


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of file. `asks` are the fields of the form beside the file."""

    title: Any
    says: Any
    columns: Columns
    run: Callable[..., master_data.Imported]
    permission: str
    asks: tuple[str, ...]
    needs_by: bool = False


KINDS: Mapping[str, Kind] = {
    "skus": Kind(
        gettext_lazy("Skus"),
        gettext_lazy("Codes, names, sizes, weights, HS codes and barcodes. Known skus are changed, new ones made."),
        master_data.SKUS,
        master_data.import_skus,
        "inventory.add_sku",
        ("merchant",),
    ),
    "bins": Kind(
        gettext_lazy("Bins"),
        gettext_lazy("Codes with zone, kind and walking sequence. Check codes are made where the file has none."),
        master_data.BINS,
        master_data.import_bins,
        "inventory.add_bin",
        ("warehouse",),
    ),
    "opening-stock": Kind(
        gettext_lazy("Opening stock"),
        gettext_lazy("What lies where on the first day. Unknown skus are made; an empty bin takes a suggested one."),
        opening_stock.COLUMNS,
        opening_stock.import_opening_stock,
        "inventory.change_stockbalance",
        ("merchant", "warehouse"),
        needs_by=True,
    ),
}


@desk.page
def imports(request: HttpRequest) -> HttpResponse:
    return render(request, "inventory/desk/imports.html", {"kinds": KINDS.items()})


def _form(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in KINDS:
        raise Http404
    chosen = KINDS[kind]
    return render(
        request,
        "inventory/desk/import.html",
        {
            "kind": kind,
            "chosen": chosen,
            "action": request.path,
            "fields": [(name, f"column.{name}", request.POST.get(f"column.{name}", "")) for name in chosen.columns.aliases],
            "required": chosen.columns.required,
            "merchants": Merchant.objects.filter(active=True) if "merchant" in chosen.asks else None,
            "warehouses": Warehouse.objects.filter(active=True) if "warehouse" in chosen.asks else None,
        },
    )


form = desk.page(_form)


def uploaded(request: HttpRequest) -> UploadedFile[bytes]:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise desk.field_error("file", _("Choose a file."))
    return file


def mapping(request: HttpRequest, known: Columns) -> dict[str, str]:
    """The columns that the form named itself: `column.<field>` = the header in the file."""
    return {name: text for name in known.aliases if (text := desk.clean(request.POST.get(f"column.{name}"), 200))}


def chosen_merchant(request: HttpRequest) -> Merchant | None:
    code = desk.clean(request.POST.get("merchant"))
    found = Merchant.objects.filter(code=code, active=True).first() if code else None
    if code and found is None:
        raise desk.field_error("merchant", _("Unknown merchant."))
    return found


def chosen_warehouse(request: HttpRequest) -> Warehouse | None:
    code = desk.clean(request.POST.get("warehouse"))
    found = Warehouse.objects.filter(code=code, active=True).first() if code else None
    if code and found is None:
        raise desk.field_error("warehouse", _("Unknown warehouse."))
    return found


@desk.action(shows=form)
def upload(request: HttpRequest, kind: str) -> HttpResponse:
    """Fields: file; merchant, warehouse (codes, where the file has no such column); column.<field>."""
    if kind not in KINDS:
        raise Http404
    chosen = KINDS[kind]
    desk.need(request, chosen.permission)
    file = uploaded(request)
    arguments: dict[str, Any] = {"content": file.read(), "name": file.name or "", "mapping": mapping(request, chosen.columns)}
    if "merchant" in chosen.asks:
        arguments["merchant"] = chosen_merchant(request)
    if "warehouse" in chosen.asks:
        arguments["warehouse"] = chosen_warehouse(request)
    if chosen.needs_by:
        arguments["by"] = desk.actor(request)
    answer = chosen.run(**arguments)
    words = {"rows": answer.rows, "created": answer.created, "changed": answer.changed}
    return desk.done(request, _("%(rows)d rows read: %(created)d made, %(changed)d changed.") % words, "desk:import", kind=kind)


@require_http_methods(["GET", "POST"])
def form_or_upload(request: HttpRequest, kind: str) -> HttpResponse:
    return upload(request, kind=kind) if request.method == "POST" else form(request, kind=kind)
