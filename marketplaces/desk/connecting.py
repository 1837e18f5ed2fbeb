"""A shop is connected, or gets other keys, and is tried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inventory.models import Warehouse
from marketplaces import adapters, leaving, trying
from marketplaces import channels as shops
from marketplaces.desk import asked
from marketplaces.desk.channels import channel
from marketplaces.desk.finding import find_connected
from marketplaces.models import Channel
from wms.core import desk
from wms.core.errors import InvalidInput
from wms.core.models import Merchant


def _form(request: HttpRequest) -> HttpResponse:
    markets = [
        (
            name,
            adapters.adapter(name).NAME,
            adapters.adapter(name).EXAMPLE,
            asked.entered_keys(name, request.POST, f"{name}."),
        )
        for name in adapters.names()
    ]
    return render(
        request,
        "marketplaces/desk/connect.html",
        {
            "markets": markets,
            "merchants": Merchant.objects.filter(active=True),
            "warehouses": Warehouse.objects.filter(active=True),
            "routings": Channel.Routing.choices,
        },
    )


form = desk.page(_form)


@desk.action(shows=form, permission="marketplaces.add_channel")
def connect(request: HttpRequest) -> HttpResponse:
    """Fields: merchant, warehouse (codes), adapter, name, base_url, the adapter's credentials by their own names; perhaps further (codes of
    more warehouses), routing, code, buffer.
    """
    merchant = Merchant.objects.filter(code=desk.clean(request.POST.get("merchant")), active=True).first()
    warehouse = Warehouse.objects.filter(code=desk.clean(request.POST.get("warehouse")), active=True).first()
    name = desk.clean(request.POST.get("name"), 100)
    base_url = desk.clean(request.POST.get("base_url"), 300)
    adapter = desk.clean(request.POST.get("adapter"), 30)
    credentials = _credentials(request, adapter)
    entered = {"merchant": merchant, "warehouse": warehouse, "name": name, "adapter": adapter, "base_url": base_url}
    _need_all(entered, adapter, credentials)
    assert merchant is not None
    assert warehouse is not None
    made = shops.connect(
        merchant=merchant,
        warehouse=warehouse,
        further=asked.warehouses(request, "further"),
        routing=asked.routing(request),
        adapter=adapter,
        base_url=base_url,
        credentials=credentials,
        name=name,
        code=desk.clean(request.POST.get("code"), 20),
        buffer=desk.whole_number(buffer) if (buffer := desk.clean(request.POST.get("buffer"))) else None,
        alone=True,
    )
    return _tried(request, made, _("The channel is connected. Fetch its listings next."), _saved)


def _need_all(entered: Mapping[str, object], adapter: str, credentials: Mapping[str, str]) -> None:
    """Raises InvalidInput that names all that is missing, keys by what people call them; where only keys are, connect() says so."""
    if missing := [field for field, value in entered.items() if not value]:
        keys = [key.label for key in (adapters.keys(adapter) if adapter else ()) if key.needed and not credentials[key.name]]
        raise InvalidInput([{"path": [field], "message": _("This is needed.")} for field in (*missing, *keys)])


def _tried(request: HttpRequest, channel: Channel, well: str, ill: Callable[[str], str]) -> HttpResponse:
    """`well` is said where the shop works, what `ill` makes of the problem where it does not."""
    if problem := trying.try_out(channel=channel):
        return desk.warned(request, ill(problem), "desk:channel", channel_id=channel.pk)
    return desk.done(request, well, "desk:channel", channel_id=channel.pk)


def _saved(problem: str) -> str:
    """What was entered is kept whatever the shop says of it: it may be right, and the shop in trouble."""
    return _("The channel is saved, but its shop does not work with it yet. %(problem)s") % {"problem": problem}


def _as_it_is(problem: str) -> str:
    return _("The shop does not work yet. %(problem)s") % {"problem": problem}


def _credentials(request: HttpRequest, adapter: str) -> dict[str, str]:
    """Keys by their own names, or as "adapter.name": the form has fields for all marketplaces, of which only the chosen one's are seen."""
    names = [key.name for key in adapters.keys(adapter)] if adapter else []
    return {name: (request.POST.get(f"{adapter}.{name}") or request.POST.get(name) or "").strip()[:2000] for name in names}


@require_http_methods(["GET", "POST"])
def form_or_connect(request: HttpRequest) -> HttpResponse:
    return connect(request) if request.method == "POST" else form(request)


@desk.action(shows=channel, permission="marketplaces.change_channel")
def change_keys(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Fields: the adapter's keys by their own names, perhaps base_url."""
    found = find_connected(request, channel_id)
    base_url = desk.clean(request.POST.get("base_url"), 300) or None
    if shops.change_credentials(channel=found, credentials=_credentials(request, found.adapter), base_url=base_url):
        messages.warning(request, str(leaving.OLD_SHOP))
    return _tried(request, found, _("The keys are changed."), _saved)


@desk.action(shows=channel, permission="marketplaces.change_channel")
def try_out(request: HttpRequest, channel_id: int) -> HttpResponse:
    return _tried(request, find_connected(request, channel_id), _("The shop answers, and grants all that is needed."), _as_it_is)
