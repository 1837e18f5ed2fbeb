"""A parcel's papers, printed at the pack desk."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from outbound import papers
from outbound.models import Parcel
from wms.core.errors import WmsError
from wms.core.floor.screens import Text
from wms.core.permissions import requires


def links_to_papers(parcel_id: int | str) -> list[tuple[str, Text]]:
    """The links of a screen: for whoever may pack."""
    return [
        (f"/floor/parcels/{parcel_id}/label.pdf", _("Print the label")),
        (f"/floor/parcels/{parcel_id}/packing-slip.pdf", _("Print the packing slip")),
    ]


@require_GET
@requires("outbound.pack_order")
def label(request: HttpRequest, parcel_id: int) -> HttpResponse:
    return _pdf(request, parcel_id, "label")


@require_GET
@requires("outbound.pack_order")
def packing_slip(request: HttpRequest, parcel_id: int) -> HttpResponse:
    return _pdf(request, parcel_id, "packing-slip")


def _pdf(request: HttpRequest, parcel_id: int, what: str) -> HttpResponse:
    parcel = (
        Parcel.objects.visible_to(request.user)
        .select_related("warehouse", "order__ship_to", "order__merchant", "order__warehouse")
        .filter(pk=parcel_id)
        .first()
    )
    if parcel is None:
        raise Http404
    try:
        content = papers.parcel_labels([parcel]) if what == "label" else papers.packing_slip(parcel.order)
    except WmsError as error:
        return HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{what}-{parcel.tracking_number}.pdf"'
    return answer
