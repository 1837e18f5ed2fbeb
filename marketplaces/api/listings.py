"""A shop's offers over the API: which there are, and how many of each it may sell."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import pydantic_core
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Body, Query, Router
from pydantic import BaseModel, Field, StringConstraints
from pydantic.config import JsonDict

from marketplaces import channel_answers, reports
from marketplaces.api.finding import Code, channel_of
from marketplaces.models import Channel, Listing
from wms.core.api import fields, pages
from wms.core.api.errors import JSON, TooLarge
from wms.core.api.idempotency import Answer, answered_once
from wms.core.api.keys import ApiKeyAuth, caller

router = Router(tags=["channels"])

_EXAMPLE: JsonDict = {"id": "77", "sku": "MUG-BLUE", "title": "Blue mug", "barcode": "4006381333931", "quantity": 12}
ShopId = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=100)]


class ChannelOut(BaseModel):
    """`hook` is where the shop's own signed messages go. While `failing`, the shop is called only now and then: `last_error` says why."""

    code: str
    name: str
    marketplace: str
    warehouse: str
    hook: str
    active: bool
    failing: bool
    last_error: str
    last_push_at: datetime | None
    last_poll_at: datetime | None


class ChannelPage(BaseModel):
    """`next_cursor` is null on the last page."""

    items: list[ChannelOut]
    next_cursor: str | None


class ShopListingIn(fields.Strict):
    """One thing that the shop sells. `sku` ties it to ours of the same code. `quantity`: how many it shows now, null where it does not count."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    id: ShopId
    sku: Annotated[str, fields.text(100)] = ""
    title: Annotated[str, fields.text(300)] = ""
    barcode: Annotated[str, fields.text(80)] = ""
    quantity: Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)] | None = None


class NumberOut(BaseModel):
    """`quantity`: how many the shop may sell now, null while the offer is tied to no `sku` of ours. `told`: what it took last; `error`: why not since."""

    id: str
    sku: str | None
    quantity: int | None
    told: int | None
    told_at: datetime | None
    error: str


class NumberPage(BaseModel):
    """`next_cursor` is null on the last page."""

    items: list[NumberOut]
    next_cursor: str | None


class PageOf(BaseModel):
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get("/channels", response=ChannelPage, auth=ApiKeyAuth("channels:read"))
def list_channels(request: HttpRequest, filters: Annotated[PageOf, Query()]) -> HttpResponse:
    """The merchant's shops that are connected."""
    by, _merchant = caller(request)
    rows = Channel.objects.visible_to(by).select_related("warehouse").order_by("pk")
    if (place := pages.place_of("channels", filters.cursor)) is not None:
        rows = rows.filter(pk__gt=place[0])
    size = pages.size_of(filters.limit)
    found = list(rows[: size + 1])
    items = [
        {
            "code": row.code,
            "name": row.name,
            "marketplace": row.adapter,
            "warehouse": row.warehouse.code,
            "hook": request.build_absolute_uri(reverse("channel-hook", kwargs={"channel_id": row.pk})),
            "active": row.active,
            "failing": row.failures > 0,
            "last_error": row.last_error,
            "last_push_at": row.last_push_at,
            "last_poll_at": row.last_poll_at,
        }
        for row in found[:size]
    ]
    cursor = pages.cursor_of("channels", found[size - 1].pk) if len(found) > size else None
    return HttpResponse(pydantic_core.to_json({"items": items, "next_cursor": cursor}), content_type=JSON)


@router.post("/channels/{code}/listings", response={200: NumberPage}, auth=ApiKeyAuth("channels:write"))
def send_listings(request: HttpRequest, code: Code, payload: Annotated[list[ShopListingIn], Body()]) -> HttpResponse:
    """Say what the shop sells, up to 500 offers at once; answers how many of each it may sell. Repeating it changes nothing."""
    if len(payload) > settings.API_BULK_MAX:
        raise TooLarge(limit=settings.API_BULK_MAX, what=str(Listing._meta.verbose_name_plural))
    by, _merchant = caller(request)
    channel = channel_of(by, code)

    def work() -> Answer:
        ids = reports.take_listings(channel=channel, documents=[row.model_dump() for row in payload])
        rows = {row.external_id: row for row in channel.listings.filter(external_id__in=ids).select_related("sku")}
        return 200, {"items": channel_answers.numbers(channel, [rows[key] for key in ids]), "next_cursor": None}

    return answered_once(request, by, work)


@router.get("/channels/{code}/numbers", response=NumberPage, auth=ApiKeyAuth("channels:read"))
def list_numbers(request: HttpRequest, code: Code, filters: Annotated[PageOf, Query()]) -> HttpResponse:
    """How many of each of its offers the shop may sell at this moment. The same numbers are pushed to it as they change."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    rows = channel.listings.select_related("sku").order_by("pk")
    if (place := pages.place_of("numbers", filters.cursor)) is not None:
        rows = rows.filter(pk__gt=place[0])
    size = pages.size_of(filters.limit)
    found = list(rows[: size + 1])
    body = {
        "items": channel_answers.numbers(channel, found[:size]),
        "next_cursor": pages.cursor_of("numbers", found[size - 1].pk) if len(found) > size else None,
    }
    return HttpResponse(pydantic_core.to_json(body), content_type=JSON)
