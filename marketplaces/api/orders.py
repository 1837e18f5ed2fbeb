"""A shop's orders over the API: sent in by the shop as they change, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel

from marketplaces import channel_answers, reports
from marketplaces.api.finding import Code, channel_of
from marketplaces.api.order_shapes import ORDER, ShopBulkOut, ShopOrderIn, ShopOrderOut, ShopOrderPage
from marketplaces.models import Channel, ChannelOrder
from outbound.models import Order
from wms.core.api import fields, pages
from wms.core.api.bodies import Rows, list_of
from wms.core.api.errors import JSON, described
from wms.core.api.idempotency import Answer, answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.json_text import as_json

router = Router(tags=["channels"])

_ROWS = Rows(ShopOrderIn, ChannelOrder)


@router.post("/channels/{code}/orders", response={200: ShopOrderOut}, auth=ApiKeyAuth("channels:write"))
def send_shop_order(request: HttpRequest, code: Code, payload: ShopOrderIn) -> HttpResponse:
    """Say what an order of the shop is now: placed, paid, changed, cancelled. Answers what became of it; repeating it changes nothing."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)

    def work() -> Answer:
        row = _take(channel, [payload])[0]
        if isinstance(row, WmsError):
            raise row
        return 200, row

    return answered_once(request, by, work)


BULK_BODY = list_of("ShopOrderIn", ORDER)


@router.post("/channels/{code}/orders/bulk", response={200: ShopBulkOut}, auth=ApiKeyAuth("channels:write"), openapi_extra=BULK_BODY)
def send_shop_orders(request: HttpRequest, code: Code) -> HttpResponse:
    """Say what up to 500 orders are now. Each row is answered on its own; one bad row does not sink the others."""
    rows = _ROWS.read(request)
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    return answered_once(request, by, lambda: (200, {"items": _take_rows(channel, rows), "next_cursor": None}))


def _take_rows(channel: Channel, rows: list[ShopOrderIn | InvalidInput]) -> list[dict[str, Any]]:
    answers: dict[int, dict[str, Any] | WmsError] = {index: row for index, row in enumerate(rows) if isinstance(row, InvalidInput)}
    good = {index: row for index, row in enumerate(rows) if not isinstance(row, InvalidInput)}
    answers.update(zip(good, _take(channel, list(good.values())), strict=True))
    return [_row(index, answers[index]) for index in range(len(rows))]


def _take(channel: Channel, orders: Sequence[ShopOrderIn]) -> list[dict[str, Any] | WmsError]:
    taken = reports.take_orders(channel=channel, documents=[order.document() for order in orders])
    shown = {row["id"]: row for row in channel_answers.orders([row for row in taken if isinstance(row, ChannelOrder)])}
    return [row if isinstance(row, WmsError) else shown.get(order.id) or _ignored(order) for order, row in zip(orders, taken, strict=True)]


def _ignored(order: ShopOrderIn) -> dict[str, Any]:
    said = {"id": order.id, "number": order.number, "state": order.state}
    return {**said, "status": "ignored", "problem": "", "problem_detail": "", "order": None, "orders": [], "parcels": []}


def _row(index: int, answer: dict[str, Any] | WmsError) -> dict[str, Any]:
    if isinstance(answer, WmsError):
        return {"index": index, "ok": False, "status_code": answer.status, "order": None, "error": described(answer)}
    return {"index": index, "ok": True, "status_code": 200, "order": answer, "error": None}


class ShopOrderFilters(BaseModel):
    """`updated_after` is exclusive: ask again from a minute earlier to miss nothing that was under way."""

    updated_after: fields.MomentFilter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get("/channels/{code}/orders", response=ShopOrderPage, auth=ApiKeyAuth("channels:read"))
def list_shop_orders(request: HttpRequest, code: Code, filters: Annotated[ShopOrderFilters, Query()]) -> HttpResponse:
    """The shop's orders that the warehouse has, with the parcels that have left, the longest unchanged first."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    found = Order.objects.visible_to(by).filter(channel_part__channel_order__channel=channel).select_related("channel_part")
    listing = pages.under(f"channels.{channel.pk}", filters)
    rows, cursor = pages.by_update(listing, found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit)
    keys = [order.channel_part.channel_order_id for order in rows]
    shop_orders = channel.orders.prefetch_related("parts__order").in_bulk(keys)
    items = channel_answers.orders([shop_orders[key] for key in dict.fromkeys(keys)])
    return HttpResponse(as_json({"items": items, "next_cursor": cursor}), content_type=JSON)


@router.get("/channels/{code}/orders/{order_id}", response=ShopOrderOut, auth=ApiKeyAuth("channels:read"))
def get_shop_order(request: HttpRequest, code: Code, order_id: Annotated[str, Path(max_length=100)]) -> HttpResponse:
    """What became of one order, by the shop's own id of it."""
    by, _merchant = caller(request)
    found = channel_of(by, code).orders.prefetch_related("parts__order")
    row = found.filter(external_id=order_id).first() if order_id.isprintable() else None
    if row is None:
        raise NotFound(what=str(ChannelOrder._meta.verbose_name), key=order_id)
    return HttpResponse(as_json(channel_answers.orders([row])[0]), content_type=JSON)
