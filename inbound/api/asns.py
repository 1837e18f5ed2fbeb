"""ASNs over the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import pydantic_core
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator, Field
from pydantic.config import JsonDict

from inbound import asns, papers
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, AsnLine, Discrepancy
from wms.core.api import fields, pages
from wms.core.api.errors import JSON
from wms.core.api.idempotency import answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import NotFound
from wms.core.models import User

router = Router(tags=["asns"])

_EXAMPLE: JsonDict = {
    "reference": "PO-2030-07",
    "warehouse": "DEMO",
    "transport": "sea_fcl",
    "container_number": "CSQU3054383",
    "expected_on": "2030-02-20",
    "cartons": [{"box_number": "1", "weight_g": 12_500, "lines": [{"sku": "MUG-BLUE", "quantity": 24}]}],
    "lines": [{"sku": "MUG-RED", "quantity": 10, "lot": "L7", "expires_on": "2031-12-31"}],
}


def _null_is_empty(value: Any) -> Any:
    return "" if value is None else value


class AsnLineIn(fields.Strict):
    sku: fields.SkuCode
    quantity: fields.Quantity
    fnsku: fields.Code20 = ""
    lot: fields.Code50 = ""
    expires_on: fields.Day | None = None


class CartonIn(fields.Strict):
    """One box. Without a `code` it gets the ASN's reference and its number. Sizes in mm, weight in g."""

    code: fields.Code40 = ""
    box_number: fields.Code30 = ""
    sscc: fields.Code20 = ""
    length_mm: fields.Measure | None = None
    width_mm: fields.Measure | None = None
    height_mm: fields.Measure | None = None
    weight_g: fields.Measure | None = None
    lines: Annotated[list[AsnLineIn], Field(min_length=1, max_length=5_000)]


class AsnIn(fields.Strict):
    """What is on its way: cartons, numbered from 1 in their order, and lines that are in no carton."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    reference: fields.Reference
    warehouse: fields.WarehouseCode
    kind: Asn.Kind = Asn.Kind.SELF_SENT
    transport: Annotated[Asn.Transport | None, BeforeValidator(lambda value: None if value == "" else value)] = None
    container_number: fields.Code12 = ""
    container_kind: Annotated[str, fields.text(4), BeforeValidator(_null_is_empty)] = ""
    seal_number: fields.Code30 = ""
    vessel: fields.Code60 = ""
    tracking_number: fields.Code60 = ""
    sails_on: fields.Day | None = None
    expected_on: fields.Day | None = None
    cartons: Annotated[list[CartonIn], Field(max_length=5_000)] = []
    lines: Annotated[list[AsnLineIn], Field(max_length=20_000)] = []

    def new_asn(self) -> NewAsn:
        said = {name: getattr(self, name) for name in type(self).model_fields if name not in ("kind", "transport", "cartons", "lines")}
        return NewAsn(
            **said,
            kind=self.kind.value,
            transport=self.transport.value if self.transport is not None else "",
            cartons=[NewCarton(**{**carton.__dict__, "lines": _lines(carton.lines)}) for carton in self.cartons],
            lines=_lines(self.lines),
        )


def _lines(lines: list[AsnLineIn]) -> list[NewAsnLine]:
    return [NewAsnLine(**line.__dict__) for line in lines]


class AsnLineOut(BaseModel):
    """`carton` is the number of its box. `received` counts every condition, `damaged` the broken part of it."""

    number: int
    carton: int | None
    sku: str
    quantity: int
    lot: str
    expires_on: date | None
    received: int
    damaged: int
    put_away: int


class CartonOut(BaseModel):
    number: int
    code: str
    box_number: str
    sscc: str


class DiscrepancyOut(BaseModel):
    id: int
    kind: Discrepancy.Kind
    sku: str
    quantity: int
    status: Discrepancy.Status
    note: str


class AsnOut(BaseModel):
    id: int
    reference: str
    status: Asn.Status
    warehouse: str
    kind: Asn.Kind
    transport: str
    container_number: str
    tracking_number: str
    expected_on: date | None
    cartons: list[CartonOut]
    lines: list[AsnLineOut]
    discrepancies: list[DiscrepancyOut]
    created_at: datetime
    updated_at: datetime
    arrived_at: datetime | None
    received_at: datetime | None
    put_away_at: datetime | None


@router.post("/asns", response={201: AsnOut, 200: AsnOut}, auth=ApiKeyAuth("asns:write"))
def announce(request: HttpRequest, payload: AsnIn) -> HttpResponse:
    """Announce goods. 201 the first time, 200 with the first result for a repeated reference with the same content, else 409."""
    by, merchant = caller(request)

    def work() -> tuple[int, dict[str, Any]]:
        answer = asns.announce(merchant=merchant, asn=payload.new_asn())
        return 200 if answer.repeated else 201, _described(by, answer.id)

    return answered_once(request, by, work)


class AsnHead(BaseModel):
    """One ASN without its lines: sums of base units over them. `received` counts every condition, `damaged` the broken part of it."""

    id: int
    reference: str
    status: Asn.Status
    warehouse: str
    expected_on: date | None
    announced: int
    received: int
    damaged: int
    put_away: int
    created_at: datetime
    updated_at: datetime
    arrived_at: datetime | None
    received_at: datetime | None
    put_away_at: datetime | None


class AsnPage(BaseModel):
    """`next_cursor` is null on the last page."""

    items: list[AsnHead]
    next_cursor: str | None


class AsnFilters(BaseModel):
    """Empty ones are as good as none. `updated_at` moves with the status, not with each scan at the dock. `updated_after` is exclusive."""

    reference: fields.Filter = None
    status: Annotated[Asn.Status | None, BeforeValidator(lambda value: None if value == "" else value)] = None
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
    rows, cursor = pages.by_update("asns", found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit)
    return HttpResponse(pydantic_core.to_json({"items": _heads(rows), "next_cursor": cursor}), content_type=JSON)


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
    return HttpResponse(pydantic_core.to_json(_described(by, asn_id)), content_type=JSON)


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
def asn_labels(
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
