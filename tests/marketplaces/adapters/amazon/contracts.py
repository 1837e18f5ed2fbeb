"""Amazon's own contracts (Swagger 2.0, and JSON schemas of what travels as a document), read by the strictest reader there is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, Draft7Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

FILES = ("listingsItems_2021-08-01", "feeds_2021-06-30", "orders_2026-01-01", "ordersV0", "notifications")
FEED, REPORT = "listings-feed-schema-v2", "listings-feed-processing-report-schema-v2"
NOTIFICATIONS = {
    "ORDER_CHANGE": "OrderChangeNotification",
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": "ListingsItemMfnQuantityChange",
    "FEED_PROCESSING_FINISHED": "FeedProcessingFinishedNotification",
}

checker = FormatChecker(formats=[])


@checker.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Operation:
    """`uri`: the contract in which its references are looked up."""

    name: str
    method: str
    pattern: re.Pattern[str]
    uri: str
    parameters: tuple[Mapping[str, Any], ...]
    responses: Mapping[str, Any]

    @cached_property
    def rate(self) -> float:
        return RATES[self.name]


# Calls a second, as the operations' descriptions say; filled when the contracts are read.
RATES: dict[str, float] = {}
BURSTS: dict[str, float] = {}
_PLAN = re.compile(r"\|\s*([0-9.]+)\s*\|\s*([0-9]+)\s*\|")


class Contracts:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        documents = {f"contract:{name}": self._load(name) for name in FILES}
        resources = [(uri, DRAFT4.create_resource(document)) for uri, document in documents.items()]
        self._documents = documents
        self._registry: Registry[Any] = Registry().with_resources(resources)
        self.operations = [operation for uri, document in documents.items() for operation in _operations(uri, document)]

    def _load(self, name: str) -> Any:
        return json.loads((self._folder / f"{name}.json").read_text())

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        for operation in self.operations:
            if operation.method == method and (match := operation.pattern.fullmatch(path)):
                return operation, match.groupdict()
        return None

    def request_problems(self, operation: Operation, params: Mapping[str, str], body: Any) -> list[str]:
        """What a strict reader would object to: also what the contract does not name."""
        query = {parameter["name"]: parameter for parameter in operation.parameters if parameter["in"] == "query"}
        problems = [f"unknown parameter {name}" for name in params if name not in query]
        problems += [f"{name} is missing" for name, parameter in query.items() if parameter.get("required") and name not in params]
        for name, text in params.items():
            if name in query:
                schema = {key: value for key, value in query[name].items() if key not in {"in", "name", "required", "description"}}
                problems += [f"{name}: {problem}" for problem in self.problems(operation.uri, schema, _typed(text, query[name]))]
        wanted = next((parameter for parameter in operation.parameters if parameter["in"] == "body"), None)
        if wanted is None:
            return [*problems, *(["a body that nobody asked for"] if body is not None else [])]
        if body is None:
            return [*problems, "no body"]
        return [*problems, *self.problems(operation.uri, wanted["schema"], body)]

    def answer_problems(self, operation: Operation, status: int, body: Any) -> list[str]:
        response = operation.responses.get(str(status))
        if response is None:
            return [f"status {status} is not in the contract"]
        if "schema" not in response:
            return ["content where there is none"] if body is not None else []
        return self.problems(operation.uri, response["schema"], body)

    def problems(self, uri: str, schema: Mapping[str, Any], value: Any) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"{uri}#/'))
        validator = Draft4Validator(absolute, registry=self._registry, format_checker=checker)
        found = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]
        return [*found, *self._unknown(uri, schema, value, "")]

    def _unknown(self, uri: str, schema: Mapping[str, Any], value: Any, path: str) -> list[str]:
        """Properties that the contract does not name, where it does not say that others may come."""
        known, free = self._properties(uri, schema)
        if isinstance(value, list):
            items = self._resolved(uri, schema).get("items", {})
            return [problem for number, item in enumerate(value) for problem in self._unknown(uri, items, item, f"{path}/{number}")]
        if not isinstance(value, dict) or free or not known:
            return []
        problems = [f"{path}/{name} is unknown" for name in value if name not in known]
        for name, part in value.items():
            problems += self._unknown(uri, known[name], part, f"{path}/{name}") if name in known else []
        return problems

    def _resolved(self, uri: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._documents[uri]["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _properties(self, uri: str, schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        schema = self._resolved(uri, schema)
        known, free = dict(schema.get("properties", {})), bool(schema.get("additionalProperties"))
        for part in schema.get("allOf", ()):
            more, also = self._properties(uri, part)
            known, free = known | more, free or also
        return known, free

    def document_problems(self, name: str, value: Any) -> list[str]:
        """Of what travels as a document or a message: FEED, REPORT, or one of NOTIFICATIONS."""
        errors = Draft7Validator(self._load(name), format_checker=checker).iter_errors(value)
        return [f"{name}: {'/'.join(map(str, error.path))}: {error.message}" for error in errors]

    def example(self, kind: str) -> Any:
        """A notification as Amazon itself writes it."""
        return self._load(NOTIFICATIONS[kind])["examples"][0]


def _operations(uri: str, document: Mapping[str, Any]) -> list[Operation]:
    found = []
    for path, methods in document["paths"].items():
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        for method, told in methods.items():
            if not isinstance(told, dict) or "operationId" not in told:  # shared parameters, extensions
                continue
            # Of two versions of an operation the first that is listed counts; paths tell the two apart.
            name = told["operationId"]
            found.append(Operation(name, method.upper(), pattern, uri, tuple(told.get("parameters", ())), told["responses"]))
            if (plan := _PLAN.search(told["description"])) and name not in RATES:
                RATES[name], BURSTS[name] = float(plan[1]), float(plan[2])
    return found


def _typed(text: str, parameter: Mapping[str, Any]) -> Any:
    """A query's text as the value that the contract speaks of; lists are separated by commas."""
    match parameter["type"]:
        case "array":
            return text.split(",")
        case "integer":
            return int(text) if re.fullmatch(r"-?[0-9]+", text) else text
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case _:
            return text
