"""Which building a page is about."""

from django.http import HttpRequest

from inventory.models import Warehouse
from wms.core import desk
from wms.core.errors import NotFound


def page_warehouse(request: HttpRequest) -> Warehouse:
    """The one that `warehouse` names by its code, else the first one; the page's times are shown by its clock. Raises NotFound."""
    code = desk.clean(request.POST.get("warehouse") or request.GET.get("warehouse"))
    found = Warehouse.objects.filter(active=True, **({"code": code} if code else {})).first()
    if found is None:
        raise NotFound(what=str(Warehouse._meta.verbose_name), key=code or "–")
    desk.clock(found.zone_info)
    return found
