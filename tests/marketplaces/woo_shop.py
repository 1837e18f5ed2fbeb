"""The loopback shop, strict and ill-mannered.

Every request is held against what a real WooCommerce 11 says it takes, and the shop fails on purpose by a script.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from tests.marketplaces.misbehaving import Fault, Misbehaving
from wms.simulation.shop import Shop
from wms.simulation.shop_books import JsonObject
from wms.simulation.shop_server import Answer, Call

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "woocommerce"


class Contract:
    """The captured index (what each route takes) and OPTIONS answers (what it gives)."""

    ANSWERS = {
        r"orders|orders/\d+": "options_orders_1.json",
        r"orders/\d+/notes": "options_orders_1_notes.json",
        r"orders/\d+/refunds": "options_orders_1_refunds.json",
        r"products|products/\d+|products/batch": "options_products_1.json",
        r"products/\d+/variations(/\d+|/batch)?": "options_products_10_variations.json",
        r"webhooks|webhooks/\d+": "options_webhooks.json",
    }

    def __init__(self, folder: Path = CONTRACTS) -> None:
        index = json.loads((folder / "wc-v3-index_11.0.1.json").read_text())
        prefix = f"/{index['namespace']}/"
        routes = {route.removeprefix(prefix): value["endpoints"] for route, value in index["routes"].items() if route.startswith(prefix)}
        self._routes = [(re.compile(route), endpoints) for route, endpoints in routes.items()]
        self._answers = {pattern: json.loads((folder / name).read_text())["schema"] for pattern, name in self.ANSWERS.items()}

    def problems(self, call: Call) -> list[str]:
        """What a strict reader of the contract would object to in a request."""
        for route, endpoints in self._routes:
            if match := route.fullmatch(call.path):
                for endpoint in endpoints:
                    if call.method in endpoint["methods"]:
                        args = endpoint["args"] or {}
                        return [*self._query(call, args), *self._body(call, args, match.groupdict())]
                return [f"{call}: the method is not in the contract"]
        return [f"{call}: the route is not in the contract"]

    @staticmethod
    def _query(call: Call, args: JsonObject) -> list[str]:
        problems = []
        for name, text in call.params.items():
            if name.startswith("oauth_"):
                continue
            if name not in args:
                problems.append(f"{call}: unknown parameter {name}")
            else:
                problems += _faults(f"{call}: {name}", _typed(text, args[name]), args[name])
        if call.method == "GET" and call.body is not None:
            problems.append(f"{call}: a GET with a body")
        return problems

    def _body(self, call: Call, args: JsonObject, path_args: Mapping[str, str]) -> list[str]:
        if call.method in {"GET", "DELETE"}:
            return []
        if not isinstance(call.body, dict):
            return [f"{call}: the body is not an object"]
        if call.path.endswith("/batch"):
            problems = [f"{call}: unknown part {part}" for part in call.body if part not in {"create", "update", "delete"}]
            for row in call.body.get("update", []):
                if not isinstance(row.get("id"), int):
                    problems.append(f"{call}: a row without an id")
                problems += self._arguments(call, {name: value for name, value in row.items() if name != "id"}, args)
            return problems
        missing = [name for name, rule in args.items() if rule.get("required") is True and name not in call.body and name not in path_args]
        return [*(f"{call}: {name} is missing" for name in missing), *self._arguments(call, call.body, args)]

    @staticmethod
    def _arguments(call: Call, values: JsonObject, args: JsonObject) -> list[str]:
        problems = []
        for name, value in values.items():
            if name not in args:
                problems.append(f"{call}: unknown argument {name}")
            elif args[name].get("readonly"):
                problems.append(f"{call}: {name} is read-only")
            else:
                problems += _faults(f"{call}: {name}", value, args[name])
        return problems

    def answer_problems(self, call: Call, answer: Answer) -> list[str]:
        """Whether our loopback shop answers in the shape of the real one (a part of its fields, but no others); of fulfilments it says none."""
        schema = next((schema for pattern, schema in self._answers.items() if re.fullmatch(pattern, call.path)), None)
        if schema is None or not 200 <= answer.status < 300 or isinstance(answer.body, str):
            return []
        body, problems = answer.body, []
        if call.path.endswith("/batch"):
            problems = [f"{call}: the shop answers an unknown part {part}" for part in body if part != "update"]
            body = [row for row in body["update"] if set(row) != {"id", "error"}]
        rows = body if isinstance(body, list) else [body]
        for row in rows:
            for name, value in row.items():
                if name not in schema["properties"]:
                    problems.append(f"{call}: the shop answers an unknown field {name}")
                elif value is not None:
                    problems += _faults(f"{call}: the shop's {name}", value, schema["properties"][name])
        return problems


def _typed(text: str, rule: JsonObject) -> Any:
    """A query parameter as WordPress reads it: the text itself where it does not fit the type."""
    kind = rule.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return [_typed(part, rule.get("items", {})) for part in text.split(",")] if kind == "array" else text


def _faults(where: str, value: Any, rule: JsonObject) -> list[str]:
    return [f"{where}: {error.message}" for error in Draft7Validator(_draft7(rule)).iter_errors(value)]


def _draft7(rule: Any) -> Any:
    """WordPress's schema dialect: `required` beside the field, `date-time` and `mixed` as types."""
    if isinstance(rule, list):
        return [_draft7(part) for part in rule]
    if not isinstance(rule, dict):
        return rule
    clean = {name: _draft7(part) for name, part in rule.items() if not (name == "required" and isinstance(part, bool))}
    if clean.get("type") == "date-time":
        clean["type"] = ["string", "null"]
    if clean.get("type") == "mixed":
        del clean["type"]
    if clean.get("format") == "date-time":
        clean["pattern"] = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}(:\d{2})?)?$"
    return clean


