"""Whatever is sent: a clear 4xx, nothing stored, nothing logged as an exception."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from inbound.models import Asn
from inventory.models import Sku
from outbound.models import Order
from tests import make
from tests.api.calling import body_of, refused
from wms.core.models import PersonalRecord, RequestOutcome

MILLION = "x" * 1_000_000


@pytest.fixture(autouse=True)
def _nothing_stored_nothing_logged(db, caplog):
    yield
    assert not Order.objects.exists()
    assert not Asn.objects.exists()
    assert not PersonalRecord.objects.exists()
    assert not RequestOutcome.objects.exists()
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


def paths(details):
    return [problem["path"] for problem in details]


@pytest.mark.parametrize("value", ["3", 3.0, 3.5, True, None, 0, -1, 1_000_001, 2**31, 2**63, 10**300, "", [], {}, "\x00"])
def test_quantities_are_whole_numbers_from_one_to_a_million(api, house, value):
    body = body_of(house, {make.sku(api.merchant): 1})
    body["lines"][0]["quantity"] = value
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [["lines", 0, "quantity"]]


@pytest.mark.parametrize("value", ["", "   ", "\u3000", "x" * 51, MILLION, "a\x00b", "a\nb", "a\u200bb", None, 7, True, [], {}])
def test_references_are_short_visible_texts(api, house, value):
    body = body_of(house, {make.sku(api.merchant): 1}, reference=value)
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [["reference"]]


@pytest.mark.parametrize("field", ["name", "company", "line1", "line2", "city", "region", "postcode", "phone", "email", "country"])
@pytest.mark.parametrize("value", [MILLION, "a\x00b", 7, [], {}, True])
def test_addresses_are_texts_of_a_fitting_length(api, house, field, value):
    body = body_of(house, {make.sku(api.merchant): 1}, ship_to={**make.SHIP_TO, field: value})
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [["ship_to", field]]


@pytest.mark.parametrize("value", ["XX", "UK", "gb", "GBR", "", "G", "ß", "日本"])
def test_countries_exist(api, house, value):
    body = body_of(house, {make.sku(api.merchant): 1}, ship_to={**make.SHIP_TO, "country": value})
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [["ship_to", "country"]]


@pytest.mark.parametrize(
    "value",
    [
        "tomorrow",
        "2030-01-31",
        "2030-01-31T17:00:00",
        1893456000,
        "1893456000",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "",
    ],
)
def test_ship_by_is_a_moment_with_its_offset(api, house, value):
    body = body_of(house, {make.sku(api.merchant): 1}, ship_by=value)
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [["ship_by"]]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"lines": []}, ["lines"]),
        ({"lines": None}, ["lines"]),
        ({"lines": {"sku": "A", "quantity": 1}}, ["lines"]),
        ({"lines": ["A"]}, ["lines", 0]),
        ({"lines": [{"sku": "nobody's", "quantity": 1}]}, ["lines", 0, "sku"]),
        ({"lines": [{"sku": MILLION, "quantity": 1}]}, ["lines", 0, "sku"]),
        ({"lines": [{"quantity": 1}]}, ["lines", 0, "sku"]),
        ({"warehouse": "NOWHERE"}, ["warehouse"]),
        ({"warehouse": "\x00"}, ["warehouse"]),
        ({"service": MILLION}, ["service"]),
        ({"ship_to": None}, ["ship_to"]),
        ({"ship_to": "London"}, ["ship_to"]),
        ({"surprise": 1}, ["surprise"]),
        ({MILLION: 1}, ["x" * 100]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_each_bad_field_is_named(api, house, change, path):
    body = body_of(house, {make.sku(api.merchant): 1}) | change
    assert paths(refused(api.post("/orders", body), 422, "invalid_input")) == [path]


@pytest.mark.parametrize("body", [None, [], "text", 7, True, [[]]])
def test_a_body_that_is_no_order_is_refused(api, house, body):
    refused(api.send("/orders", json.dumps(body).encode()), 422, "invalid_input")
    refused(api.send("/orders", b""), 422, "invalid_input")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe{",
        b'{"reference": "\xed\xa0\x80"}',
        b'{"reference": "\\ud800"}',
        b'{"a": NaN}',
        b"[" * 100_000,
        b"1" * 5000,
        b"\x00",
        b"{} {}",
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_not_json_is_refused(api, content):
    for path in ("/orders", "/orders/bulk", "/asns", "/skus"):
        assert api.send(path, content).status_code in (400, 422)
    refused(api.send("/orders", b"{"), 400, "invalid_json")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "multipart/form-data"]
)
def test_other_content_types_are_refused(api, kind):
    refused(api.send("/orders", b"{}", content_type=kind), 415, "unsupported_media_type")


def test_a_compressed_body_is_said_to_be_one_and_not_to_be_broken_json(api):
    for coding in ("gzip", "br", "Deflate"):
        answer = api.send("/orders", gzip.compress(b"{}"), content_encoding=coding)
        refused(answer, 415, "unsupported_media_type")
        assert "not compressed" in answer.json()["message"]
    refused(api.send("/orders", b"{}", content_encoding="identity"), 422, "invalid_input")


def test_bodies_above_the_limit_are_refused(api):
    refused(api.send("/orders", b" " * (5 * 1024 * 1024 + 1)), 413, "too_large")
    refused(api.post("/orders/bulk", [{}] * 501), 413, "too_large")


def test_a_body_of_nothing_but_faults_gets_a_short_answer(api):
    answer = api.post("/orders", {f"field{number}": number for number in range(5_000)})
    assert len(refused(answer, 422, "invalid_input")) == 100


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/orders", {"status": "sent"}),
        ("/orders", {"status": "\x00"}),
        ("/orders", {"reference": "a\x00b"}),
        ("/orders", {"reference": MILLION[:5000]}),
        ("/orders", {"updated_after": "yesterday"}),
        ("/orders", {"updated_after": "2030-01-01T00:00:00"}),
        ("/orders", {"cursor": "made-up"}),
        ("/orders", {"cursor": "\x00"}),
        ("/orders", {"limit": 201}),
        ("/orders", {"limit": 0}),
        ("/stock", {"cursor": "WzEsMl0:1a:b"}),
        ("/stock", {"sku": "\x00"}),
        ("/skus", {"cursor": "ünïcode"}),
        ("/skus", {"code": "\x00"}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_filters_and_cursors_that_make_no_sense_are_refused(api, path, query):
    assert paths(refused(api.get(path, query), 422, "invalid_input")) == [list(query)]


@pytest.mark.parametrize("key", ["abc", "0", "-1", str(2**63), "9" * 5000, "1.5", "%00", "%ff"])
def test_ids_that_cannot_be_are_refused(api, key):
    for path in (f"/orders/{key}", f"/asns/{key}", f"/parcels/{key}/label.pdf"):
        assert api.get(path).status_code in (404, 422)
    assert api.post(f"/orders/{key}/cancel").status_code in (404, 422)
    refused(api.get(f"/orders/{2**63 - 1}"), 404, "not_found")


@pytest.mark.parametrize("key", ["", "x" * 101, "with blank", "ümlaut"])
def test_idempotency_keys_are_short_and_plain(api, house, key):
    body = body_of(house, {make.sku(api.merchant): 1})
    assert paths(refused(api.post("/orders", body, Idempotency_Key=key), 422, "invalid_input")) == [["Idempotency-Key"]]


SKU = {"code": "MUG", "name": "Mug"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"code": " "}, ["code"]),
        ({"code": MILLION}, ["code"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name_zh": "\x00"}, ["name_zh"]),
        ({"weight_g": -1}, ["weight_g"]),
        ({"weight_g": 2**40}, ["weight_g"]),
        ({"weight_g": "12"}, ["weight_g"]),
        ({"origin": "ZZ"}, ["origin"]),
        ({"currency": "ZZZ"}, ["currency"]),
        ({"declared_value": 2.5}, ["declared_value"]),
        ({"declared_value": "1e5"}, ["declared_value"]),
        ({"tracks_lot": "yes"}, ["tracks_lot"]),
        ({"barcodes": [{"code": ""}]}, ["barcodes", 0, "code"]),
        ({"barcodes": [{"code": "1", "pack_quantity": 0}]}, ["barcodes", 0, "pack_quantity"]),
        ({"barcodes": [{"code": "1"}, {"code": "1"}]}, ["barcodes"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_skus_are_refused(api, change, path):
    assert paths(refused(api.post("/skus", SKU | change), 422, "invalid_input")) == [path]
    assert not Sku.objects.exists()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"reference": "\t"}, ["reference"]),
        ({"warehouse": "NOWHERE"}, ["warehouse"]),
        ({"container_number": "CSQU3054384"}, ["container_number"]),
        ({"container_kind": "99XXX"}, ["container_kind"]),
        ({"kind": "gift"}, ["kind"]),
        ({"transport": "pigeon"}, ["transport"]),
        ({"expected_on": "soon"}, ["expected_on"]),
        ({"expected_on": "9999-01-01"}, ["expected_on"]),
        ({"lines": []}, ["lines"]),
        ({"lines": [{"sku": "nobody's", "quantity": 1}]}, ["lines", 0, "sku"]),
        ({"cartons": [{"lines": []}]}, ["cartons", 0, "lines"]),
        ({"cartons": [{"lines": [{"sku": "MUG", "quantity": 0}]}]}, ["cartons", 0, "lines", 0, "quantity"]),
        ({"cartons": [{"sscc": "1", "lines": [{"sku": "MUG", "quantity": 1}]}]}, ["cartons", 0, "sscc"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_announcements_are_refused(api, house, change, path):
    make.sku(api.merchant, "MUG")
    body = {"reference": "PO-1", "warehouse": house.code, "lines": [{"sku": "MUG", "quantity": 1}]} | change
    assert paths(refused(api.post("/asns", body), 422, "invalid_input")) == [path]
