"""Webhook endpoints over the API: where a merchant hears of what happens, by the Standard Webhooks specification."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from webhooks import endpoints
from webhooks.models import HAPPENING, Attempt, Endpoint, Event
from wms.core.api import fields, pages
from wms.core.api.errors import JSON
from wms.core.api.idempotency import key_of
from wms.core.api.keys import ApiKeyAuth, caller
from wms.core.errors import NotFound
from wms.core.json_text import as_json
from wms.core.models import User

router = Router(tags=["webhooks"])

_EXAMPLE: JsonDict = {"url": "https://shop.example.com/hooks/wms", "events": ["order.shipped", "stock.changed"]}
_ENDPOINT: JsonDict = {
    "id": 12,
    "url": "https://shop.example.com/hooks/wms",
    "events": ["order.shipped", "stock.changed"],
    "secret": None,
    "created_at": "2030-01-04T08:20:00Z",
    "last_success_at": "2030-01-30T15:20:02Z",
    "failing_since": None,
    "last_error": "",
    "switched_off_at": None,
    "old_secret_until": None,
}
_DELIVERY: JsonDict = {
    "id": 90017,
    "message_id": "msg_order_4711_shipped_815",
    "event": "order.shipped",
    "number": 1,
    "status_code": 204,
    "error": "",
    "took_ms": 84,
    "at": "2030-01-30T15:20:02Z",
    "next_at": None,
}
WebhookEvent = Annotated[Event, fields.choices("WebhookEvent", Event)]


def _happening(event: object) -> object:
    if event not in HAPPENING:
        raise PydanticCustomError("enum", "{expected}", {"expected": ", ".join(HAPPENING)})
    return event


# A test is sent to the endpoint that it is asked for: nobody waits for it.
WantedEvent = Annotated[
    Event, BeforeValidator(_happening), WithJsonSchema({"title": "WantedEvent", "type": "string", "enum": list(HAPPENING)})
]
EndpointId = Annotated[int, Path(ge=1, le=fields.LARGEST_ID)]


class EndpointIn(fields.Strict):
    """No `events`: all of them, but for those that later versions add."""

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}

    url: Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=500)]
    events: Annotated[list[WantedEvent], Field(max_length=50)] = []


class EndpointOut(BaseModel):
    """`secret` is shown by the answers that made it, null elsewhere. Until `old_secret_until` the one before it signs too.

    `failing_since`: nothing was delivered since then. After days of it `switched_off_at` is set, and nothing is sent any more.
    """

    model_config = {"json_schema_extra": {"examples": [_ENDPOINT]}}

    id: int
    url: str
    events: list[WebhookEvent]
    secret: str | None
    created_at: datetime
    last_success_at: datetime | None
    failing_since: datetime | None
    last_error: str
    switched_off_at: datetime | None
    old_secret_until: datetime | None


class EndpointPage(BaseModel):
    """A merchant has at most ten: all on one page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_ENDPOINT], "next_cursor": None}]}}

    items: list[EndpointOut]
    next_cursor: None


class DeliveryOut(BaseModel):
    """One try. `status_code` null: no answer came. `next_at` null: delivered, or given up after the last try."""

    model_config = {"json_schema_extra": {"examples": [_DELIVERY]}}

    id: int
    message_id: str
    event: WebhookEvent
    number: int
    status_code: int | None
    error: str
    took_ms: int
    at: datetime
    next_at: datetime | None


class DeliveryPage(BaseModel):
    """`next_cursor` is null on the last page."""

    model_config = {"json_schema_extra": {"examples": [{"items": [_DELIVERY], "next_cursor": None}]}}

    items: list[DeliveryOut]
    next_cursor: str | None


class ReplayIn(fields.Strict):
    model_config = {"json_schema_extra": {"examples": [{"since": "2026-01-31T17:00:00Z"}]}}

    since: fields.Moment


class DeliveryFilters(BaseModel):
    cursor: fields.Cursor = None
    limit: fields.Limit = None


@router.post("/webhook-endpoints", response={201: EndpointOut, 200: EndpointOut}, auth=ApiKeyAuth("webhooks:write"))
def add_webhook_endpoint(request: HttpRequest, payload: EndpointIn) -> HttpResponse:
    """Add an endpoint. 201 with its secret the first time, 200 where the address is known with the same events, else 409."""
    by, merchant = caller(request)
    made = endpoints.add(
        merchant_id=merchant.pk, url=payload.url, events=[event.value for event in payload.events], by=by, request_id=key_of(request)
    )
    try:
        return _one(by, made["endpoint_id"], status=201 if made["new"] else 200, with_secret=made["new"])
    except NotFound as error:
        raise endpoints.RemovedSince(url=payload.url) from error


