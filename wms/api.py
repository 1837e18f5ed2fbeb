"""The public API, version 1. Paths and names are fixed: what changes them is version 2."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError
from ninja.renderers import BaseRenderer
from pydantic import BaseModel, Field

from inbound.api import router as inbound
from inventory.api import router as inventory
from marketplaces.api import router as marketplaces
from outbound.api import router as outbound
from webhooks.api import router as webhooks
from wms.core.api import errors
from wms.core.api.bodies import JsonParser
from wms.core.api.document import DocumentedApi
from wms.core.api.health import broker_answers, database_answers
from wms.core.json_text import as_json


class JsonRenderer(BaseRenderer):
    media_type = errors.JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return as_json(data)


api = DocumentedApi(
    title="WMS",
    version="1",
    urls_namespace="api-v1",
    description=(
        "Send in what is on its way and what is to be sent out; ask for stock, orders and labels. Every request but `/health` carries "
        "`Authorization: Bearer KEY`, of a key with the operation's scope. Every error is `{code, message, details}`. "
        "Writes may carry an `Idempotency-Key`: the same key with the same content is answered as the first time. Lists come as `{items, next_cursor}`."
    ),
    parser=JsonParser(),
    renderer=JsonRenderer(),
)
for kind in (Exception, Http404, HttpError, ValidationError):
    # Errors become answers in one place: wms.core.api.gate.
    api.add_exception_handler(kind, lambda request, error: _raise(error))


def _raise(error: Exception | type[Exception]) -> HttpResponse:
    raise error


for router in (outbound, inbound, inventory, marketplaces, webhooks):
    api.add_router("", router)


class Health(BaseModel):
    model_config = {"json_schema_extra": {"examples": [{"status": "ok", "database": True, "broker": True}]}}

    status: Annotated[Literal["ok", "degraded", "down"], Field(title="HealthStatus")]
    database: bool
    broker: bool


@api.get("/health", response={200: Health, 503: Health}, auth=None, tags=["health"])
def health(request: HttpRequest) -> HttpResponse:
    """503 while the database is down. Without the broker orders are still taken; shops hear later."""
    database, broker = database_answers(), broker_answers()
    status = "down" if not database else "ok" if broker else "degraded"
    body = {"status": status, "database": database, "broker": broker}
    return HttpResponse(as_json(body), status=200 if database else 503, content_type=errors.JSON)
