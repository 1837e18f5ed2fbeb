"""What shops' orders look like over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from marketplaces.api.shapes import Long, ShopId, Short, one_of
from marketplaces.models import ChannelOrder
from outbound.api.shapes import OrderStatus
from wms.core.api import fields
from wms.core.api.errors import ErrorOut

ORDER: JsonDict = {
    "id": "1001",
    "number": "#1001",
    "state": "open",
    "placed_at": "2030-01-28T09:10:00Z",
    "updated_at": "2030-01-28T09:12:00Z",
    "currency": "GBP",
    "total": "25.00",
    "ship_to": {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"},
    "lines": [{"id": "1", "listing_id": "77", "sku": "MUG-BLUE", "quantity": 2, "total": "25.00"}],
}
_TAKEN: JsonDict = {
    "id": 4712,
    "reference": "OWN-#1001",
    "status": "shipped",
    "ship_by": "2030-01-31T17:00:00Z",
    "updated_at": "2030-01-30T15:20:00Z",
}
# The same order two days later.
_SHIPPED: JsonDict = {
    "id": "1001",
    "number": "#1001",
    "state": "open",
    "status": "imported",
    "problem": "",
    "problem_detail": "",
    "order": _TAKEN,
    "orders": [_TAKEN],
    "parcels": [
        {
            "tracking_number": "WMS00000816",
            "carrier": "own",
            "shipped_at": "2030-01-30T15:20:00Z",
            "lines": [{"id": "1", "quantity": 2}],
            "joins": "",
        }
    ],
}
_NO_ID: JsonDict = {
    "code": "invalid_input",
    "message": "Some of the input cannot be used.",
    "details": [{"path": ["id"], "message": "This field is missing."}],
}

Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]

ShopOrderState = Annotated[
    Literal["pending", "open", "shipped", "cancelled"], one_of("ShopOrderState", "pending", "open", "shipped", "cancelled")
]
ShopOrderStatus = Annotated[str, one_of("ShopOrderStatus", *ChannelOrder.Status.values, "ignored")]
ShopOrderProblem = Annotated[str, one_of("ShopOrderProblem", "", *ChannelOrder.Problem.values)]


class ShopAddressIn(fields.Strict):
    """As the buyer wrote it: what cannot be sent to is shown to people, not refused."""

    name: Long = ""
    company: Long = ""
    line1: Long = ""
    line2: Long = ""
    city: Short = ""
    region: Short = ""
    postcode: Short = ""
    country: Short = ""
    phone: Short = ""
    email: Long = ""


class ShopLineIn(fields.Strict):
    """`shipped` and `cancelled` units are a part of `quantity`. Goods are found by `listing_id`, else by `sku`."""

    id: ShopId
    listing_id: Short = ""
    sku: Short = ""
    title: Long = ""
    quantity: Units
    shipped: Units | None = None
    cancelled: Units = 0
    total: fields.Money | None = None
    location: Short = ""


class ShopOrderIn(fields.Strict):
    """The whole order as the shop has it now. An `open` one is paid and to be sent; one that is cancelled needs no address and no lines.

    Of two words the one with the later `updated_at` counts, and of the same moment the later state: pending, open, shipped, cancelled.
    `cancellation_requested`: it is cancelled if the warehouse still can; the answer's `status` says cancelled or cancelled_late.
    """

    model_config = {"json_schema_extra": {"examples": [ORDER]}}

    id: ShopId
    number: Short = ""
    state: ShopOrderState
    placed_at: fields.Moment | None = None
    updated_at: fields.Moment
    ship_by: fields.Moment | None = None
    currency: fields.Currency | None = None
    total: fields.Money | None = None
    shipping_method: Annotated[str, fields.text(50)] = ""
    note: Annotated[str, fields.text(2000)] = ""
    ship_to: ShopAddressIn | None = None
    lines: Annotated[list[ShopLineIn], Field(max_length=5_000)] = []
    cancellation_requested: fields.Flag = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.state == "open" and not (self.lines and self.ship_to):
            raise PydanticCustomError("not_whole", "{text}", {"text": _("An open order has lines and an address.")})
        return self

    def document(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


class TakenOut(BaseModel):
    """Our order: `reference` is the channel's code and the shop's number."""

    id: int
    reference: str
    status: OrderStatus
    ship_by: datetime
    updated_at: datetime


class UnitsOut(BaseModel):
    id: str
    quantity: int


class LeftOut(BaseModel):
    """A parcel that has left. No `lines`: all that was left of the order; but with `joins` it brings more of a bundle that an earlier parcel, of this
    number, was told with.
    """

    tracking_number: str
    carrier: str
    shipped_at: datetime
    lines: list[UnitsOut]
    joins: str


class ShopOrderOut(BaseModel):
    """What became of it. `unmapped`: its goods are not known here yet. `seen`: it waits for its payment, and its units
    are offered to nobody else. `nothing`: a person has said of all its goods that they are nothing to ship.
    `ignored`: there is nothing to do, it was never open.

    `orders` are ours: more than one where several warehouses send it (-P2, -P3, ... in their references), `order` is the first of them. Your own
    order that had its reference with other content (`other_content`) is none of them.
    A `problem` is on the warehouse's work list; `problem_detail` names what it is about.
    """

    model_config = {"json_schema_extra": {"examples": [_SHIPPED]}}

    id: str
    number: str
    state: ShopOrderState
    status: ShopOrderStatus
    problem: ShopOrderProblem
    problem_detail: str
    order: TakenOut | None
    orders: list[TakenOut]
    parcels: list[LeftOut]


class ShopOrderPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_SHIPPED], "next_cursor": None}]}}

    items: list[ShopOrderOut]
    next_cursor: str | None


class ShopBulkRow(BaseModel):
    """The answer for the row at `index`: what sending it alone would have answered."""

    index: int
    ok: bool
    status_code: int
    order: ShopOrderOut | None
    error: ErrorOut | None


_BULK: JsonDict = {
    "items": [
        {"index": 0, "ok": True, "status_code": 200, "order": _SHIPPED, "error": None},
        {"index": 1, "ok": False, "status_code": 422, "order": None, "error": _NO_ID},
    ],
    "next_cursor": None,
}


class ShopBulkOut(BaseModel):
    model_config = {"json_schema_extra": {"examples": [_BULK]}}

    items: list[ShopBulkRow]
    next_cursor: None
