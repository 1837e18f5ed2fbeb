"""A shop's offers over the API: which there are, and how many of each it may sell."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Body, Query, Router
from pydantic import BaseModel

from marketplaces import channel_answers, reports
from marketplaces.api.finding import Code, channel_of
from marketplaces.api.shapes import LISTING, ChannelPage, NumberPage, ShopListingIn
from marketplaces.models import Channel, Listing
from wms.core.api import fields, pages
from wms.core.api.bodies import list_of
from wms.core.api.errors import JSON, TooLarge
from wms.core.api.idempotency import Answer, answered_once
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.json_text import as_json

router = Router(tags=["channels"])


class PageFilters(BaseModel):
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.get("/channels", response=ChannelPage, auth=ApiKeyAuth("channels:read"))
def list_channels(request: HttpRequest, filters: Annotated[PageFilters, Query()]) -> HttpResponse:
    """The merchant's shops that are connected."""
    by, _merchant = caller(request)
    rows = Channel.objects.visible_to(by).filter(disconnected_at=None).prefetch_related("places__warehouse").order_by("pk")
    if (place := pages.place_of("channels", filters.cursor)) is not None:
        rows = rows.filter(pk__gt=place[0])
    size = pages.size_of(filters.limit)
    found = list(rows[: size + 1])
    items = [
        {
            "code": row.code,
            "name": row.name,
            "marketplace": row.adapter,
            "warehouse": places[0],
            "warehouses": places,
            "routing": row.routing,
            "hook": request.build_absolute_uri(reverse("channel-hook", kwargs={"channel_id": row.pk})),
            "active": row.active,
            "failing": row.failures > 0,
            "last_error": row.trouble,
            "last_push_at": row.last_push_at,
            "last_poll_at": row.last_poll_at,
        }
        for row in found[:size]
        for places in [[place.warehouse.code for place in row.places.all()]]
    ]
    cursor = pages.cursor_of("channels", found[size - 1].pk) if len(found) > size else None
    return HttpResponse(as_json({"items": items, "next_cursor": cursor}), content_type=JSON)


LISTINGS_BODY = list_of("ShopListingIn", LISTING)


@router.post("/channels/{code}/listings", response={200: NumberPage}, auth=ApiKeyAuth("channels:write"), openapi_extra=LISTINGS_BODY)
def send_shop_listings(request: HttpRequest, code: Code, payload: Annotated[list[ShopListingIn], Body()]) -> HttpResponse:
    """Say what the shop sells, up to 500 offers at once; answers how many of each it may sell. Repeating it changes nothing."""
    if len(payload) > settings.API_BULK_MAX:
        raise TooLarge(limit=settings.API_BULK_MAX, what=str(Listing._meta.verbose_name_plural))
    by, _merchant = caller(request)
    channel = channel_of(by, code)

    def work() -> Answer:
        ids = reports.take_listings(channel=channel, documents=[row.model_dump() for row in payload])
        rows = {row.external_id: row for row in channel.listings.filter(external_id__in=ids).select_related("sku", "bundle")}
        return 200, {"items": channel_answers.numbers(channel, [rows[key] for key in ids]), "next_cursor": None}

    return answered_once(request, by, work)


@router.get("/channels/{code}/numbers", response=NumberPage, auth=ApiKeyAuth("channels:read"))
def list_channel_numbers(request: HttpRequest, code: Code, filters: Annotated[PageFilters, Query()]) -> HttpResponse:
    """How many of each of its offers the shop may sell at this moment. The same numbers are pushed to it as they change."""
    by, _merchant = caller(request)
    channel = channel_of(by, code)
    rows, listing = channel.listings.select_related("sku", "bundle").order_by("pk"), f"numbers.{channel.pk}"
    if (place := pages.place_of(listing, filters.cursor)) is not None:
        rows = rows.filter(pk__gt=place[0])
    size = pages.size_of(filters.limit)
    found = list(rows[: size + 1])
    body = {
        "items": channel_answers.numbers(channel, found[:size]),
        "next_cursor": pages.cursor_of(listing, found[size - 1].pk) if len(found) > size else None,
    }
    return HttpResponse(as_json(body), content_type=JSON)
