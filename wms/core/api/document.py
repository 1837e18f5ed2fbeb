"""The OpenAPI document: what ninja makes of the operations, and what all of them share.

Every answer and every body carries an example: those of the schemas (`examples`), and for refusals real errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from wms.core.api import errors
from wms.core.api.keys import ApiKeyAuth, ScopeMissing
from wms.core.commands import RequestReused
from wms.core.errors import InvalidInput, NotFound, WmsError

_KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]{1,100}$"},
    "required": False,
    "description": "The same key with the same content is answered as the first time, with other content 409.",
}
_WHOLE_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
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
    "RateLimit-Limit": {"schema": _WHOLE_NUMBER, "description": "q, as earlier drafts say it.", "example": "1000"},
    "RateLimit-Remaining": {"schema": _WHOLE_NUMBER, "description": "r, as earlier drafts say it.", "example": "990"},
    "RateLimit-Reset": {"schema": _WHOLE_NUMBER, "description": "t, as earlier drafts say it.", "example": "1"},
}
_RETRY_AFTER = {"Retry-After": {"schema": _WHOLE_NUMBER, "description": "Seconds to wait.", "example": "2"}}
_WHO = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to say who is calling.", "example": "Bearer"}}

# status: (name in the document, description, headers besides the rate's, an example or None for the plain answer)
_REFUSALS: dict[int, tuple[str, str, dict[str, Any], WmsError | None]] = {
    400: ("InvalidJson", "The body cannot be read as JSON.", {}, errors.InvalidJson(reason="expected value at line 1 column 12")),
    401: ("NotSignedIn", "There is no key, or it does not work (any more).", _WHO, errors.NotSignedIn()),
    403: ("ScopeMissing", "The key lacks the operation's scope.", {}, ScopeMissing(scope="orders:write")),
    404: ("NotFound", "The merchant has no such thing.", {}, NotFound(what="order", key=4711)),
    409: ("Conflict", "What is there already stands against it.", {}, RequestReused(request_id="so-10001-first-try")),
    413: ("TooLarge", "The body is too large, or holds too much.", {}, errors.TooLarge(limit=500, what="orders")),
    415: (
        "UnsupportedMediaType",
        "The body is said to be something else than JSON in UTF-8, or compressed.",
        {},
        errors.UnsupportedMediaType(),
    ),
    422: (
        "Refused",
        "Fields that cannot be used, each with its path, or a rule of the warehouse that is against it.",
        {},
        InvalidInput([{"path": ["lines", 0, "quantity"], "message": "At least 1."}]),
    ),
    429: ("TooManyRequests", "Above the key's rate.", _RETRY_AFTER, errors.TooManyRequests(retry_after=2)),
    500: ("ServerError", "A fault of ours; it was written down.", {}, None),
    503: ("Unavailable", "The database cannot serve at the moment.", _RETRY_AFTER, None),
}
_OF_ANY_KEY, _OF_A_BODY = (401, 403, 422, 429, 500, 503), (400, 413, 415)


class DocumentedApi(NinjaAPI):
    """Operations are called as their functions: `create_order`."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        name: str = operation.view_func.__name__
        return name

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        components = document["components"]
        components["schemas"]["ErrorOut"] = errors.ErrorOut.model_json_schema()
        components["responses"] = {_REFUSALS[status][0]: _refusal(status) for status in _REFUSALS}
        scopes = self._scopes()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if operation["operationId"] in scopes:
                    operation["security"] = [{ApiKeyAuth.__name__: [scopes[operation["operationId"]]]}]
                    _complete(operation, method, path)
        document["paths"] = _named(document["paths"], components["schemas"])
        for name, schema in list(components["schemas"].items()):
            components["schemas"][name] = _named(schema, components["schemas"], at=name)
        for operations in document["paths"].values():
            for operation in operations.values():
                _exemplify(operation, components["schemas"])
        # Parameters stand at their operations: what they came from is nobody's schema.
        components["schemas"] = {name: schema for name, schema in components["schemas"].items() if not name.endswith("Filters")}
        return document

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """Every operation, now that all routers are there, refuses what it does not know in its query, as bodies do: a mistyped filter would else
        answer everything.
        """
        found = super().urls
        for operation, auth in self._with_keys():
            queries = [model for model in operation.models if model.__ninja_param_source__ == "query"]
            auth.parameters = frozenset(name for model in queries for name in model.__ninja_flatten_map__)
        return found

    def _scopes(self) -> dict[str, str]:
        """The scope of each operation, by the operation's id."""
        return {self.get_openapi_operation_id(operation): auth.scope for operation, auth in self._with_keys()}

    def _with_keys(self) -> Iterator[tuple[Operation, ApiKeyAuth]]:
        for _prefix, router in self._routers:
            for view in router.path_operations.values():
                for operation in view.operations:
                    yield from ((operation, auth) for auth in operation.auth_callbacks if isinstance(auth, ApiKeyAuth))


def _refusal(status: int) -> dict[str, Any]:
    _name, description, headers, error = _REFUSALS[status]
    body = errors.described(error) if error is not None else errors.plain_body(status)
    content = {errors.JSON: {"schema": {"$ref": "#/components/schemas/ErrorOut"}, "example": body}}
    return {
        "description": description,
        "headers": headers if status in (401, 500, 503) else {**headers, **_RATE_HEADERS},
        "content": content,
    }


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    """What a key may be answered and may send, besides what the operation itself says."""
    for answer in operation["responses"].values():
        answer["headers"] = {**answer.get("headers", {}), **_RATE_HEADERS}
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _without_null(parameter["schema"])
    refusals = {*_OF_ANY_KEY}
    if "{" in path:
        refusals.add(404)
    if method == "post":
        operation.setdefault("parameters", []).append(_KEY_HEADER)
        refusals.add(409)
    if "requestBody" in operation:
        refusals.update(_OF_A_BODY)
    for status in sorted(refusals):
        operation["responses"][status] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be null there may be left out."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _named(node: Any, schemas: dict[str, Any], at: str = "") -> Any:
    """The same, with every enumeration that has a title (wms.core.api.fields.choices) a schema of its own."""
    if isinstance(node, list):
        return [_named(each, schemas) for each in node]
    if not isinstance(node, dict):
        return node
    name = node.get("title")
    if isinstance(name, str) and "enum" in node and name != at:
        schemas[name] = {part: node[part] for part in ("title", "type", "enum")}
        reference = {"$ref": f"#/components/schemas/{name}"}
        return {**reference, "default": node["default"]} if "default" in node else reference
    return {key: value if key in ("example", "examples") else _named(value, schemas) for key, value in node.items()}


def _exemplify(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """The first example of a schema is the example of whatever is sent or answered in its form."""
    for place in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in place.get("content", {}).values():
            schema = content["schema"]
            examples = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema).get("examples")
            if examples:
                content.setdefault("example", examples[0])
