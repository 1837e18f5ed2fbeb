"""ASNs over the API."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator, Field

from inbound import asns, papers
from inbound.api.shapes import AsnHead, AsnIn, AsnLineOut, AsnOut, AsnPage, AsnStatus, DiscrepancyOut
from inbound.models import Asn, AsnLine
from wms.core.api import fields, pages
from wms.core.api.errors import JSON
from wms.core.api.idempotency import answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import NotFound
from wms.core.json_text import as_json
from wms.core.models import User

router = Router(tags=["asns"])


@router.post("/asns", response={201: AsnOut, 200: AsnOut}, auth=ApiKeyAuth("asns:write"))
def announce_asn(request: HttpRequest, payload: AsnIn) -> HttpResponse:
    """Announce goods. 201 the first time, 200 with the first result for a repeated reference with the same content, else 409."""
    by, merchant = caller(request)

    def work() -> tuple[int, dict[str, Any]]:
        answer = asns.announce(merchant=merchant, asn=payload.new_asn())
        return 200 if answer.repeated else 201, _described(by, answer.id)

    return answered_once(request, by, work)


class AsnFilters(BaseModel):
    """Empty ones are as good as none. `updated_at` moves with the status, not with each scan at the dock. `updated_after` is exclusive."""

    reference: fields.Filter = None
    status: Annotated[AsnStatus | None, BeforeValidator(lambda value: None if value == "" else value)] = None
    updated_after: fields.MomentFilter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get("/asns", response=AsnPage, auth=ApiKeyAuth("asns:read"))
def list_asns(request: HttpRequest, filters: Annotated[AsnFilters, Query()]) -> HttpResponse:
    """The merchant's ASNs, the longest unchanged first."""
    by, _merchant = caller(request)
    found = Asn.objects.visible_to(by).select_related("warehouse")
    if filters.reference is not None:
        found = found.filter(reference=filters.reference)
    if filters.status is not None:
        found = found.filter(status=filters.status)
    listing = pages.under("asns", filters)
    rows, cursor = pages.by_update(listing, found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit)
    return HttpResponse(as_json({"items": _heads(rows), "next_cursor": cursor}), content_type=JSON)


def _heads(rows: list[Asn]) -> list[dict[str, Any]]:
    """One statement for the lines of all."""
    sums = AsnLine.objects.filter(asn__in=rows).values_list("asn_id").annotate(*map(Sum, ("quantity", "received", "damaged", "put_away")))
    units = {asn_id: counts for asn_id, *counts in sums}
    return [
        {
            **{name: getattr(asn, name) for name in AsnHead.model_fields if name not in ("warehouse", *_SUMMED)},
            "warehouse": asn.warehouse.code,
            **dict(zip(_SUMMED, units.get(asn.pk, (0, 0, 0, 0)), strict=True)),
        }
        for asn in rows
    ]


_SUMMED = ("announced", "received", "damaged", "put_away")


@router.get("/asns/{asn_id}", response=AsnOut, auth=ApiKeyAuth("asns:read"))
def get_asn(request: HttpRequest, asn_id: Annotated[int, Path(ge=1, le=fields.LARGEST_ID)]) -> HttpResponse:
    """One ASN with its cartons, lines and discrepancies."""
    by, _merchant = caller(request)
    return HttpResponse(as_json(_described(by, asn_id)), content_type=JSON)


PDF = {
    "responses": {200: {"description": "The labels", "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}
}


class LabelFilters(BaseModel):
    """`first` and `last` are box numbers, for parts of a set; `start` is the first free place on a sheet of labels."""

    media: fields.Filter = None
    first: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    last: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000_000
    start: Annotated[int, Field(ge=1, le=100)] = 1


@router.get("/asns/{asn_id}/labels.pdf", auth=ApiKeyAuth("asns:read"), openapi_extra=PDF)
def get_asn_labels(
    request: HttpRequest, asn_id: Annotated[int, Path(ge=1, le=fields.LARGEST_ID)], filters: Annotated[LabelFilters, Query()]
) -> HttpResponse:
    """The carton labels of an ASN, box n of N, to be put on before the goods leave. At most 1000 at once: ask for more in parts."""
    by, _merchant = caller(request)
    asn = Asn.objects.visible_to(by).select_related("merchant", "warehouse").filter(pk=asn_id).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    content = papers.carton_set_pdf(asn, first=filters.first, last=filters.last, media=filters.media or "", start=filters.start)
    return HttpResponse(content, content_type="application/pdf")


def _described(by: User, asn_id: int) -> dict[str, Any]:
    """Four statements for any number of cartons and lines. Raises NotFound."""
    asn = Asn.objects.visible_to(by).select_related("warehouse").filter(pk=asn_id).first()
    if asn is None:
        raise NotFound(what=str(Asn._meta.verbose_name), key=asn_id)
    lines = AsnLine.objects.filter(asn=asn).order_by("number")
    names = ("number", "carton__number", "sku__code", "quantity", "lot", "expires_on", "received", "damaged", "put_away")
    return {
        "id": asn.pk,
        "warehouse": asn.warehouse.code,
        **{
            name: getattr(asn, name)
            for name in (
                "reference", "status", "kind", "transport", "container_number", "tracking_number", "expected_on",
                "created_at", "updated_at", "arrived_at", "received_at", "put_away_at",
            )
        },
        "cartons": list(asn.cartons.order_by("number").values("number", "code", "box_number", "sscc")),
        "lines": [dict(zip(AsnLineOut.model_fields, row, strict=True)) for row in lines.values_list(*names)],
        "discrepancies": [
            dict(zip(DiscrepancyOut.model_fields, row, strict=True))
            for row in asn.discrepancies.order_by("pk").values_list("pk", "kind", "sku__code", "quantity", "status", "note")
        ],
    }  # fmt: skip
