"""Which building somebody works in: asked once where there are several."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from inventory.models import Warehouse
from wms.core.floor.scenario import STATION, WAREHOUSE
from wms.core.permissions import requires


@never_cache
@require_http_methods(["GET", "POST"])
@requires()
def choose_warehouse(request: HttpRequest) -> HttpResponse:
    """GET: the choice, or straight on where there is only one. POST `warehouse` (its code): remembered in the session."""
    houses = list(Warehouse.objects.filter(active=True)[:50])
    sent = request.POST.get("warehouse", "")
    chosen = next((house for house in houses if house.code == sent), None)
    if chosen is None and len(houses) == 1:
        chosen = houses[0]
    if chosen is None:
        return render(request, "inventory/floor/warehouse.html", {"houses": houses, "next": request.GET.get("next", "")})
    if request.session.get(WAREHOUSE) != chosen.pk:
        # A station is a place in one building.
        for key in (STATION, f"{STATION}_code"):
            request.session.pop(key, None)
    request.session[WAREHOUSE] = chosen.pk
    request.session[f"{WAREHOUSE}_code"] = chosen.code
    going_on = request.POST.get("next") or request.GET.get("next", "")
    return redirect(going_on if going_on.startswith("/floor/") and "\\" not in going_on else "floor:menu")
