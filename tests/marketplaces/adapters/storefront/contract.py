"""Our own contract with a generic shop (docs/generic-storefront.openapi.json), read by a strict reader."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

FILE = Path(__file__).resolve().parents[4] / "docs" / "generic-storefront.openapi.json"

checker = FormatChecker(formats=[])


@checker.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Contract:
    def __init__(self) -> None:
        self.document: Mapping[str, Any] = json.loads(FILE.read_text())
        self.kinds = frozenset(self.document["webhooks"])

    def problems(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        validator = Draft202012Validator({**schema, "components": self.document["components"]}, format_checker=checker)
        return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]

    def request_problems(self, body: Mapping[str, Any]) -> list[str]:
        """Of a message that we sent to the shop."""
        kind = str(body.get("type"))
        if kind not in self.kinds:
            return [f"{kind} is not in the contract"]
        content = self._operation(kind)["requestBody"]["content"]["application/json"]
        return [f"{kind}: {problem}" for problem in self.problems(content["schema"], body)]

    def answer_problems(self, kind: str, status: int, body: Any) -> list[str]:
        responses = self._operation(kind)["responses"]
        response = responses.get(str(status), responses["default"])
        if "content" not in response:
            return [f"{kind}: content where there is none"] if body is not None and status == 204 else []
        schema = response["content"]["application/json"]["schema"]
        if status == 200 and "error" not in body:  # so that a half answer is not taken for an Error that has no code
            schema = schema["anyOf"][1]
        return [f"{kind}, the shop's answer: {problem}" for problem in self.problems(schema, body)]

    def told_problems(self, body: Mapping[str, Any]) -> list[str]:
        """Of a message that the shop sent to the hook."""
        content = self.document["paths"]["/hooks/{channel_id}"]["post"]["requestBody"]["content"]["application/json"]
        return self.problems(content["schema"], body)

    def schema(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document["components"]["schemas"][name]
        return found

    def _operation(self, kind: str) -> Mapping[str, Any]:
        operation: Mapping[str, Any] = self.document["webhooks"][kind]["post"]
        return operation


@cache
def ours() -> Contract:
    return Contract()
