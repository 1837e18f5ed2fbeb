"""Every operation of the OpenAPI document: without a key, with too few rights, as another merchant, twice. A new one cannot be forgotten."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest
from django.utils import timezone

from inbound.models import Asn
from inventory.models import Warehouse
from marketplaces import channels
from marketplaces.models import ChannelOrder, Listing
from outbound.models import Order, Parcel
from tests import make
from tests.api.calling import Api, api_of, body_of, refused
from webhooks.models import Attempt, Endpoint, Event, Message
from wms.api import api as ninja_api
from wms.core import scopes, sealing
from wms.core.api import keys
from wms.core.models import ApiKey, OutboxEvent, PersonalRecord

OPEN = {("get", "/api/v1/health")}
METHODS = {"get", "post", "put", "patch", "delete"}
# A field of each body that is sent, and what else it may say.
OTHERWISE = {
    "reference": "SO-10002", "number": "#1002", "name": "Red mug", "title": "Red mug",
    "url": "https://shop.example.com/hooks/other", "since": "2026-01-30T17:00:00Z",
}  # fmt: skip


@cache
def _text() -> str:
    return json.dumps(ninja_api.get_openapi_schema(path_prefix="/api/v1/"))


def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_text())
    return content


def operations() -> list[tuple[str, str]]:
    return sorted((method, path) for path, item in document()["paths"].items() for method in item if method in METHODS)


def call(api: Api, method: str, path: str, key: int = 1, *, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Any:
    address = path
    while "{" in address:
        address = address[: address.index("{")] + str(key) + address[address.index("}") + 1 :]
    sent = {"Authorization": f"Bearer {api.key}"} if headers is None else headers
    return api.client.generic(method.upper(), address, body if method != "get" else b"", content_type="application/json", headers=sent)


def body_of_answer(answer: Any) -> Any:
    """Its JSON, streamed or not."""
    return json.loads(answer.getvalue())


def example_of(api: Api, path: str) -> bytes:
    """A body that is good enough to be read, from the document's own example."""
    if path.endswith(("/bulk", "/listings")):
        of_shop = "ShopListingIn" if path.endswith("/listings") else "ShopOrderIn" if "/channels/" in path else "OrderIn"
        return json.dumps([document()["components"]["schemas"][of_shop]["examples"][0]]).encode()
    name = {"/api/v1/orders": "OrderIn", "/api/v1/asns": "AsnIn", "/api/v1/skus": "SkuIn", "/api/v1/webhook-endpoints": "EndpointIn"}.get(
        path
    )
    if path.endswith("/replay"):
        name = "ReplayIn"
    if path == "/api/v1/channels/{code}/orders":
        name = "ShopOrderIn"
    if name is None:
        return b""
    body = document()["components"]["schemas"][name]["examples"][0]
    return json.dumps(body | {"code": "MUG-GREEN"} if name == "SkuIn" else body).encode()


def test_the_fixed_paths_are_all_there():
    assert set(operations()) >= {
        ("post", "/api/v1/asns"),
        ("get", "/api/v1/asns/{asn_id}"),
        ("post", "/api/v1/orders"),
        ("post", "/api/v1/orders/bulk"),
        ("get", "/api/v1/orders"),
        ("get", "/api/v1/orders/{order_id}"),
        ("post", "/api/v1/orders/{order_id}/cancel"),
        ("get", "/api/v1/stock"),
        ("get", "/api/v1/skus"),
        ("post", "/api/v1/skus"),
        ("get", "/api/v1/parcels/{parcel_id}/label.pdf"),
        ("get", "/api/v1/health"),
    }


@pytest.mark.parametrize(("method", "path"), [each for each in operations() if each not in OPEN])
def test_without_a_key_it_is_401(api, method, path):
    for headers in ({}, {"Authorization": "Bearer wms_nobody"}):
        refused(call(api, method, path, headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), [each for each in operations() if each not in OPEN])
