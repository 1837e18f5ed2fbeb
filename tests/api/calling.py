"""A merchant with a key, and a client that checks every answer against the OpenAPI document."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from inventory.models import Sku, Warehouse
from tests import make
from wms.core import access
from wms.core.models import Merchant, User

JSON = "application/json"


@dataclass
class Api:
    """Speaks for one merchant."""

    merchant: Merchant
    key: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def user(self) -> User:
        return User.objects.get(username=f"api:{self.merchant.code}")

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers={"Authorization": f"Bearer {self.key}"})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        return self.send(path, content, **headers)

    def send(self, path: str, content: bytes, content_type: str = JSON, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.client.generic("POST", f"/api/v1{path}", content, content_type=content_type, headers=headers)


def refused(response: HttpResponse, status: int, code: str) -> Any:
    """The details of an error that is JSON as promised."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == JSON
    body = json.loads(response.content)
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    assert body["message"]
    return body["details"]


def api_of(merchant: Merchant) -> Api:
    return Api(merchant, access.issue_key(merchant=merchant))


def body_of(warehouse: Warehouse, lines: dict[Sku, int], **fields: Any) -> dict[str, Any]:
    """The JSON of an order."""
    return {
        "reference": f"R{make.number()}",
        "warehouse": warehouse.code,
        "ship_to": make.SHIP_TO,
        "lines": [{"sku": sku.code, "quantity": quantity} for sku, quantity in lines.items()],
        **fields,
    }
