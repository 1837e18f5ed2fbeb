"""The document's examples are true: each fits its schema, and those of the bodies work when they are sent one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from inventory.models import Availability, Sku
from marketplaces.models import ChannelOrder
from outbound.models import Order
from tests import make
from tests.api.calling import api_of
from tests.api.test_every_operation import document, operations, shop_of
from wms.core import verification

JSON = "application/json"


def resolved(described: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The response that a `$ref` stands for."""
    if "$ref" not in node:
        return node
    found: dict[str, Any] = described["components"]["responses"][node["$ref"].rpartition("/")[2]]
    return found


def contents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(where, media type, content) of everything that is sent or answered."""
    described = document()
    for method, path in operations():
        operation = described["paths"][path][method]
        places = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for name, place in places.items():
            for kind, content in resolved(described, place).get("content", {}).items():
                yield f"{operation['operationId']} {name}", kind, content


@pytest.mark.parametrize(("where", "kind", "content"), [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in contents()])
def test_every_body_and_every_answer_has_an_example_that_fits(where, kind, content):
    if kind == "application/pdf":
        assert content["schema"] == {"type": "string", "format": "binary"}
        return
    components = document()["components"]
    jsonschema.Draft202012Validator(
        {**content["schema"], "components": components}, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(content["example"])


def test_the_examples_of_schemas_fit_too():
    components = document()["components"]
    found = 0
    for name, schema in components["schemas"].items():
        for example in schema.get("examples", []):
            jsonschema.validate(example, {"$ref": f"#/components/schemas/{name}", "components": components})
            found += 1
    assert found >= 20


def bodies(name: str) -> list[Any]:
    examples: list[Any] = document()["components"]["schemas"][name]["examples"]
    return examples


@pytest.mark.django_db(transaction=True)
def test_the_examples_tell_a_merchants_story(monkeypatch):
    """Every body that an operation takes is sent as the document shows it."""
    monkeypatch.setattr("webhooks.sender.resolve", lambda url: "93.184.215.14")
    api, house = api_of(make.merchant()), make.warehouse("DEMO")
    sent = set()

    def send(path: str, body: Any, template: str = "") -> Any:
        sent.add(template or path)
        answer = api.post(path, body)
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()

    endpoint = send("/webhook-endpoints", bodies("EndpointIn")[0])
    skus = [send("/skus", body) for body in bodies("SkuIn")]
    assert [sku["code"] for sku in skus] == ["MUG-BLUE", "TEA-GREEN"]
    asn = send("/asns", bodies("AsnIn")[0])
    assert [(line["sku"], line["quantity"]) for line in asn["lines"]] == [("MUG-BLUE", 24), ("TEA-GREEN", 10)]
    make.stock(make.bin_of(house, "A-01"), Sku.objects.get(code="MUG-BLUE"), 24)
    order = send("/orders", bodies("OrderIn")[0])
    assert order["status"] == "ready"
    described = document()["paths"]["/api/v1/orders/bulk"]["post"]["requestBody"]["content"][JSON]["example"]
    # The same order again: it is answered as it stands.
    assert [row["status_code"] for row in send("/orders/bulk", described)["items"]] == [200]
    assert Availability.objects.get(sku__code="MUG-BLUE").committed == 2
    assert send(f"/orders/{order['id']}/cancel", None)["status"] == "cancelled"
    assert Availability.objects.get(sku__code="MUG-BLUE").committed == 0
    send(f"/webhook-endpoints/{endpoint['id']}/replay", bodies("ReplayIn")[0], "/webhook-endpoints/{endpoint_id}/replay")
    code = shop_of(api, house)
    for path in ("orders", "orders/bulk", "listings"):
        described = document()["paths"][f"/api/v1/channels/{{code}}/{path}"]["post"]["requestBody"]["content"][JSON]["example"]
        send(f"/channels/{code}/{path}", described, f"/channels/{{code}}/{path}")
    assert sorted(ChannelOrder.objects.values_list("external_id", "status")) == [("1001", "imported"), ("77", "imported")]
    with_body = {path.removeprefix("/api/v1") for method, path in operations() if "requestBody" in document()["paths"][path][method]}
    assert sent - {f"/orders/{order['id']}/cancel"} == with_body
    assert Order.objects.count() == 3
    assert list(verification.drifts()) == []


def test_the_documentation_shows_them(client):
    served = json.loads(client.get("/api/v1/openapi.json").content)
    content = served["paths"]["/api/v1/orders"]["post"]["requestBody"]["content"][JSON]
    assert content["example"]["reference"] == "SO-10001"
    assert served["components"]["responses"]["NotFound"]["content"][JSON]["example"]["code"] == "not_found"
