"""What ASNs look like over the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field
from pydantic.config import JsonDict

from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn, Discrepancy
from wms.core.api import fields

_EXAMPLE: JsonDict = {
    "reference": "PO-2030-07",
    "warehouse": "DEMO",
    "transport": "sea_fcl",
    "container_number": "CSQU3054383",
    "expected_on": "2030-02-20",
    "cartons": [{"box_number": "1", "weight_g": 12_500, "lines": [{"sku": "MUG-BLUE", "quantity": 24}]}],
    "lines": [{"sku": "TEA-GREEN", "quantity": 10, "lot": "L7", "expires_on": "2031-12-31"}],
}
_MOMENTS: JsonDict = {
    "created_at": "2030-01-04T08:30:00Z",
    "updated_at": "2030-02-21T14:05:10Z",
    "arrived_at": "2030-02-21T09:40:00Z",
    "received_at": "2030-02-21T14:05:10Z",
    "put_away_at": None,
}
_RECEIVED: JsonDict = {
    "id": 305,
    "reference": "PO-2030-07",
    "status": "received",
    "warehouse": "DEMO",
    "kind": "self_sent",
    "transport": "sea_fcl",
    "container_number": "CSQU3054383",
    "tracking_number": "",
    "expected_on": "2030-02-20",
    "cartons": [{"number": 1, "code": "PO-2030-07-1", "box_number": "1", "sscc": ""}],
    "lines": [
        {
            "number": 1, "carton": 1, "sku": "MUG-BLUE", "quantity": 24, "lot": "", "expires_on": None,
            "received": 24, "damaged": 1, "put_away": 0,
        },
        {
            "number": 2, "carton": None, "sku": "TEA-GREEN", "quantity": 10, "lot": "L7", "expires_on": "2031-12-31",
            "received": 9, "damaged": 0, "put_away": 0,
        },
    ],
    "discrepancies": [
        {"id": 61, "kind": "damaged", "sku": "MUG-BLUE", "quantity": 1, "status": "open", "note": ""},
        {"id": 62, "kind": "short", "sku": "TEA-GREEN", "quantity": 1, "status": "open", "note": ""},
    ],
    **_MOMENTS,
}  # fmt: skip
_HEAD: JsonDict = {
    "id": 305,
    "reference": "PO-2030-07",
    "status": "received",
    "warehouse": "DEMO",
    "expected_on": "2030-02-20",
    "announced": 34,
    "received": 33,
    "damaged": 1,
    "put_away": 0,
    **_MOMENTS,
}

AsnStatus = Annotated[Asn.Status, fields.choices("AsnStatus", Asn.Status)]
AsnKind = Annotated[Asn.Kind, fields.choices("AsnKind", Asn.Kind)]
Transport = Annotated[Asn.Transport, fields.choices("Transport", Asn.Transport)]
DiscrepancyKind = Annotated[Discrepancy.Kind, fields.choices("DiscrepancyKind", Discrepancy.Kind)]
DiscrepancyStatus = Annotated[Discrepancy.Status, fields.choices("DiscrepancyStatus", Discrepancy.Status)]


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
    kind: AsnKind = Asn.Kind.SELF_SENT
    transport: Annotated[Transport | None, BeforeValidator(lambda value: None if value == "" else value)] = None
    container_number: fields.Code12 = ""
    container_kind: fields.Code4 = ""
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
    kind: DiscrepancyKind
    sku: str
    quantity: int
    status: DiscrepancyStatus
    note: str


class AsnOut(BaseModel):
    model_config = {"json_schema_extra": {"examples": [_RECEIVED]}}

    id: int
    reference: str
    status: AsnStatus
    warehouse: str
    kind: AsnKind
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


class AsnHead(BaseModel):
    """One ASN without its lines: sums of base units over them. `received` counts every condition, `damaged` the broken part of it."""

    model_config = {"json_schema_extra": {"examples": [_HEAD]}}

    id: int
    reference: str
    status: AsnStatus
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

    model_config = {"json_schema_extra": {"examples": [{"items": [_HEAD], "next_cursor": None}]}}

    items: list[AsnHead]
    next_cursor: str | None
