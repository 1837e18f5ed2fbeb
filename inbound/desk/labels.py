"""Labels of places and goods, printed from the desk."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from inbound import papers
from inventory.models import Bin, Sku
from wms.core import desk
from wms.core.errors import NotFound

# More of them are made in the background.
MOST = 500


def media(request: HttpRequest) -> str:
    """What to print on, blank = the usual. Papers know which there are."""
    return desk.clean(request.GET.get("media"), 40)


def start(request: HttpRequest) -> int:
    """The first place of a sheet of labels that is not used up yet."""
    return desk.whole_number(request.GET.get("start"), default=1)


@desk.page
def bins(request: HttpRequest) -> HttpResponse:
    """Labels of the chosen bins (`bin`, repeated), or of all whose code begins with `q` in `warehouse`, along the walk."""
    rows = Bin.objects.select_related("warehouse", "zone").order_by("warehouse", "walking_sequence", "pk")
    chosen = [int(key) for key in request.GET.getlist("bin")[:MOST] if key.isascii() and key.isdigit() and len(key) < 19]
    if chosen:
        rows = rows.filter(pk__in=chosen)
    else:
        rows = rows.filter(active=True, code__startswith=desk.clean(request.GET.get("q")).upper())
        if warehouse := desk.clean(request.GET.get("warehouse")):
            rows = rows.filter(warehouse__code=warehouse)
        if kind := desk.clean(request.GET.get("kind")):
            rows = rows.filter(kind=kind)
    found = list(rows[: MOST + 1])
    if not found:
        raise NotFound(what=str(Bin._meta.verbose_name), key="–")
    if len(found) > MOST:
        raise papers.TooManyLabels(count=rows.count(), most=MOST)
    return desk.pdf(papers.bin_labels(found, media(request), start(request)), "bins")


@desk.page
def sku(request: HttpRequest, sku_id: int) -> HttpResponse:
    """The sku's label, `copies` times (1 to 500)."""
    found = Sku.objects.visible_to(request.user).select_related("merchant").filter(pk=sku_id).first()
    if found is None:
        raise NotFound(what=str(Sku._meta.verbose_name), key=sku_id)
    copies = min(500, max(1, desk.whole_number(request.GET.get("copies"), default=1)))
    return desk.pdf(papers.sku_labels(found, copies, media(request), start(request)), f"sku-{sku_id}")
