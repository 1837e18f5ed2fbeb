"""A shop's orders over the API: sent in by the shop as they change, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import pydantic_core
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Body, Path, Query, Router
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from marketplaces import channel_answers, reports
from marketplaces.api.finding import Code, channel_of
from marketplaces.api.listings import ShopId
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import ChannelOrderState
from outbound.models import Order
from wms.core.api import fields, pages
from wms.core.api.errors import JSON, ErrorOut, TooLarge, described, problems
from wms.core.api.idempotency import Answer, answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import InvalidInput, NotFound, WmsError

router = Router(tags=["channels"])

_EXAMPLE: JsonDict = {
    "id": "1001",
    "number": "#1001",
    "state": "open",
    "placed_at": "2030-01-31T16:58:00Z",
    "updated_at": "2030-01-31T17:00:00Z",
    "currency": "GBP",
    "total": "25.00",
    "ship_to": {"name": "Ada Lovelace", "line1": "1 Analytical Way", "city": "London", "postcode": "N1 9GU", "country": "GB"},
    "lines": [{"id": "1", "listing_id": "77", "sku": "MUG-BLUE", "quantity": 2, "total": "25.00"}],
}
Short = Annotated[str, fields.text(100)]
Long = Annotated[str, fields.text(300)]
Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


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
    """

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    id: ShopId
    number: Short = ""
    state: Literal["pending", "open", "shipped", "cancelled"]
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
    status: Order.Status
    ship_by: datetime
    updated_at: datetime


class UnitsOut(BaseModel):
    id: str
    quantity: int


class LeftOut(BaseModel):
    """A parcel that has left. No `lines`: all that was left of the order."""

    tracking_number: str
    carrier: str
    shipped_at: datetime
    lines: list[UnitsOut]


class ShopOrderOut(BaseModel):
    """What became of it. `unmapped`: its goods are not known here yet. `ignored`: there is nothing to do, it was never open.

    A `problem` is on the warehouse's work list; `problem_detail` names what it is about.
    """

    id: str
    number: str
    state: ChannelOrderState
    status: ChannelOrder.Status | Literal["ignored"]
    problem: ChannelOrder.Problem | Literal[""]
    problem_detail: str
    order: TakenOut | None
    parcels: list[LeftOut]


class ShopOrderPage(BaseModel):
    """`next_cursor` is null on the last page."""

    items: list[ShopOrderOut]
    next_cursor: str | None


class ShopBulkRow(BaseModel):
    """The answer for the row at `index`: what sending it alone would have answered."""

    index: int
    ok: bool
    status_code: int
    order: ShopOrderOut | None
    error: ErrorOut | None


class ShopBulkOut(BaseModel):
    items: list[ShopBulkRow]
    next_cursor: None


_ORDER = TypeAdapter(ShopOrderIn)


@router.post("/channels/{code}/orders", response={200: ShopOrderOut}, auth=ApiKeyAuth("channels:write"))
def send_order(request: HttpRequest, code: Code, payload: ShopOrderIn) -> HttpResponse:
    """Say what an order of the shop is now: placed, paid, changed, cancelled. Answers what became of it; repeating it changes nothing."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)

    def work() -> Answer:
        row = _take(channel, [payload])[0]
        if isinstance(row, WmsError):
            raise row
        return 200, row

    return answered_once(request, by, work)


BULK_BODY = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "maxItems": settings.API_BULK_MAX,
                    "items": {"$ref": "#/components/schemas/ShopOrderIn"},
                    "example": [_EXAMPLE],
                }
            }
        },
        "required": True,
    }
}


@router.post("/channels/{code}/orders/bulk", response={200: ShopBulkOut}, auth=ApiKeyAuth("channels:write"), openapi_extra=BULK_BODY)
def send_orders(request: HttpRequest, code: Code, payload: Annotated[list[Any], Body()]) -> HttpResponse:
    """Say what up to 500 orders are now. Each row is answered on its own; one bad row does not sink the others."""
    if len(payload) > settings.API_BULK_MAX:
        raise TooLarge(limit=settings.API_BULK_MAX, what=str(ChannelOrder._meta.verbose_name_plural))
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    return answered_once(request, by, lambda: (200, {"items": _take_rows(channel, payload), "next_cursor": None}))


def _take_rows(channel: Channel, rows: list[Any]) -> list[dict[str, Any]]:
    answers: dict[int, dict[str, Any] | WmsError] = {}
    good: dict[int, ShopOrderIn] = {}
    for index, row in enumerate(rows):
        try:
            good[index] = _ORDER.validate_python(row)
        except ValidationError as error:
            answers[index] = InvalidInput(problems(error.errors(include_url=False, include_input=False)))
    answers.update(zip(good, _take(channel, list(good.values())), strict=True))
    return [_row(index, answers[index]) for index in range(len(rows))]


def _take(channel: Channel, orders: Sequence[ShopOrderIn]) -> list[dict[str, Any] | WmsError]:
    taken = reports.take_orders(channel=channel, documents=[order.document() for order in orders])
    shown = {row["id"]: row for row in channel_answers.orders([row for row in taken if isinstance(row, ChannelOrder)])}
    return [row if isinstance(row, WmsError) else shown.get(order.id) or _ignored(order) for order, row in zip(orders, taken, strict=True)]


def _ignored(order: ShopOrderIn) -> dict[str, Any]:
    said = {"id": order.id, "number": order.number, "state": order.state}
    return {**said, "status": "ignored", "problem": "", "problem_detail": "", "order": None, "parcels": []}


def _row(index: int, answer: dict[str, Any] | WmsError) -> dict[str, Any]:
    if isinstance(answer, WmsError):
        return {"index": index, "ok": False, "status_code": answer.status, "order": None, "error": described(answer)}
    return {"index": index, "ok": True, "status_code": 200, "order": answer, "error": None}


class ChangedSince(BaseModel):
    """`updated_after` is exclusive: ask again from a minute earlier to miss nothing that was under way."""

    updated_after: fields.MomentFilter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get("/channels/{code}/orders", response=ShopOrderPage, auth=ApiKeyAuth("channels:read"))
def list_shop_orders(request: HttpRequest, code: Code, filters: Annotated[ChangedSince, Query()]) -> HttpResponse:
    """The shop's orders that the warehouse has, with the parcels that have left, the longest unchanged first."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    found = Order.objects.visible_to(by).filter(channel_order__channel=channel).select_related("channel_order")
    rows, cursor = pages.by_update(
        f"channels.{channel.pk}", found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit
    )
    items = channel_answers.orders([_with(order) for order in rows])
    return HttpResponse(pydantic_core.to_json({"items": items, "next_cursor": cursor}), content_type=JSON)


def _with(order: Order) -> ChannelOrder:
    row: ChannelOrder = order.channel_order
    row.order = order
    return row


@router.get("/channels/{code}/orders/{order_id}", response=ShopOrderOut, auth=ApiKeyAuth("channels:read"))
def get_shop_order(request: HttpRequest, code: Code, order_id: Annotated[str, Path(max_length=100)]) -> HttpResponse:
    """What became of one order, by the shop's own id of it."""
    by, _merchant = caller(request)
    found = channel_of(by, code).orders.select_related("order")
    row = found.filter(external_id=order_id).first() if order_id.isprintable() else None
    if row is None:
        raise NotFound(what=str(ChannelOrder._meta.verbose_name), key=order_id)
    return HttpResponse(pydantic_core.to_json(channel_answers.orders([row])[0]), content_type=JSON)