def test_with_every_scope_but_its_own_it_is_403(api, method, path):
    """One scope of the key's is what opens an operation: without it 403, whatever was sent; with it, something else."""
    assert ApiKey.objects.get().scopes == list(scopes.ALL)
    refusing = []
    for scope in scopes.ALL:
        ApiKey.objects.update(scopes=[other for other in scopes.ALL if other != scope])
        keys.forget()
        answer = call(api, method, path, body=b"no json")
        if answer.status_code == 403:
            assert refused(answer, 403, "forbidden") == {"scope": scope}
            refusing.append(scope)
    assert len(refusing) == 1
    assert refusing == [document()["paths"][path][method]["security"][0]["ApiKeyAuth"][0]]
    ApiKey.objects.update(scopes=[])
    keys.forget()
    refused(call(api, method, path), 403, "forbidden")


@pytest.mark.parametrize(("method", "path"), [each for each in operations() if each not in OPEN])
def test_what_it_does_not_know_in_the_query_is_refused(api, method, path):
    """A mistyped filter would else answer everything."""
    problems = refused(call(api, method, f"{path}?wharehouse=DEMO&limit1=2"), 422, "invalid_input")
    assert problems == [{"path": [name], "message": "This parameter is unknown."} for name in ("limit1", "wharehouse")]


def belongings(api: Api) -> dict[str, int]:
    """One row of each kind that a path can name, by the path's parameter."""
    house, thing = make.warehouse("DEMO"), make.sku(api.merchant, "MUG-BLUE")
    make.sku(api.merchant, "TEA-GREEN")
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    order = api.post("/orders", body_of(house, {thing: 1})).json()
    boxes = [{"lines": [{"sku": "MUG-BLUE", "quantity": 5}]}]
    asn = api.post("/asns", {"reference": "PO-1", "warehouse": "DEMO", "cartons": boxes}).json()
    row = Order.objects.get(pk=order["id"])
    parcel = Parcel.objects.create(
        merchant=api.merchant, warehouse=house, order=row, number=1, carrier="own", tracking_number="WMS1", weight_g=350,
        stage=make.bin_of(house, "STAGE"), packed_by=make.user(), packed_at=timezone.now(),
    )  # fmt: skip
    endpoint = Endpoint.objects.create(
        merchant=api.merchant, url="https://shop.example.com/old", events=Event.values, secret=sealing.seal({"secret": "whsec_c2VjcmV0"})
    )
    message = Message.objects.create(merchant=api.merchant, uid="msg_1", event=Event.ORDER_SHORT, body="{}", happened_at=timezone.now())
    Attempt.objects.create(endpoint=endpoint, message=message, number=1, status_code=204, took_ms=9)
    return {"order_id": row.pk, "asn_id": asn["id"], "parcel_id": parcel.pk, "endpoint_id": endpoint.pk, "code": shop_of(api, house)}


def shop_of(api: Api, house: Warehouse) -> int:
    """A channel whose code is a number, with an order of that number: the paths below it name both."""
    channel = channels.connect(
        merchant=api.merchant, warehouse=house, adapter="storefront", base_url="https://shop.example.com/wms",
        credentials={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "declaration": "{}"}, name="Shop", code="77",
    )  # fmt: skip
    sent = {**document()["components"]["schemas"]["ShopOrderIn"]["examples"][0], "id": channel.code, "number": channel.code}
    assert api.post(f"/channels/{channel.code}/orders", sent).json()["status"] == "imported"
    return int(channel.code)


@pytest.fixture(autouse=True)
def _names_have_addresses(monkeypatch):
    monkeypatch.setattr("webhooks.sender.resolve", lambda url: "93.184.215.14")


def everything() -> list[Any]:
    """What a stranger's call could have changed."""
    return [
        list(model.objects.order_by("pk").values()) for model in (Order, Asn, PersonalRecord, Endpoint, OutboxEvent, Listing, ChannelOrder)
    ]


