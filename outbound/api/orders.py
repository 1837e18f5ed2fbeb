"""Orders over the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator

from outbound import cancellation, order_answers, orders
from outbound.api.shapes import EXAMPLE, AcceptedOut, BulkOut, OrderIn, OrderOut, OrderPage, OrderStatus
from outbound.models import Order
from outbound.orders import Accepted, NewOrder
from wms.core.api import fields, pages
from wms.core.api.bodies import Rows, list_of
from wms.core.api.errors import JSON, described
from wms.core.api.idempotency import answered_once, key_of
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.json_text import as_json
from wms.core.models import Merchant

router = Router(tags=["orders"])

_BATCH = 100
_ROWS = Rows(OrderIn, Order)
OrderId = Annotated[int, Path(ge=1, le=fields.LARGEST_ID)]


@router.post("/orders", response={201: AcceptedOut, 200: AcceptedOut}, auth=ApiKeyAuth("orders:write"))
def create_order(request: HttpRequest, payload: OrderIn) -> HttpResponse:
    """Send in one order. 201 the first time, 200 with the first result for a repeated reference with the same content, else 409."""
    by, merchant = caller(request)
    if "HTTP_IDEMPOTENCY_KEY" in request.META:
        return answered_once(request, by, lambda: _accept(merchant, payload.new_order()))
    status, body = _accept(merchant, payload.new_order())
    return HttpResponse(as_json(body), status=status, content_type=JSON)


def _accept(merchant: Merchant, order: NewOrder) -> tuple[int, dict[str, Any]]:
    answer = orders.accept(merchant=merchant, order=order)
    if answer.repeated:
        return 200, _stored([answer])[answer.id]
    return 201, _fresh(order, answer)


def _fresh(order: NewOrder, answer: Accepted) -> dict[str, Any]:
    """The answer for an order that this request brought in, without reading it back."""
    return {
        "id": answer.id,
        "reference": answer.reference,
        "status": answer.status,
        "warehouse": order.warehouse,
        "service": order.service,
        "ship_by": answer.ship_by and answer.ship_by.astimezone(UTC),  # as it is read back
        "lines": [
            {"number": number, "sku": line.sku, "quantity": line.quantity, "shipped": 0} for number, line in enumerate(order.lines, 1)
        ],
        "parcels": [],
    }


def _stored(answers: Sequence[Accepted]) -> dict[int, dict[str, Any]]:
    """The answers for orders that came before, by id, as they stand now."""
    if not answers:  # as nearly always; asking for nothing costs as much as writing a dozen orders
        return {}
    rows = order_answers.describe(list(Order.objects.select_related("warehouse").filter(pk__in=[answer.id for answer in answers])))
    return {row["id"]: {name: row[name] for name in AcceptedOut.model_fields} for row in rows}


BULK_BODY = list_of("OrderIn", EXAMPLE)


@router.post("/orders/bulk", response={200: BulkOut}, auth=ApiKeyAuth("orders:write"), openapi_extra=BULK_BODY)
def create_orders(request: HttpRequest) -> HttpResponse:
    """Send in up to 500 orders as a JSON list. Each row is answered on its own; one bad row does not sink the others."""
    rows = _ROWS.read(request)
    by, merchant = caller(request)
    return answered_once(request, by, lambda: (200, {"items": _accept_rows(merchant, rows), "next_cursor": None}))


def _accept_rows(merchant: Merchant, rows: list[OrderIn | InvalidInput]) -> list[dict[str, Any]]:
    answers: dict[int, Accepted | WmsError] = {index: row for index, row in enumerate(rows) if isinstance(row, InvalidInput)}
    good = [(index, row.new_order()) for index, row in enumerate(rows) if not isinstance(row, InvalidInput)]
    for start in range(0, len(good), _BATCH):
        batch = good[start : start + _BATCH]
        accepted = orders.accept_many(merchant=merchant, orders=[order for _index, order in batch])
        answers.update(zip((index for index, _order in batch), accepted, strict=True))
    sent = dict(good)
    stored = _stored([answer for answer in answers.values() if isinstance(answer, Accepted) and answer.repeated])
    return [_row(index, answers[index], sent.get(index), stored) for index in range(len(rows))]


def _row(index: int, answer: Accepted | WmsError, order: NewOrder | None, stored: dict[int, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(answer, WmsError):
        return {"index": index, "ok": False, "status_code": answer.status, "order": None, "error": described(answer)}
    assert order is not None
    body = stored[answer.id] if answer.repeated else _fresh(order, answer)
    return {"index": index, "ok": True, "status_code": 200 if answer.repeated else 201, "order": body, "error": None}


StatusFilter = Annotated[OrderStatus | None, BeforeValidator(lambda value: None if value == "" else value)]


class OrderFilters(BaseModel):
    """Empty ones are as good as none. `updated_after` is exclusive: ask again from a minute earlier to miss nothing that was under way."""

    reference: fields.Filter = None
    status: StatusFilter = None
    updated_after: fields.MomentFilter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


# The longest unchanged of each status, and of them the longest unchanged: an index of all in one order is what each order that comes in, and each of its
# steps, would pay for.
_OF_ANY_STATUS = """
SELECT o.id FROM unnest(%s::text[]) AS of (status) CROSS JOIN LATERAL (
    SELECT id, updated_at FROM outbound_order
    WHERE merchant_id = %s AND status = of.status AND (updated_at, id) > (%s, %s) ORDER BY updated_at, id LIMIT %s
) o ORDER BY o.updated_at, o.id LIMIT %s
"""


@router.get("/orders", response=OrderPage, auth=ApiKeyAuth("orders:read"))
def list_orders(request: HttpRequest, filters: Annotated[OrderFilters, Query()]) -> HttpResponse:
    """The merchant's orders, the longest unchanged first."""
    by, merchant = caller(request)
    found, keys = Order.objects.visible_to(by).select_related("warehouse"), None
    if filters.reference is not None:
        found = found.filter(reference=filters.reference)
    if filters.status is not None:
        found = found.filter(status=filters.status)
    if filters.reference is None and filters.status is None:
        keys = partial(of_any_status, merchant.pk)
    listing = pages.under("orders", filters)
    rows, cursor = pages.by_update(
        listing, found, updated_after=filters.updated_after, cursor=filters.cursor, limit=filters.limit, keys=keys
    )
    return HttpResponse(as_json({"items": order_answers.describe(rows), "next_cursor": cursor}), content_type=JSON)