@cache
def _captured() -> Contract:
    return Contract()


class WooShop(Misbehaving, Shop):
    """Faults are scripted by "METHOD path". Without the captured contracts it is as ill-mannered, but not strict."""

    def __init__(self, **options: Any) -> None:
        Misbehaving.__init__(self)
        Shop.__init__(self, **options)
        self.contract = _captured() if CONTRACTS.is_dir() else None

    def answer(self, call: Call) -> Answer:
        if self.contract:
            self.breaches += self.contract.problems(call)

        def proper() -> Answer:
            answer = Shop.answer(self, call)
            if self.contract:
                self.breaches += self.contract.answer_problems(call, answer)
            return answer

        return self.meet(call, proper)


# Faults


def throttle(retry_after: str | None) -> Fault:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda call, proper: Answer(429, {"code": "too_many_requests", "message": "Slow down."}, dict(headers))


def fail(status: int, *, headers: Mapping[str, str] | None = None, body: Any = None) -> Fault:
    body = body or {"code": "internal_server_error", "message": "<p>There has been a critical error.</p>"}
    return lambda call, proper: Answer(status, body, dict(headers or {}))


def page_of_html(call: Call, proper: Callable[[], Answer]) -> Answer:
    return Answer(200, "<html>Briefly unavailable for scheduled maintenance.</html>")


def row_errors(errors: Mapping[int, tuple[int, str]]) -> Fault:
    """HTTP 200, and these ids are not changed but answered with (status, code)."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        call.body["update"] = [row for row in call.body["update"] if row["id"] not in errors]
        answer = proper()
        for product_id, (status, code) in errors.items():
            error = {"code": code, "message": "No.", "data": {"status": status}}
            answer.body["update"].insert(0, {"id": product_id, "error": error})
        return answer

    return fault


def rows_left_out(call: Call, proper: Callable[[], Answer]) -> Answer:
    answer = proper()
    answer.body["update"] = answer.body["update"][1:]
    return answer


def too_large_over(limit: int) -> Fault:
    """A proxy that takes no big bodies: 413 as HTML, without WordPress's own code."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        return Answer(413, "<html>Request Entity Too Large</html>") if len(call.body["update"]) > limit else proper()

    return fault


def stale_stock(shown: int) -> Fault:
    """An old number is answered: somebody bought meanwhile, or a cache speaks."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        for row in answer.body["update"]:
            row["stock_quantity"] = shown
        return answer

    return fault


def backwards(call: Call, proper: Callable[[], Answer]) -> Answer:
    answer = proper()
    answer.body.reverse()
    return answer


def first_page_again(*, headers_lost: bool = False) -> Fault:
    """A cache that ignores the query: whatever is asked for, it is the first page of all."""
    remembered: list[Answer] = []

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        if not remembered:
            remembered.append(proper())
        # The headers go with the page: behind some caches they are lost.
        return Answer(remembered[0].status, remembered[0].body, {} if headers_lost else remembered[0].headers)

    return fault


def without_totals(call: Call, proper: Callable[[], Answer]) -> Answer:
    answer = proper()
    answer.headers = {}
    return answer


def twice(call: Call, proper: Callable[[], Answer]) -> Answer:
    """Every row of the page comes two times."""
    answer = proper()
    answer.body = [row for row in answer.body for _time in range(2)]
    return answer
