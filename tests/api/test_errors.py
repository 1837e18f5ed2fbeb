from __future__ import annotations

import logging

import pytest
import redis
from django.db import OperationalError
from django.test import Client

from tests import make
from tests.api.calling import body_of, refused
from wms.core import access, valkey
from wms.core.api import keys, limits
from wms.core.models import ApiKey, Merchant


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/orders", "/api/v1/nothing", "/api/v1/orders/", "/api/%00", "/api/v1/ä"]
)
def test_an_unknown_address_is_json(api, path):
    refused(api.client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/orders", {"GET", "POST"}), ("PUT", "/orders/1", {"GET"}), ("GET", "/orders/bulk", {"POST"})],
)
def test_an_unknown_method_is_json(api, method, path, allowed):
    answer = api.client.generic(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {api.key}"})
    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_head_is_answered_as_its_get_without_a_body(api):
    for path in ("/health", "/orders", "/orders/999999999"):
        head, get = (call(f"/api/v1{path}", headers={"Authorization": f"Bearer {api.key}"}) for call in (api.client.head, api.client.get))
        assert (head.status_code, head.headers["Content-Type"], head.content) == (get.status_code, get.headers["Content-Type"], b"")
    assert api.client.head("/api/v1/health").status_code == 200


def test_an_answer_says_its_length_unless_it_is_streamed(api):
    for path in ("/health", "/orders", "/nothing"):
        answer = api.get(path)
        assert answer.headers["Content-Length"] == str(len(answer.content))
    assert "Content-Length" not in api.get("/stock/bulk").headers
    seen = {"Authorization": f"Bearer {api.key}", "If-None-Match": api.get("/stock").headers["ETag"]}
    unchanged = api.client.get("/api/v1/stock", headers=seen)
    assert (unchanged.status_code, "Content-Length" in unchanged.headers) == (304, False)


def test_a_host_that_is_not_ours_is_json_before_the_api_too(settings):
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["wms.example.com"]
    client = Client(headers={"Host": "evil.example"})
    refused(client.get("/api/v1/orders"), 400, "bad_request")
    page = client.get("/sign-in")
    assert (page.status_code, page.headers["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_a_crash_is_json_and_logged_with_its_traceback(api, house, monkeypatch, caplog):
    def crash(**_arguments):
        raise RuntimeError("boom")

    monkeypatch.setattr("outbound.orders.accept", crash)
    answer = api.post("/orders", body_of(house, {make.sku(api.merchant): 1}))
    refused(answer, 500, "server_error")
    assert b"boom" not in answer.content
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["boom"]


def test_a_database_that_is_down_is_503(api, house, monkeypatch, caplog):
    def fail(**_arguments):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("outbound.orders.accept", fail)
    answer = api.post("/orders", body_of(house, {make.sku(api.merchant): 1}))
    refused(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert any(record.levelno == logging.ERROR for record in caplog.records)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nobody", "Basic YTpi", "Bearer wms_" + "x" * 500, "Bearer wms_ümlaut", "Token abc"]
)
def test_without_a_good_key_it_is_401(api, header):
    answer = api.client.get("/api/v1/orders", headers={"Authorization": header} if header else {})
    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_stops_working_within_a_second(api, monkeypatch):
    assert api.get("/orders").status_code == 200
    access.revoke_key(key_id=ApiKey.objects.get().pk, by=make.user(is_staff=True))
    now = keys.time.monotonic()
    monkeypatch.setattr(keys.time, "monotonic", lambda: now + keys.REMEMBERED_SECONDS)
    refused(api.get("/orders"), 401, "unauthorized")


def test_a_merchant_that_left_is_401(api):
    Merchant.objects.update(active=False)
    refused(api.get("/orders"), 401, "unauthorized")


def test_above_the_rate_it_is_429_with_the_time_to_wait(api, settings):
    settings.API_RATE_PER_SECOND, settings.API_RATE_BURST = 0.005, 3
    assert [api.get("/skus").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = api.get("/skus")
    wait_s = refused(answer, 429, "too_many_requests")["retry_after"]
    assert 150 < wait_s <= 200
    assert answer.headers["Retry-After"] == str(wait_s)


def test_every_answer_to_a_known_key_says_what_is_left_of_its_rate(api, settings):
    settings.API_RATE_PER_SECOND, settings.API_RATE_BURST = 0.005, 3
    answers = [
        api.get("/skus"),
        api.get("/nothing-here"),
        api.get("/orders", {"status": "sent"}),
        api.get("/orders/999999"),
        api.get("/skus"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 422, 404, 429]
    fields = [(answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")) for answer in answers]
    policy = '"key";q=3;w=600'
    assert fields == [
        (policy, '"key";r=2;t=200'),
        (None, None),
        (policy, '"key";r=1;t=400'),
        (policy, '"key";r=0;t=600'),
        (policy, '"key";r=0;t=600'),
    ]
    # The same in the three fields of earlier drafts.
    earlier = [tuple(answer.headers.get(f"RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")) for answer in answers]
    assert earlier == [("3", "2", "200"), (None, None, None), ("3", "1", "400"), ("3", "0", "600"), ("3", "0", "600")]
    assert [name for name in api.client.get("/api/v1/skus").headers if name.startswith("RateLimit")] == []


def test_a_process_that_has_tokens_in_hand_counts_them_as_left(api, settings, monkeypatch):
    monkeypatch.setattr(limits, "_KEPT_SECONDS", 60.0)
    settings.API_RATE_PER_SECOND, settings.API_RATE_BURST = 0.001, 50
    assert [api.get("/skus").headers["RateLimit"].split(";")[1] for _ in range(4)] == ["r=49", "r=48", "r=47", "r=46"]


def test_a_burst_is_exactly_as_large_as_the_bucket_though_tokens_are_fetched_by_the_handful(api, settings, monkeypatch):
    monkeypatch.setattr(limits, "_KEPT_SECONDS", 60.0)
    settings.API_RATE_PER_SECOND, settings.API_RATE_BURST = 0.001, 50
    assert [api.get("/skus").status_code for _ in range(55)] == [200] * 50 + [429] * 5


def test_each_key_has_a_rate_of_its_own_and_it_comes_back(api, settings):
    settings.API_RATE_PER_SECOND, settings.API_RATE_BURST = 20, 1
    assert api.get("/skus").status_code == 200
    api.get("/skus")
    other = type(api)(api.merchant, access.issue_key(merchant=api.merchant))
    assert other.get("/skus").status_code == 200
    limits.time.sleep(0.12)
    assert api.get("/skus").status_code == 200


def test_without_valkey_requests_are_let_through(api, monkeypatch, settings):
    settings.BROKER_URL = "redis+socket:///nonexistent/valkey.sock"
    gone = valkey.client.__wrapped__()
    monkeypatch.setattr(valkey, "client", lambda: gone)
    tried = []
    connect = redis.connection.UnixDomainSocketConnection._connect
    monkeypatch.setattr(redis.connection.UnixDomainSocketConnection, "_connect", lambda own: (tried.append(own), connect(own))[1])
    monkeypatch.setattr(limits, "_down_until", 0.0)
    assert api.get("/skus").status_code == 200
    assert limits._down_until > 0
    assert len(tried) == 2, "once more at once, and nobody waits for a third time"
    body = api.get("/health").json()
    assert body == {"status": "degraded", "database": True, "broker": False}
    monkeypatch.setattr(limits, "_down_until", 0.0)


def test_health_needs_no_key_and_tells_when_the_database_is_down(api, monkeypatch):
    from wms import api as wms_api

    assert api.client.get("/api/v1/health").json() == {"status": "ok", "database": True, "broker": True}
    monkeypatch.setattr(wms_api, "database_answers", lambda: False)
    answer = api.client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")


def test_messages_come_in_the_clients_language_and_pages_keep_theirs(api):
    from django.utils import translation

    with translation.override("de"):
        api.get("/orders", {"status": "sent"})
        assert translation.get_language() == "de"


def test_the_api_reads_and_sets_no_cookie(api):
    answer = api.get("/orders")
    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")
