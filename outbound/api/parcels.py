"""Parcels over the API."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from outbound import papers
from outbound.models import Parcel
from wms.core.api import fields
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import NotFound

router = Router(tags=["parcels"])

PDF = {"responses": {200: {"description": "The label", "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}}


@router.get("/parcels/{parcel_id}/label.pdf", auth=ApiKeyAuth("orders:read"), openapi_extra=PDF)
def get_parcel_label(request: HttpRequest, parcel_id: Annotated[int, Path(ge=1, le=fields.LARGEST_ID)]) -> HttpResponse:
    """The parcel's shipping label as PDF."""
    by, _merchant = caller(request)
    parcel = (
        Parcel.objects.visible_to(by)
        .select_related("order__ship_to", "warehouse")
        .filter(pk=parcel_id)
        .exclude(status=Parcel.Status.VOID)
        .first()
    )
    if parcel is None:
        raise NotFound(what=str(Parcel._meta.verbose_name), key=parcel_id)
    return HttpResponse(papers.parcel_labels([parcel]), content_type="application/pdf")
