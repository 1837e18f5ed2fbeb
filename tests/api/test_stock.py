"""Stock that has not changed is not sent again, and all of it comes in one call."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Availability, Sku
from tests import make
from tests.api.calling import JSON, api_of, body_of, refused

NDJSON = "application/x-ndjson"


def test_who_has_the_answer_already_gets_304(api, house):
    thing = make.sku(api.merchant)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    first = api.get("/stock")
    etag = first.headers["ETag"]

    def ask(known):
        return api.client.get("/api/v1/stock", headers={"Authorization": f"Bearer {api.key}", "If-None-Match": known})

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = ask(known)
        assert (answer.status_code, answer.content, answer.headers["ETag"], answer.headers["Content-Type"]) == (
            304,
            b"",
            etag,
            first.headers["Content-Type"],
        )
        assert "RateLimit" in answer.headers
    for known in ('"other"', "nonsense", ""):
        answer = ask(known)
        assert (answer.status_code, answer.content) == (200, first.content)
    api.post("/orders", body_of(house, {thing: 1}))
    changed = ask(etag)
    assert (changed.status_code, changed.json()["items"][0]["committed"]) == (200, 1)
    assert changed.headers["ETag"] != etag


def read(api, accept="", **query):
    headers = {"Authorization": f"Bearer {api.key}", **({"Accept": accept} if accept else {})}
    return api.client.get("/api/v1/stock/bulk", query, headers=headers)


def lines_of(answer):
    assert answer.headers["Content-Type"] == NDJSON
    content = answer.getvalue()
    assert content == b"" or content.endswith(b"\n")
    return [json.loads(line) for line in content.splitlines()]


def test_all_of_it_is_what_the_pages_say(api, house):
    other, skus = make.warehouse(), [make.sku(api.merchant) for _ in range(3)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 10)
        make.stock(make.bin_of(other, "A-01"), thing, 5)
    make.stock(make.bin_of(house, "QUARANTINE"), skus[0], 2, condition="damaged")
    make.stock(make.bin_of(house, "LOST"), skus[0], 3, condition="damaged")
    api.post("/asns", {"reference": "PO-1", "warehouse": house.code, "lines": [{"sku": skus[1].code, "quantity": 24}]})
    api.post("/orders", body_of(house, {skus[0]: 4}))
    api.post("/orders", body_of(house, {skus[0]: 9}))

    pages = api.get("/stock").json()["items"]
    assert len(pages) == 6
    assert json.loads(read(api).getvalue()) == {"items": pages, "next_cursor": None}
    assert json.loads(read(api, "application/json").getvalue())["items"] == pages
    assert lines_of(read(api, NDJSON)) == pages
    # What is asked for first counts, also where anything else would do.
    assert lines_of(read(api, f"{NDJSON}, */*;q=0.1")) == lines_of(read(api, f"application/json;q=0.5, {NDJSON}")) == pages
    assert json.loads(read(api, "*/*").getvalue())["items"] == json.loads(read(api, "text/csv").getvalue())["items"] == pages
    assert lines_of(read(api, NDJSON, warehouse=other.code)) == [row for row in pages if row["warehouse"] == other.code]
    assert lines_of(read(api, NDJSON, warehouse="NOWHERE")) == []
    stranger = api_of(make.merchant())
    assert lines_of(read(stranger, NDJSON)) == []
    assert json.loads(read(stranger).getvalue()) == {"items": [], "next_cursor": None}
    refused(api.client.get("/api/v1/stock/bulk"), 401, "unauthorized")


def stocked(api, house, count):
    skus = Sku.objects.bulk_create(Sku(merchant=api.merchant, code=f"S{number:05}", name="Thing") for number in range(count))
    Availability.objects.bulk_create(Availability(warehouse=house, merchant=api.merchant, sku=sku, on_hand=sku.pk % 90) for sku in skus)
    # As autovacuum would: a plan made for the few rows of the test before looks at each pair of ten thousand.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_sku, inventory_availability")


@pytest.mark.parametrize(("form", "end"), [(NDJSON, []), (JSON, [0])])
def test_ten_thousand_skus_come_in_one_call_with_one_statement_and_little_memory(api, house, form, end):
    stocked(api, house, 10_000)
    api.get("/skus", {"limit": 1})  # the key is known from here on
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = read(api, form)
        tracemalloc.start()
        rows, last = [], b""
        for chunk in answer:
            rows.append(chunk.count(b'"sku":'))
            last = chunk if rows[-1] else last
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert rows == [1_000] * 10 + end
    assert b'"sku":"S09999"' in last
    assert len([query for query in queries if "inventory_availability" in query["sql"]]) <= 1
    # All rows at once would be more than 3 MB.
    assert peak < 2_000_000


def test_a_reader_that_hangs_up_leaves_no_transaction_behind(api, house):
    stocked(api, house, 2_000)  # more than come in one chunk
    answer = read(api, NDJSON)
    depth = len(connection.savepoint_ids)
    assert next(iter(answer)).count(b"\n") == 1000
    assert len(connection.savepoint_ids) == depth + 1
    answer.close()
    assert len(connection.savepoint_ids) == depth
