"""What several forms about channels ask for."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from inventory.models import Warehouse
from marketplaces.models import Channel
from wms.core import desk


def warehouses(request: HttpRequest, field: str) -> list[Warehouse]:
    """By their codes, with spaces or commas between them, in the order in which they are written."""
    codes = desk.clean(request.POST.get(field), 500).replace(",", " ").split()
    found = {house.code: house for house in Warehouse.objects.filter(code__in=codes, active=True)}
    if unknown := [code for code in codes if code not in found]:
        raise desk.field_error(field, _("There is no warehouse %(code)s.") % {"code": unknown[0]})
    return [found[code] for code in codes]


def routing(request: HttpRequest) -> str:
    wanted = request.POST.get("routing") or Channel.Routing.FALLBACK
    if wanted not in Channel.Routing.values:
        raise desk.field_error("routing", _("Choose one of the list."))
    return wanted
