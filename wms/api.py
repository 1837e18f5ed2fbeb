"""The public API, version 1. Paths and names are fixed: what changes them is version 2."""

from __future__ import annotations

from typing import Any, Literal

import pydantic_core
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic import BaseModel

from inbound.api import router as inbound
from inventory.api import router as inventory
from outbound.api import router as outbound
from webhooks.api import router as webhooks
from wms.core.api import errors
from wms.core.api.health import broker_answers, database_answers
from wms.core.api.keys import ApiKeyAuth


class JsonParser(Parser):
    """Strict JSON: UTF-8, no NaN, no bottomless nesting."""

    def parse_body(self, request: HttpRequest) -> Any:
        kind, _semicolon, rest = request.META.get("CONTENT_TYPE", "").partition(";")
        charset = rest.partition("charset=")[2].strip(' "').lower()
        if kind.strip().lower() not in ("", errors.JSON) or charset not in ("", "utf-8", "utf8"):
            raise errors.UnsupportedMediaType
        try:
            return pydantic_core.from_json(request.body, allow_inf_nan=False)
        except ValueError as error:
            raise errors.InvalidJson(reason=str(error)[:200]) from None


class JsonRenderer(BaseRenderer):
    media_type = errors.JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return pydantic_core.to_json(data)


_KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 100},
    "required": False,
    "description": "The same key with the same content is answered as the first time, with other content 409.",
}


# As wms.core.api.limits says them.
_RATE_HEADERS = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": "How much the key may ask: q requests in w seconds.",
        "example": '"key";q=1000;w=5',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": "What is left: r requests; all of them again in t seconds.",
        "example": '"key";r=990;t=1',
    },
}


class Api(NinjaAPI):
    """Its document names, for every operation, what all of them share: errors, scopes, rates, and the Idempotency-Key of writes."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        error = {"schema": {"$ref": "#/components/schemas/ErrorOut"}}
        document["components"]["schemas"]["ErrorOut"] = errors.ErrorOut.model_json_schema()
        scopes = self._scopes()
        for operations in document["paths"].values():
            for method, operation in operations.items():
                if operation["operationId"] in scopes:
                    operation["security"] = [{ApiKeyAuth.__name__: [scopes[operation["operationId"]]]}]
                    for answer in operation["responses"].values():
                        answer["headers"] = {**answer.get("headers", {}), **_RATE_HEADERS}
                operation["responses"]["default"] = {"description": "Any error", "content": {errors.JSON: error}}
                if method == "post":
                    operation.setdefault("parameters", []).append(_KEY_HEADER)
        return document

    def _scopes(self) -> dict[str, str]:
        """The scope of each operation, by the operation's id."""
        views = [view for _prefix, router in self._routers for view in router.path_operations.values()]
        return {
            self.get_openapi_operation_id(operation): auth.scope
            for view in views
            for operation in view.operations
            for auth in operation.auth_callbacks
            if isinstance(auth, ApiKeyAuth)
        }


api = Api(
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


for router in (outbound, inbound, inventory, webhooks):
    api.add_router("", router)


class Health(BaseModel):
    status: Literal["ok", "degraded", "down"]
    database: bool
    broker: bool


@api.get("/health", response={200: Health, 503: Health}, auth=None, tags=["health"])
def health(request: HttpRequest) -> HttpResponse:
    """503 while the database is down. Without the broker orders are still taken; shops hear later."""
    database, broker = database_answers(), broker_answers()
    status = "down" if not database else "ok" if broker else "degraded"
    body = {"status": status, "database": database, "broker": broker}
    return HttpResponse(pydantic_core.to_json(body), status=200 if database else 503, content_type=errors.JSON)
