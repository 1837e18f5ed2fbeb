"""Stock, with what is still on its way, over the API: in pages, or all of it in one call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Query, Router
from pydantic import BaseModel
from pydantic.config import JsonDict

from inbound import stock
from inbound.stock import Row
from wms.core.api import etags, fields, pages
from wms.core.api.errors import JSON
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.json_text import as_json

router = Router(tags=["stock"])

NDJSON = "application/x-ndjson"


_EXAMPLE: JsonDict = {
    "sku": "MUG-BLUE",
    "warehouse": "DEMO",
    "on_hand": 40,
    "committed": 12,
    "available": 28,
    "backordered": 0,
    "incoming": 24,
    "damaged": 1,
}


class StockOut(BaseModel):
    """Base units. available = on_hand - committed, not below 0. `backordered` waits for goods; `incoming` is announced, not counted in."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    sku: str
    warehouse: str
    on_hand: int
    committed: int
    available: int
    backordered: int
    incoming: int
    damaged: int


class StockPage(BaseModel):
    """A page may be short, or empty, before the end: go on while there is a `next_cursor`."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_EXAMPLE], "next_cursor": None}]}}

    items: list[StockOut]
    next_cursor: str | None


class StockFilters(BaseModel):
    sku: fields.Filter = None
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get(
    "/stock",
    response=StockPage,
    auth=ApiKeyAuth("stock:read"),
    openapi_extra={"responses": etags.RESPONSES, "parameters": [etags.PARAMETER]},
)
def list_stock(request: HttpRequest, filters: Annotated[StockFilters, Query()]) -> HttpResponse:
    """The merchant's stock, by sku and warehouse: what there is of all skus, or one sku in every warehouse, with zeros where it has none."""
    by, _merchant = caller(request)
    listing = pages.under("stock", filters)
    place = pages.place_of(listing, filters.cursor)
    rows, going_on = stock.page(by=by, sku=filters.sku, after=(place[0], place[1]) if place else None, size=pages.size_of(filters.limit))
    body = {
        "items": [stock.described(row) for row in rows],
        "next_cursor": pages.cursor_of(listing, *going_on) if going_on else None,
    }
    return etags.answer(request, as_json(body))


class BulkFilters(BaseModel):
    warehouse: fields.Filter = None


class StockList(BaseModel):
    model_config = {"json_schema_extra": {"examples": [{"items": [_EXAMPLE], "next_cursor": None}]}}

    items: list[StockOut]
    next_cursor: None


BULK = {
    "responses": {
        200: {
            "description": "All rows: one JSON object, or for `Accept: application/x-ndjson` a JSON object (StockOut) a line",
            "content": {NDJSON: {"schema": {"type": "string"}, "example": json.dumps(_EXAMPLE) + "\n"}},
        }
    }
}


@router.get("/stock/bulk", response=StockList, auth=ApiKeyAuth("stock:read"), openapi_extra=BULK)
def get_all_stock(request: HttpRequest, filters: Annotated[BulkFilters, Query()]) -> StreamingHttpResponse:
    """All of the merchant's stock at one moment in one call, however many skus, streamed: what there is, by sku and warehouse.

    A stream that breaks off is not JSON; as lines, its last line lacks its end.
    """
    by, _merchant = caller(request)
    batches = stock.everything(by=by, warehouse=filters.warehouse)
    if request.get_preferred_type([JSON, NDJSON]) != NDJSON:
        return StreamingHttpResponse(_as_array(batches), content_type=JSON)
    return StreamingHttpResponse(map(_as_lines, batches), content_type=NDJSON)


def _as_lines(batch: list[Row]) -> bytes:
    return b"".join(as_json(stock.described(row)) + b"\n" for row in batch)


def _as_array(batches: Iterator[list[Row]]) -> Iterator[bytes]:
    begin = b'{"items":['
    for batch in batches:
        yield begin + as_json([stock.described(row) for row in batch])[1:-1]
        begin = b","
    yield (b"" if begin == b"," else begin) + b'],"next_cursor":null}'