def of_any_status(merchant_id: int, moment: datetime, key: int, count: int) -> RawSQL:
    """The keys of the `count` longest unchanged orders of those that changed later than the moment, or at it and have a greater key."""
    return RawSQL(_OF_ANY_STATUS, [Order.Status.values, merchant_id, moment, key, count, count])


@router.get("/orders/{order_id}", response=OrderOut, auth=ApiKeyAuth("orders:read"))
def get_order(request: HttpRequest, order_id: OrderId) -> HttpResponse:
    """One order with its lines and parcels."""
    return _one(request, order_id)


@router.post("/orders/{order_id}/cancel", response=OrderOut, auth=ApiKeyAuth("orders:write"))
def cancel_order(request: HttpRequest, order_id: OrderId) -> HttpResponse:
    """Cancel an order at any time before it is shipped; 409 afterwards. Cancelling it again changes nothing."""
    by, _merchant = caller(request)
    cancellation.cancel(order_id=order_id, by=by, request_id=key_of(request))
    return _one(request, order_id)


def _one(request: HttpRequest, order_id: int) -> HttpResponse:
    by, _merchant = caller(request)
    order = Order.objects.visible_to(by).select_related("warehouse").filter(pk=order_id).first()
    if order is None:
        raise NotFound(what=str(Order._meta.verbose_name), key=order_id)
    return HttpResponse(as_json(order_answers.describe([order])[0]), content_type=JSON)
