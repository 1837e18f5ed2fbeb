"""Endpoints over the API."""

from __future__ import annotations

import pytest

from tests import make
from tests.api.calling import api_of, refused
from webhooks import endpoints
from webhooks.models import HAPPENING, Endpoint
from wms.core.models import Merchant, RequestOutcome

URL = "https://shop.example.com/hooks"


@pytest.fixture(autouse=True)
def _names_have_addresses(monkeypatch):
    monkeypatch.setattr("webhooks.sender.socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("93.184.215.14", 443))])


def test_an_address_is_added_once_and_shows_its_secret_once(api):
    first, again = (api.post("/webhook-endpoints", {"url": URL}) for _twice in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == {**first.json(), "secret": None}
    assert first.json()["events"] == sorted(HAPPENING)
    refused(api.post("/webhook-endpoints", {"url": URL, "events": ["order.short"]}), 409, "endpoint_taken")
    assert api.get("/webhook-endpoints").json()["items"] == [again.json()]
    assert first.json()["secret"].encode() not in bytes(Endpoint.objects.get().secret)


def test_a_repetition_is_answered_the_secret_again_and_nothing_stores_it_open(api):
    first, again = (api.post("/webhook-endpoints", {"url": URL}, Idempotency_Key="k-1") for _twice in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert "whsec_" not in str(RequestOutcome.objects.get().outcome)
    refused(api.post("/webhook-endpoints", {"url": URL + "2"}, Idempotency_Key="k-1"), 409, "request_reused")
    assert Endpoint.objects.count() == 1


def test_a_repetition_after_the_endpoint_was_removed_brings_it_not_back(api):
    made = api.post("/webhook-endpoints", {"url": URL}, Idempotency_Key="k-1").json()
    endpoints.remove(endpoint_id=made["id"], by=api.user)
    assert refused(api.post("/webhook-endpoints", {"url": URL}, Idempotency_Key="k-1"), 409, "removed_since") == {"url": URL}
    assert Endpoint.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://shop.example.com/"}, {"url": "https://"}, {"url": ""}, {}, {"url": URL, "events": ["order.everything"]},
        {"url": URL, "secret": "whsec_x"}, {"url": "https://shop.example.com/" + "x" * 500},
    ],
)  # fmt: skip
def test_what_cannot_be_an_endpoint_is_refused(api, body):
    refused(api.post("/webhook-endpoints", body), 422, "invalid_input")
    assert Endpoint.objects.count() == 0


def test_nobody_waits_for_a_test(api):
    details = refused(api.post("/webhook-endpoints", {"url": URL, "events": ["order.short", "webhook.test"]}), 422, "invalid_input")
    assert details == [{"path": ["events", 1], "message": f"One of {', '.join(HAPPENING)}."}]
    assert Endpoint.objects.count() == 0


def test_what_nobody_can_wait_for_is_refused_with_what_can_be(api):
    details = refused(api.post("/webhook-endpoints", {"url": URL, "events": ["order.lost"]}), 422, "invalid_input")
    assert details == [{"path": ["events", 0], "message": f"One of {', '.join(HAPPENING)}."}]


def test_an_address_inside_is_refused(api, monkeypatch):
    monkeypatch.setattr("webhooks.sender.socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("10.0.0.1", 443))])
    assert refused(api.post("/webhook-endpoints", {"url": URL}), 422, "invalid_input")[0]["path"] == ["url"]


def test_a_merchant_has_a_bounded_number_and_hears_while_it_has_one(api):
    ids = [api.post("/webhook-endpoints", {"url": f"{URL}/{number}"}).json()["id"] for number in range(endpoints.MOST)]
    refused(api.post("/webhook-endpoints", {"url": URL}), 409, "too_many_endpoints")
    assert Merchant.objects.get(pk=api.merchant.pk).hears_events
    headers = {"Authorization": f"Bearer {api.key}"}
    for key in ids:
        assert api.client.delete(f"/api/v1/webhook-endpoints/{key}", headers=headers).status_code == 204
    assert not Merchant.objects.get(pk=api.merchant.pk).hears_events
    refused(api.client.delete(f"/api/v1/webhook-endpoints/{ids[0]}", headers=headers), 404, "not_found")


def test_two_merchants_may_use_one_address(api):
    other = api_of(make.merchant())
    assert [each.post("/webhook-endpoints", {"url": URL}).status_code for each in (api, other)] == [201, 201]
    assert len({tuple(endpoint.secret) for endpoint in Endpoint.objects.all()}) == 2
