"""What orders and parcels look like over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NotRequired

from pydantic import BaseModel, Field, with_config
from pydantic.config import JsonDict
from typing_extensions import TypedDict

from outbound.models import Order, Parcel
from outbound.orders import NewLine, NewOrder
from wms.core.api import fields
from wms.core.api.errors import ErrorOut

EXAMPLE: JsonDict = {
    "reference": "SO-10001",
    "warehouse": "DEMO",
    "ship_by": "2030-01-31T17:00:00Z",
    "service": "standard",
    "ship_to": {
        "name": "Ada Lovelace",
        "line1": "1 Analytical Way",
        "city": "London",
        "postcode": "N1 9GU",
        "country": "GB",
        "phone": "+44 20 7946 0000",
    },
    "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
}
# A few minutes of the same order's life: sent in, and two days later shipped.
_ACCEPTED: JsonDict = {
    "id": 4711,
    "reference": "SO-10001",
    "status": "ready",
    "warehouse": "DEMO",
    "service": "standard",
    "ship_by": "2030-01-31T17:00:00Z",
    "lines": [{"number": 1, "sku": "MUG-BLUE", "quantity": 2, "shipped": 0}],
    "parcels": [],
}
_PARCEL: JsonDict = {
    "id": 815,
    "number": 1,
    "status": "shipped",
    "carrier": "own",
    "tracking_number": "WMS00000815",
    "weight_g": 760,
    "shipped_at": "2030-01-30T15:20:00Z",
}
_SHIPPED: JsonDict = {
    **_ACCEPTED,
    "status": "shipped",
    "lines": [{"number": 1, "sku": "MUG-BLUE", "quantity": 2, "shipped": 2}],
    "parcels": [_PARCEL],
    "seconds_left": None,
    "late": False,
    "late_headroom": 2,
    "country": "GB",
    "created_at": "2030-01-28T09:12:44Z",
    "updated_at": "2030-01-30T15:20:00Z",
    "shipped_at": "2030-01-30T15:20:00Z",
    "buyer_erased_at": None,
}
_NO_SUCH_SKU: JsonDict = {
    "code": "invalid_input",
    "message": "Some of the input cannot be used.",
    "details": [{"path": ["lines", 0, "sku"], "message": "Unknown sku."}],
}
_BULK: JsonDict = {
    "items": [
        {"index": 0, "ok": True, "status_code": 201, "order": _ACCEPTED, "error": None},
        {"index": 1, "ok": False, "status_code": 422, "order": None, "error": _NO_SUCH_SKU},
    ],
    "next_cursor": None,
}

OrderStatus = Annotated[Order.Status, fields.choices("OrderStatus", Order.Status)]
ParcelStatus = Annotated[Parcel.Status, fields.choices("ParcelStatus", Parcel.Status)]


# Plain dicts: of a hundred orders these are four of five things that are made, and a model of its own costs thrice as much.
@with_config(fields.STRICT)
class ShipToIn(TypedDict):
    name: fields.Name
    company: NotRequired[fields.OptionalName]
    line1: fields.Name
    line2: NotRequired[fields.OptionalName]
    city: fields.Place
    region: NotRequired[fields.OptionalPlace]
    postcode: fields.Postcode
    country: fields.Country
    phone: NotRequired[fields.Code40]
    email: NotRequired[fields.OptionalName]


@with_config(fields.STRICT)
class LineIn(TypedDict):
    sku: fields.SkuCode
    quantity: fields.Quantity


class OrderIn(fields.Strict):
    """`ship_by` is worked out from the warehouse's calendar where it is missing."""

    model_config = {"json_schema_extra": {"examples": [EXAMPLE]}}

    reference: fields.Reference
    warehouse: fields.WarehouseCode
    ship_by: fields.Moment | None = None
    service: fields.Code50 = ""
    ship_to: ShipToIn
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=5_000)]

    def new_order(self) -> NewOrder:
        # Mostly nothing in it is empty, and it is as it should be.
        ship_to: Any = self.ship_to if all(self.ship_to.values()) else {name: value for name, value in self.ship_to.items() if value}
        lines = [NewLine(line["sku"], line["quantity"]) for line in self.lines]
        return NewOrder(self.reference, self.warehouse, ship_to, lines, self.ship_by, self.service)


class LineOut(BaseModel):
    number: int
    sku: str
    quantity: int
    shipped: int


class ParcelOut(BaseModel):
    """Its label is at /api/v1/parcels/{id}/label.pdf."""

    model_config = {"json_schema_extra": {"examples": [_PARCEL]}}

    id: int
    number: int
    status: ParcelStatus
    carrier: str
    tracking_number: str
    weight_g: int | None
    shipped_at: datetime | None


class AcceptedOut(BaseModel):
    """`ready`: every line is committed. `short`: it waits for goods and is retried when they arrive."""

    model_config = {"json_schema_extra": {"examples": [_ACCEPTED]}}

    id: int
    reference: str
    status: OrderStatus
    warehouse: str
    service: str
    ship_by: datetime
    lines: list[LineOut]
    parcels: list[ParcelOut]


class OrderOut(AcceptedOut):
    """`seconds_left` until the ship-by, negative after it, null when it left or was cancelled. `late`: it left after its ship-by, or has not
    left by then. `late_headroom`: how many more orders of its shop may be late until its platform's limit, below zero = so many too many;
    null where no platform counts. `buyer_erased_at`: from then on its labels answer 410."""

    model_config = {"json_schema_extra": {"examples": [_SHIPPED]}}

    seconds_left: int | None
    late: bool
    late_headroom: int | None
    country: str
    created_at: datetime
    updated_at: datetime
    shipped_at: datetime | None
    buyer_erased_at: datetime | None


class OrderPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_SHIPPED], "next_cursor": None}]}}

    items: list[OrderOut]
    next_cursor: str | None


class BulkRow(BaseModel):
    """The answer for the row at `index`: what POST /orders would have answered."""

    index: int
    ok: bool
    status_code: int
    order: AcceptedOut | None
    error: ErrorOut | None


class BulkOut(BaseModel):
    model_config = {"json_schema_extra": {"examples": [_BULK]}}

    items: list[BulkRow]
    next_cursor: None
