"""Which station somebody works at: scanned or chosen on the handheld, and kept in the session."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from labels import stations
from labels.models import Station
from wms.core.floor.scenario import STATION, WAREHOUSE, clean
from wms.core.permissions import requires

SHOWN = 60


@never_cache
@require_http_methods(["GET", "POST"])
@requires()
def choose_station(request: HttpRequest) -> HttpResponse:
    """GET: the choice. POST `scan` or `station` (a station's code): remembered in the session; "-" leaves the station."""
    warehouse_id = request.session.get(WAREHOUSE)
    if not isinstance(warehouse_id, int):
        return redirect(f"/floor/warehouse?next={request.path}")
    unknown = ""
    if request.method == "POST":
        code = clean(request.POST.get("scan") or request.POST.get("station", ""), 20)
        if code == "-":
            leave(request)
            return redirect("floor:menu")
        found = stations.find(code=code, warehouse_id=warehouse_id)
        if found is not None:
            request.session[STATION] = found.pk
            request.session[f"{STATION}_code"] = found.code
            going_on = request.POST.get("next", "")
            return redirect(going_on if going_on.startswith("/floor/") and "\\" not in going_on else "floor:menu")
        unknown = code or "–"
    page = {
        "stations": Station.objects.filter(warehouse=warehouse_id, active=True)[:SHOWN],
        "unknown": unknown,
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "labels/floor/station.html", page)


def leave(request: HttpRequest) -> None:
    for key in (STATION, f"{STATION}_code"):
        request.session.pop(key, None)