@router.get("/webhook-endpoints", response=EndpointPage, auth=ApiKeyAuth("webhooks:read"))
def list_webhook_endpoints(request: HttpRequest) -> HttpResponse:
    """The merchant's endpoints."""
    by, _merchant = caller(request)
    items = [endpoints.answer_of(endpoint) for endpoint in Endpoint.objects.visible_to(by).order_by("pk")]
    return HttpResponse(as_json({"items": items, "next_cursor": None}), content_type=JSON)


@router.get("/webhook-endpoints/{endpoint_id}", response=EndpointOut, auth=ApiKeyAuth("webhooks:read"))
def get_webhook_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    """One endpoint."""
    by, _merchant = caller(request)
    return _one(by, endpoint_id)


@router.delete("/webhook-endpoints/{endpoint_id}", response={204: None}, auth=ApiKeyAuth("webhooks:write"))
def remove_webhook_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    """Remove an endpoint and its log. What is under way to it may still arrive."""
    by, _merchant = caller(request)
    endpoints.remove(endpoint_id=endpoint_id, by=by)
    return HttpResponse(status=204)


@router.post("/webhook-endpoints/{endpoint_id}/rotate-secret", response=EndpointOut, auth=ApiKeyAuth("webhooks:write"))
def rotate_webhook_secret(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    """A new secret. For 24 hours the one before it signs too; whoever rotates again within them loses neither."""
    by, _merchant = caller(request)
    endpoints.rotate_secret(endpoint_id=endpoint_id, by=by, request_id=key_of(request))
    return _one(by, endpoint_id, with_secret=True)


@router.post("/webhook-endpoints/{endpoint_id}/switch-on", response=EndpointOut, auth=ApiKeyAuth("webhooks:write"))
def switch_on_webhook_endpoint(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    """Send to an endpoint again that was switched off. What it missed meanwhile can be replayed."""
    by, _merchant = caller(request)
    endpoints.switch_on(endpoint_id=endpoint_id, by=by, request_id=key_of(request))
    return _one(by, endpoint_id)


@router.post("/webhook-endpoints/{endpoint_id}/replay", response={202: EndpointOut}, auth=ApiKeyAuth("webhooks:write"))
def replay_webhooks(request: HttpRequest, endpoint_id: EndpointId, payload: ReplayIn) -> HttpResponse:
    """Send everything that happened since a moment again, delivered or not, under the same ids. Messages are kept for 30 days."""
    by, _merchant = caller(request)
    endpoints.replay(endpoint_id=endpoint_id, since=payload.since, by=by, request_id=key_of(request))
    return _one(by, endpoint_id, status=202)


@router.post("/webhook-endpoints/{endpoint_id}/test", response={202: EndpointOut}, auth=ApiKeyAuth("webhooks:write"))
def send_test_webhook(request: HttpRequest, endpoint_id: EndpointId) -> HttpResponse:
    """Send a message `webhook.test`, signed as all of them, to see that it arrives. 409 where the endpoint is switched off."""
    by, _merchant = caller(request)
    endpoints.send_test(endpoint_id=endpoint_id, by=by, request_id=key_of(request))
    return _one(by, endpoint_id, status=202)


@router.get("/webhook-endpoints/{endpoint_id}/deliveries", response=DeliveryPage, auth=ApiKeyAuth("webhooks:read"))
def list_webhook_deliveries(request: HttpRequest, endpoint_id: EndpointId, filters: Annotated[DeliveryFilters, Query()]) -> HttpResponse:
    """Every try of the last days, the newest first."""
    by, _merchant = caller(request)
    endpoint = _find(by, endpoint_id)
    found = Attempt.objects.filter(endpoint=endpoint).order_by("-pk")
    listing = f"deliveries.{endpoint.pk}"
    place = pages.place_of(listing, filters.cursor)
    if place is not None:
        found = found.filter(pk__lt=place[0])
    size = pages.size_of(filters.limit)
    names = ("id", "message__uid", "message__event", "number", "status_code", "error", "took_ms", "at", "next_at")
    rows = list(found.values_list(*names)[: size + 1])
    body = {
        "items": [dict(zip(DeliveryOut.model_fields, row, strict=True)) for row in rows[:size]],
        "next_cursor": pages.cursor_of(listing, rows[size - 1][0]) if len(rows) > size else None,
    }
    return HttpResponse(as_json(body), content_type=JSON)


def _find(by: User, endpoint_id: int) -> Endpoint:
    endpoint = Endpoint.objects.visible_to(by).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(what=str(Endpoint._meta.verbose_name), key=endpoint_id)
    return endpoint


def _one(by: User, endpoint_id: int, *, status: int = 200, with_secret: bool = False) -> HttpResponse:
    body: dict[str, Any] = endpoints.answer_of(_find(by, endpoint_id), with_secret=with_secret)
    return HttpResponse(as_json(body), status=status, content_type=JSON)
