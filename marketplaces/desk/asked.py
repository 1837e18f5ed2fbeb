"""What several forms about channels ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from inventory.models import Warehouse
from marketplaces import adapters
from marketplaces.models import Channel
from wms.core import desk


@dataclass(frozen=True, slots=True)
class Entered:
    """A marketplace's key in a form that comes back: under its `field` with the `value` that was typed. A secret that was typed is asked for `again`."""

    key: adapters.Key
    field: str
    value: str
    again: bool


def entered_keys(adapter: str, typed: Mapping[str, Any], prefix: str = "") -> list[Entered]:
    """Secrets are not sent back: the page may be kept by a browser, a proxy or a picture of it."""
    values = [(key, f"{prefix}{key.name}", typed.get(f"{prefix}{key.name}", "")) for key in adapters.keys(adapter)]
    return [Entered(key, field, "" if key.secret else value, key.secret and bool(value)) for key, field, value in values]


def open_orders(channel: Channel) -> str:
    """The page of its orders that are to be sent."""
    return reverse("desk:orders", query={"state": "open", "merchant": channel.merchant.code, "q": f"{channel.code}-"})


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