@pytest.mark.parametrize(("method", "path"), [each for each in operations() if each not in OPEN])
def test_another_merchant_sees_and_changes_nothing(api, method, path):
    mine, stranger = belongings(api), api_of(make.merchant())
    before = everything()
    if "{" in path:
        key = mine[path[path.index("{") + 1 : path.index("}")]]
        body = example_of(api, path)
        theirs = refused(call(stranger, method, path, key, body=body), 404, "not_found")
        # Nothing tells a row that is somebody else's from one that is not there.
        nowhere = refused(call(stranger, method, path, 2**62, body=body), 404, "not_found")
        assert {**theirs, "key": 0} == {**nowhere, "key": 0}
        assert everything() == before
        assert call(api, method, path, key, body=body).status_code in (200, 202, 204)
        return
    if method == "get":
        assert body_of_answer(call(stranger, method, path)) == {"items": [], "next_cursor": None}
        assert len(body_of_answer(call(api, method, path))["items"]) >= 1
    else:
        # The owner's codes mean nothing in another merchant's body; a sku of the same code is another sku.
        answer = call(stranger, method, path, body=example_of(stranger, path))
        own = path.endswith(("/skus", "/webhook-endpoints"))
        assert answer.status_code == (201 if own else 200 if path.endswith("/bulk") else 422), answer.content
        after = everything()
        before[3] += [row for row in after[3] if row["merchant_id"] == stranger.merchant.pk]
        # That one's own orders may have waited for the sku.
        before[4] += [row for row in after[4] if (row["topic"], row["payload"]) == ("sku.entered", {"merchant_id": stranger.merchant.pk})]
        if path.endswith("/bulk"):
            assert answer.json()["items"][0]["status_code"] == 422
        assert stranger.get("/stock").json()["items"] == []
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), operations())
def test_answers_are_what_the_document_says(api, method, path):
    mine, described = belongings(api), document()
    key = mine[path[path.index("{") + 1 : path.index("}")]] if "{" in path else 0
    answer = call(api, method, path, key, body=example_of(api, path))
    said = described["paths"][path][method]["responses"]
    if path.endswith(".pdf"):
        assert answer.content.startswith(b"%PDF-")
        assert answer.headers["Content-Type"] in said["200"]["content"]
        return
    if answer.status_code == 204:
        assert (answer.content, said["204"].get("content")) == (b"", None)
        return
    schema = said[str(answer.status_code)]["content"]["application/json"]["schema"]
    jsonschema.validate(body_of_answer(answer), {**schema, "components": described["components"]})
    refusal = call(api, "get", "/api/v1/nothing").json()
    jsonschema.validate(refusal, {"$ref": "#/components/schemas/ErrorOut", "components": described["components"]})


def otherwise(body: bytes) -> bytes:
    """The same body with one field that says something else."""
    content = json.loads(body)
    sent = content[0] if isinstance(content, list) else content
    field = next(name for name in OTHERWISE if name in sent)
    assert sent[field] != OTHERWISE[field]
    sent[field] = OTHERWISE[field]
    return json.dumps(content).encode()


@pytest.mark.parametrize("path", [path for method, path in operations() if method == "post"])
def test_a_repetition_under_an_idempotency_key_is_replayed_and_other_content_refused(api, path):
    mine, body = belongings(api), example_of(api, path)
    key = mine[path[path.index("{") + 1 : path.index("}")]] if "{" in path else 0
    assert {"name": "Idempotency-Key", "in": "header"}.items() <= next(
        said for said in document()["paths"][path]["post"]["parameters"] if said["in"] == "header"
    ).items()
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "once"}
    first = call(api, "post", path, key, headers=headers, body=body)
    assert first.status_code < 300, first.content
    done = everything()
    again = call(api, "post", path, key, headers=headers, body=body)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    # What says nothing but where it is sent to is something else there.
    elsewhere, other = (path, otherwise(body)) if body else ("/api/v1/skus", example_of(api, "/api/v1/skus"))
    assert refused(call(api, "post", elsewhere, key, headers=headers, body=other), 409, "request_reused") == {"request_id": "once"}
    assert everything() == done


def test_the_documentation_is_open_and_served_from_here(client):
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert b"cdn." not in page.content
    assert b"/static/ninja/" in page.content
    served = client.get("/api/v1/openapi.json")
    assert served.json()["openapi"].startswith("3.1")
    assert served.json()["components"]["securitySchemes"]["ApiKeyAuth"]["scheme"] == "bearer"
