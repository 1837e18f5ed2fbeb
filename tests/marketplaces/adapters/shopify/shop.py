"""The loopback shop, strict and ill-mannered.

Every request is held against the official schema and answered through it, costs points out of a leaky bucket, and the shop fails on
purpose by a script.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    get_named_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values

from tests.marketplaces.adapters.shopify.answers import Answers
from tests.marketplaces.adapters.shopify.books import Books
from tests.marketplaces.misbehaving import Fault, LoopbackShop
from wms.simulation.shop_server import Answer

MOST_POINTS = 1000
BASE_PATH = "/a-proxy/admin/api/2026-10"


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    variables: Mapping[str, Any]
    query: str
    token: str

    def __str__(self) -> str:
        return self.operation


class ShopifyShop(LoopbackShop):
    """Faults are scripted by the operation's name."""

    def __init__(self, schema: GraphQLSchema, *, token: str = "shpat_loopback", clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.schema, self.token = schema, token
        self.books = Books(clock or (lambda: datetime.now(UTC)))
        self.maximum, self.points, self.per_second = 2000.0, 2000.0, 100.0
        self._counted_at = time.monotonic()
        self.costs: dict[str, float] = {}
        self._read = cache(self._read_document)

    @property
    def url(self) -> str:
        return f"{self.root}{BASE_PATH}"

    def pass_time(self, seconds: float) -> None:
        self.points = min(self.maximum, self.points + seconds * self.per_second)

    def _read_document(self, query: str) -> tuple[DocumentNode | None, list[str]]:
        """The parsed request and what a strict reader of the schema objects to; what is deprecated counts too."""
        try:
            document = parse(query)
        except Exception as error:
            return None, [str(error)]
        return document, [error.message for error in validate(self.schema, document, [*specified_rules, NoDeprecatedCustomRule])]

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if (method, target) != ("POST", f"{BASE_PATH}/graphql.json"):
            return Answer(404, "<html>Not here</html>")
        body, token = json.loads(content), headers.get("x-shopify-access-token", "")
        call = Call(str(body.get("operationName")), body.get("variables") or {}, str(body.get("query")), token)
        with self.books.lock:
            document, problems = self._read(call.query)
            self.breaches += [f"{call.operation}: {problem}" for problem in problems]

        def proper() -> Answer:
            with self.books.lock:
                return self._execute(call, document) if document and not problems else Answer(200, {"errors": [{"message": problems[0]}]})

        return self.meet(call, proper)

    def _execute(self, call: Call, document: DocumentNode) -> Answer:
        if call.token != self.token:
            return Answer(401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"})
        now = time.monotonic()
        self.pass_time(now - self._counted_at)
        self._counted_at = now
        cost = Cost(self.schema, document, call.variables)
        self.breaches += [f"{call.operation}: {problem}" for problem in cost.problems]
        if cost.problems:
            return Answer(200, {"errors": [{"message": cost.problems[0], "extensions": {"code": "INVALID_VARIABLE"}}]})
        self.costs[call.operation] = max(cost.points, self.costs.get(call.operation, 0))
        if cost.points > MOST_POINTS:
            self.breaches.append(f"{call.operation}: {cost.points} points are too many for one call")
            return Answer(200, {"errors": [{"message": "Query cost is too high", "extensions": {"code": "MAX_COST_EXCEEDED"}}]})
        if cost.points > self.points:
            return Answer(200, {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], **self._extensions(cost.points)})
        result = execute_sync(self.schema, document, Answers(self.books).root(), variable_values=dict(call.variables))
        if result.errors:
            self.breaches += [f"{call.operation}: the shop itself: {error.message}" for error in result.errors]
        # What goes out must not change under the hands of the next call.
        data = json.loads(json.dumps(result.data))
        self.points -= min(cost.points, _objects(data))
        return Answer(200, {"data": data, **self._extensions(cost.points)})

    def _extensions(self, requested: float) -> dict[str, Any]:
        status = {"maximumAvailable": self.maximum, "currentlyAvailable": self.points, "restoreRate": self.per_second}
        return {"extensions": {"cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}}}


class Cost:
    """What a request asks for at most: 1 point an object, a list as many objects as it may have, 10 for a change."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.schema = schema
        operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        self.fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        coerced = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
        self.problems = [error.message for error in coerced] if isinstance(coerced, list) else []
        self.variables: Any = None if self.problems else coerced
        self.points = 0.0
        if not self.problems:
            root = schema.get_root_type(operation.operation)
            self.points = self._selection(operation.selection_set, root) + (10 if operation.operation is OperationType.MUTATION else 0)

    def _selection(self, selections: SelectionSetNode, parent: Any) -> float:
        points = 0.0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                points += self._field(node, parent)
                continue
            part = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(part, (FragmentDefinitionNode, InlineFragmentNode))
            assert part.type_condition is not None
            points += self._selection(part.selection_set, self.schema.get_type(part.type_condition.name.value))
        return points

    def _field(self, node: FieldNode, parent: GraphQLObjectType) -> float:
        definition = parent.fields[node.name.value]
        kind = get_named_type(definition.type)
        if is_leaf_type(kind) or node.selection_set is None:
            return 0.0
        arguments = get_argument_values(definition, node, self.variables)
        times = arguments.get("first") or len(arguments.get("ids") or []) or 1
        if kind.name == "PageInfo":
            return 0.0
        return times * (self._selection(node.selection_set, kind) + (0 if kind.name.endswith("Connection") else 1))


def _objects(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_objects, value))
    return 1 + sum(map(_objects, value.values())) if isinstance(value, dict) else 0


# Faults


def throttle(retry_after: str | None = None) -> Fault:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda call, proper: Answer(429, {"errors": "Exceeded 2 calls per second for api client."}, dict(headers))


def error(code: str, message: str = "No.") -> Fault:
    """HTTP 200, and the body says that nothing was done."""
    return lambda call, proper: Answer(200, {"errors": [{"message": message, "extensions": {"code": code}}]})


def change_answer(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """The work is done; `change` works on the answer's data."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        change(answer.body["data"])
        return answer

    return fault


def user_errors(field: str, *errors: dict[str, Any], name: str = "userErrors") -> Fault:
    """HTTP 200, nothing is done, and the payload says why not."""
    return lambda call, proper: Answer(200, {"data": {field: {name: list(errors)}}})
