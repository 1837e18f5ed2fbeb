"""eBay's own OpenAPI contracts, read strictly: what they do not name is a breach, in what we send and in what the loopback shop answers."""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "contracts" / "ebay"
FILES = {
    "/sell/inventory/v1": "sell_inventory_v1_oas3.json",
    "/sell/fulfillment/v1": "sell_fulfillment_v1_oas3.json",
    "/commerce/notification/v1": "commerce_notification_v1_oas3.json",
}
# The contract types this as a string; the documentation's samples, and the request, have the object.
MISTYPED = {("Destination", "deliveryConfig"): {"$ref": "#/components/schemas/DeliveryConfig"}}
# An answer of several parts is one of the kind that 200 has.
SAME_AS_200 = {"207"}

# Not among the contracts: out of the documentation of the token, post-order and developer analytics interfaces.
_DATE = {"type": "object", "properties": {"value": {"type": "string"}}, "required": ["value"], "additionalProperties": False}
DOCUMENTED: dict[tuple[str, str], tuple[str, Any]] = {
    ("POST", "/identity/v1/oauth2/token"): ("token", {"type": "string"}),
    ("GET", "/developer/analytics/v1_beta/rate_limit/"): ("getRateLimits", None),
    ("POST", "/post-order/v2/cancellation"): (
        "createCancellation",
        {
            "type": "object",
            "properties": {
                "legacyOrderId": {"type": "string"},
                "cancelReason": {"enum": ["OUT_OF_STOCK_OR_CANNOT_FULFILL", "ADDRESS_ISSUES", "BUYER_ASKED_CANCEL"]},
                "buyerPaid": {"type": "boolean"},
                "buyerPaidDate": _DATE,
            },
            "required": ["legacyOrderId", "cancelReason"],
            "additionalProperties": False,
        },
    ),
    ("POST", "/post-order/v2/cancellation/{cancelId}/approve"): ("approveCancellation", None),
    ("POST", "/post-order/v2/cancellation/{cancelId}/reject"): (
        "rejectCancellation",
        {
            "type": "object",
            "properties": {"shipmentDate": _DATE, "trackingNumber": {"type": "string"}},
            "additionalProperties": False,
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is below the base path and still percent-encoded; `body` is JSON, None without; a form stays a string."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """`scopes`: a token needs one of these. Empty: any token will do."""

    name: str
    ids: Mapping[str, str]
    scopes: frozenset[str]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    prefix: str
    operation: Mapping[str, Any]


class Contract:
    def __init__(self) -> None:
        if not FOLDER.is_dir():
            pytest.skip(f"{FOLDER} is not there: eBay's contracts cannot be read")
        self._documents = {prefix: _strict(json.loads((FOLDER / name).read_text())) for prefix, name in FILES.items()}
        self._routes = [
            _Route(method.upper(), _pattern(prefix + path), prefix, operation)
            for prefix, document in self._documents.items()
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in {"get", "post", "put", "delete"}
        ]
        self._documented = [(method, _pattern(path), *rest) for (method, path), rest in DOCUMENTED.items()]

    def operation(self, request: Request) -> Operation:
        """What is asked for, and what a strict reader of the contract objects to."""
        for method, pattern, name, schema in self._documented:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                return Operation(name, match.groupdict(), frozenset(), tuple(_errors(name, {}, schema, request.body)))
        for route in self._routes:
            if route.method == request.method and (match := route.pattern.fullmatch(request.path)):
                name = route.operation["operationId"]
                scopes = frozenset(scope for row in route.operation["security"] for scope in row["api_auth"])
                problems = [*self._parameters(route, request), *self._body(route, request)]
                return Operation(name, match.groupdict(), scopes, tuple(f"{name}: {problem}" for problem in problems))
        return Operation("unknown", {}, frozenset(), (f"{request.method} {request.path} is not in the contract",))

    @staticmethod
    def _parameters(route: _Route, request: Request) -> list[str]:
        known = {parameter["name"]: parameter for parameter in route.operation.get("parameters", []) if parameter["in"] == "query"}
        problems = [f"the contract has no parameter {name}" for name in request.params if name not in known]
        problems += [f"{name} is required" for name, parameter in known.items() if parameter.get("required") and name not in request.params]
        wants_type = any(parameter["name"] == "Content-Type" for parameter in route.operation.get("parameters", []))
        if (wants_type or request.body is not None) and request.headers.get("content-type") != "application/json":
            problems.append("the body is not declared as JSON")
        return problems

    def _body(self, route: _Route, request: Request) -> list[str]:
        wanted = route.operation.get("requestBody")
        if wanted is None:
            return [] if request.body is None else ["the contract takes no body"]
        if request.body is None:
            return ["the body is missing"]
        schema = wanted["content"]["application/json"]["schema"]
        return list(_errors("body", self._documents[route.prefix], {"$ref": schema["$ref"]}, request.body))

    def answer_problems(self, name: str, status: int, body: Any) -> list[str]:
        """What a strict reader objects to in what the shop answers."""
        route = next((route for route in self._routes if route.operation["operationId"] == name), None)
        if route is None:
            return []
        responses = route.operation["responses"]
        if str(status) not in responses:
            return [f"{name}: the contract has no answer {status}"]
        if status >= 400:
            return list(_errors(name, self._documents[route.prefix], ERRORS, body))
        key = "200" if str(status) in SAME_AS_200 else str(status)
        content = responses[key].get("content")
        if content is None:
            return [] if body is None else [f"{name}: the contract answers nothing with {status}"]
        schema = content["application/json"]["schema"]
        return [] if body is None else list(_errors(name, self._documents[route.prefix], schema, body))


ERRORS = {
    "type": "object",
    "properties": {"errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}}},
    "required": ["errors"],
    "additionalProperties": False,
}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _strict(document: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(document)
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            schema["properties"][field] = MISTYPED.get((name, field), schema["properties"][field])
        if schema.get("properties"):
            schema["additionalProperties"] = False
    return document


def _errors(name: str, document: Mapping[str, Any], schema: Any, value: Any) -> list[str]:
    if schema is None:
        return [] if value is None else [f"{name}: takes no body"]
    whole = {"components": document.get("components", {}), **schema}
    if "$ref" in schema:
        whole = {"components": document["components"], "allOf": [schema]}
    return [f"{name}: {error.json_path}: {error.message}" for error in Draft4Validator(whole).iter_errors(value)]
