"""The loopback shop, strict and ill-mannered.

Every request is held against the official schema and answered through it, costs points out of a leaky bucket, and the shop fails on
purpose by a script.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

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
from wms.simulation.shop import Answer

MOST_POINTS = 1000
BASE_PATH = "/a-proxy/admin/api/2026-10"


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    variables: Mapping[str, Any]
    query: str
    token: str


Fault = Callable[[Call, Callable[[], Answer]], Answer]


@dataclass
class _Scripted:
    pattern: re.Pattern[str]
    fault: Fault
    left: int


class ShopifyShop:
    """`shop.misbehave(operation, fault, times)` scripts what goes wrong; `shop.calls` is what came; `shop.check()` raises on any breach."""

    def __init__(self, schema: GraphQLSchema, *, token: str = "shpat_loopback", clock: Callable[[], datetime] | None = None) -> None:
        self.schema, self.token = schema, token
        self.books = Books(clock or (lambda: datetime.now(UTC)))
        self.maximum, self.points, self.per_second = 2000.0, 2000.0, 100.0
        self._counted_at = time.monotonic()
        self.calls: list[Call] = []
        self.costs: dict[str, float] = {}
        self.breaches: list[str] = []
        self._script: list[_Scripted] = []
        self._read = cache(self._read_document)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASE_PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def misbehave(self, operation: str, fault: Fault, *, times: int = 1) -> None:
        """Calls of matching operations meet `fault`, `times` times, in the order of the script."""
        self._script.append(_Scripted(re.compile(operation), fault, times))

    def made(self, operation: str) -> list[Call]:
        return [call for call in self.calls if re.fullmatch(operation, call.operation)]

    def check(self) -> None:
        assert not self.breaches, "\n".join(sorted(set(self.breaches)))
        unused = [scripted.pattern.pattern for scripted in self._script if scripted.left]
        assert not unused, f"never came to misbehave at {unused}"

    def pass_time(self, seconds: float) -> None:
        self.points = min(self.maximum, self.points + seconds * self.per_second)

    def _read_document(self, query: str) -> tuple[DocumentNode | None, list[str]]:
        """The parsed request and what a strict reader of the schema objects to; what is deprecated counts too."""
        try:
            document = parse(query)
        except Exception as error:
            return None, [str(error)]
        return document, [error.message for error in validate(self.schema, document, [*specified_rules, NoDeprecatedCustomRule])]

    def answer(self, body: Mapping[str, Any], token: str) -> Answer:
        call = Call(str(body.get("operationName")), body.get("variables") or {}, str(body.get("query")), token)
        with self.books.lock:
            self.calls.append(call)
            document, problems = self._read(call.query)
            self.breaches += [f"{call.operation}: {problem}" for problem in problems]
            scripted = next((fault for fault in self._script if fault.left and fault.pattern.fullmatch(call.operation)), None)
            if scripted:
                scripted.left -= 1

        def proper() -> Answer:
            with self.books.lock:
                return self._execute(call, document) if document and not problems else Answer(200, {"errors": [{"message": problems[0]}]})

        return scripted.fault(call, proper) if scripted else proper()

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


def _handler_of(shop: ShopifyShop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            here = self.path == f"{BASE_PATH}/graphql.json"
            answer = shop.answer(body, self.headers.get("X-Shopify-Access-Token", "")) if here else Answer(404, "<html>Not here</html>")
            if answer.status == 0:  # hang up without a word
                self.close_connection = True
                return
            content = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            kind = "text/html" if isinstance(answer.body, str) else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


# Faults


def throttle(retry_after: str | None = None) -> Fault:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda call, proper: Answer(429, {"errors": "Exceeded 2 calls per second for api client."}, dict(headers))


def fail(status: int, body: Any = "<html>Something went wrong</html>", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, body, dict(headers or {}))


def error(code: str, message: str = "No.") -> Fault:
    """HTTP 200, and the body says that nothing was done."""
    return lambda call, proper: Answer(200, {"errors": [{"message": message, "extensions": {"code": code}}]})


def slow(seconds: float) -> Fault:
    """The work is done, the answer comes too late."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        time.sleep(seconds)
        return answer

    return fault


def hang_up(call: Call, proper: Callable[[], Answer]) -> Answer:
    return Answer(0, None)


def hang_up_after_work(call: Call, proper: Callable[[], Answer]) -> Answer:
    proper()
    return Answer(0, None)


def change_answer(change: Callable[[dict[str, Any]], Any]) -> Fault:
    """The work is done; `change` works on the answer's data."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        change(answer.body["data"])
        return answer

    return fault


def before_work(act: Callable[[], Any]) -> Fault:
    """Something happens in the shop between the request and its work."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        act()
        return proper()

    return fault


def user_errors(field: str, *errors: dict[str, Any], name: str = "userErrors") -> Fault:
    """HTTP 200, nothing is done, and the payload says why not."""
    return lambda call, proper: Answer(200, {"data": {field: {name: list(errors)}}})
