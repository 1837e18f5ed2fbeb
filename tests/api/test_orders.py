from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models import JSONField, Value
from django.utils import timezone

from inventory import skus_by_code
from inventory.models import Availability, Warehouse
from outbound.models import Order
from tests import make
from tests.api.calling import api_of, body_of, refused
from tests.marketplaces.test_standings import connect

# It takes the goods and writes the order in one, between the beginning and the end of its transaction.
STATEMENTS_OF_AN_ORDER = 3


def test_an_order_is_accepted_once_and_its_repetition_answers_the_first_result(api, house):
    thing = make.sku(api.merchant)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    body = body_of(house, {thing: 4}, ship_by="2030-01-31T17:00:00Z", service="express")

    first = api.post("/orders", body)
    again = api.post("/orders", body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    order = Order.objects.get()
    assert first.json() == {
        "id": order.pk,
        "reference": body["reference"],
        "status": "ready",
        "warehouse": house.code,
        "service": "express",
        "ship_by": "2030-01-31T17:00:00Z",
        "lines": [{"number": 1, "sku": thing.code, "quantity": 4, "shipped": 0}],
        "parcels": [],
    }
    assert order.ship_to.opened() == make.SHIP_TO
    refused(api.post("/orders", {**body, "service": "slow"}), 409, "reference_taken")
    assert Availability.objects.get().committed == 4
    stored = api.get(f"/orders/{order.pk}").json()
    assert abs((order.ship_by - timezone.now()).total_seconds() - stored.pop("seconds_left")) < 60
    assert stored == first.json() | {
        "late": False,
        "late_headroom": None,
        "country": "GB",
        "created_at": order.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": order.updated_at.isoformat().replace("+00:00", "Z"),
        "shipped_at": None,
        "buyer_erased_at": None,
    }


@pytest.mark.parametrize("asked", [{"ship_by": "2030-01-31T18:00:00+01:00"}, {}])
def test_a_ship_by_is_answered_as_the_same_text_every_time(api, house, asked):
    """In UTC, whatever it was asked in, or by whichever clock it was worked out."""
    Warehouse.objects.filter(pk=house.pk).update(time_zone="Europe/Berlin")
    thing = make.sku(api.merchant)
    one, many = body_of(house, {thing: 1}, **asked), body_of(house, {thing: 1}, **asked)
    texts = [api.post("/orders", one).json()["ship_by"] for _time in range(2)]
    texts += [api.post("/orders/bulk", [many]).json()["items"][0]["order"]["ship_by"] for _time in range(2)]
    assert len(set(texts)) == 1
    assert texts[0].endswith("Z")
    assert texts[0] == asked.get("ship_by", texts[0]).replace("18:00:00+01:00", "17:00:00Z")


def test_an_order_shows_its_clock_and_what_its_shop_can_bear(api, house):
    order = Order.objects.get(
        pk=api.post("/orders", body_of(house, {make.sku(api.merchant): 1}, ship_by="2020-01-31T17:00:00Z")).json()["id"]
    )
    shop = connect(merchant=api.merchant, warehouse=house)
    make.sold_on(shop, order, external_id="1", ship_by=order.ship_by)
    shop.rules.filter(measure="late").update(counted=100, bad=5, room=-2)
    shown = api.get(f"/orders/{order.pk}").json()
    assert (shown["late"], shown["late_headroom"], shown["seconds_left"] < 0) == (True, -2, True)
    assert api.get("/orders").json()["items"][0]["late_headroom"] == -2
    cancelled = api.post(f"/orders/{order.pk}/cancel").json()
    assert (cancelled["late"], cancelled["seconds_left"]) == (False, None)


def test_another_merchants_order_is_not_there(api, house):
    thing = make.sku(api.merchant)
    order = api.post("/orders", body_of(house, {thing: 4})).json()
    assert order["status"] == "short"
    stranger = api_of(make.merchant())
    refused(stranger.get(f"/orders/{order['id']}"), 404, "not_found")
    refused(stranger.post(f"/orders/{order['id']}/cancel"), 404, "not_found")
    assert stranger.get("/orders").json() == {"items": [], "next_cursor": None}
    assert api.post(f"/orders/{order['id']}/cancel").json()["status"] == "cancelled"


def test_bulk_answers_each_row_and_a_bad_one_does_not_sink_the_others(api, house):
    thing = make.sku(api.merchant)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    good, short = body_of(house, {thing: 4}), body_of(house, {thing: 7})
    bad_field, unknown, taken = (
        body_of(house, {thing: 0}),
        {**body_of(house, {thing: 1}), "warehouse": "NOWHERE"},
        {**good, "service": "other"},
    )

    answer = api.post("/orders/bulk", [good, bad_field, "text", unknown, short, good, taken])

    rows = answer.json()["items"]
    assert answer.status_code == 200
    assert [row["index"] for row in rows] == list(range(7))
    assert [row["status_code"] for row in rows] == [201, 422, 422, 422, 201, 200, 409]
    assert [row["ok"] for row in rows] == [row["error"] is None for row in rows] == [row["order"] is not None for row in rows]
    assert rows[1]["error"]["details"] == [{"path": ["lines", 0, "quantity"], "message": "At least 1."}]
    assert rows[2]["error"]["details"][0]["path"] == []
    assert rows[3]["error"]["details"][0]["path"] == ["warehouse"]
    assert (rows[0]["order"]["status"], rows[4]["order"]["status"], rows[6]["error"]["code"]) == ("ready", "short", "reference_taken")
    assert rows[5]["order"] == rows[0]["order"]
    assert Order.objects.count() == 2
    assert api.post("/orders/bulk", []).json() == {"items": [], "next_cursor": None}


def test_lists_go_on_where_the_cursor_says_and_filter(api, house):
    thing = make.sku(api.merchant)
    ids = [row["order"]["id"] for row in api.post("/orders/bulk", [body_of(house, {thing: 1}) for _ in range(5)]).json()["items"]]
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/orders", {"reference": "", "status": "", "updated_after": "", "cursor": cursor, "limit": 2}).json()
        assert len(page["items"]) <= 2
        seen += [order["id"] for order in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ids
    first = Order.objects.get(pk=ids[0])
    assert [order["id"] for order in api.get("/orders", {"reference": first.reference}).json()["items"]] == [first.pk]
    api.post(f"/orders/{ids[3]}/cancel")
    assert [order["id"] for order in api.get("/orders", {"status": "cancelled"}).json()["items"]] == [ids[3]]
    assert len(api.get("/orders", {"status": "short"}).json()["items"]) == 4
    changed = api.get("/orders", {"updated_after": first.updated_at.isoformat()}).json()["items"]
    assert {order["id"] for order in changed} == {key for key in ids if Order.objects.get(pk=key).updated_at > first.updated_at} >= {ids[3]}
    moment = first.updated_at.isoformat()
    assert moment.endswith("+00:00")
    # A client that forgot to encode the + sends a space.
    assert api.get("/orders", {"updated_after": moment.replace("+", " ")}).json()["items"] == changed
    refused(api.get("/orders", {"updated_after": moment.replace("+", "  ")}), 422, "invalid_input")
    refused(api.get("/stock", {"cursor": api.get("/orders", {"limit": 1}).json()["next_cursor"]}), 422, "invalid_input")


def test_orders_of_all_states_come_in_one_order(api, house):
    """One moment and several states: what lies between two pages is neither left out nor said twice."""
    thing = make.sku(api.merchant)
    ids = [row["order"]["id"] for row in api.post("/orders/bulk", [body_of(house, {thing: 1}) for _ in range(9)]).json()["items"]]
    moment, states = datetime(2026, 1, 2, tzinfo=UTC), ["short", "cancelled", "ready"]
    for turn, key in enumerate(ids):
        Order.objects.filter(pk=key).update(updated_at=moment + timedelta(seconds=turn // 4), status=states[turn % 3])
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/orders", {"cursor": cursor, "limit": 2}).json()
        seen += [order["id"] for order in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ids
    later = api.get("/orders", {"updated_after": moment.isoformat()}).json()["items"]
    assert [order["id"] for order in later] == ids[4:]


def test_a_cursor_goes_on_with_the_filters_that_it_was_made_with(api, house):
    thing = make.sku(api.merchant)
    ids = [row["order"]["id"] for row in api.post("/orders/bulk", [body_of(house, {thing: 1}) for _ in range(4)]).json()["items"]]
    api.post(f"/orders/{ids[0]}/cancel")
    cursor = api.get("/orders", {"status": "short", "limit": 1}).json()["next_cursor"]
    rest = api.get("/orders", {"status": "short", "limit": 5, "cursor": cursor, "reference": ""}).json()
    assert ([order["id"] for order in rest["items"]], rest["next_cursor"]) == (ids[2:], None)
    for other in ({}, {"status": "cancelled"}, {"status": "short", "updated_after": "2020-01-01T00:00:00Z"}):
        details = refused(api.get("/orders", {**other, "cursor": cursor}), 422, "invalid_input")
        assert [problem["path"] for problem in details] == [["cursor"]]
    unfiltered = api.get("/orders", {"limit": 1}).json()["next_cursor"]
    refused(api.get("/orders", {"status": "short", "cursor": unfiltered}), 422, "invalid_input")
    assert len(api.get("/orders", {"cursor": unfiltered}).json()["items"]) == 3


def test_a_repeated_answer_is_the_first_one_byte_for_byte(api, house):
    """Keys in their order, letters beyond ASCII, and what a column of JSON could not hold."""
    thing = make.sku(api.merchant)
    rows = [body_of(house, {thing: 1}), {"reference": "b\x00d", "zeta": 1, "alpha": "é"}]
    first, again = (api.post("/orders/bulk", rows, Idempotency_Key="k-1") for _twice in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert Order.objects.count() == 1


def test_an_idempotency_key_replays_the_first_answer_and_refuses_other_content(api, house):
    thing = make.sku(api.merchant)
    body = body_of(house, {thing: 1})
    first = api.post("/orders", body, Idempotency_Key="k-1")
    again = api.post("/orders", body, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    refused(api.post("/orders", body_of(house, {thing: 1}), Idempotency_Key="k-1"), 409, "request_reused")
    refused(api.post(f"/orders/{first.json()['id']}/cancel", Idempotency_Key="k-1"), 409, "request_reused")
    assert Order.objects.get().status == "short"
    cancelled = [api.post(f"/orders/{first.json()['id']}/cancel", Idempotency_Key="k-2").json()["status"] for _ in range(2)]
    assert cancelled == ["cancelled", "cancelled"]
    # Keys are a merchant's own.
    assert api_of(make.merchant()).post("/skus", {"code": "A", "name": "A"}, Idempotency_Key="k-1").status_code == 201


def test_a_refused_request_leaves_its_key_free_and_a_lost_answer_is_made_again(api, house):
    from wms.core.models import RequestOutcome

    thing = make.sku(api.merchant)
    refused(api.post("/orders", {**body_of(house, {thing: 1}), "warehouse": "NOWHERE"}, Idempotency_Key="k-1"), 422, "invalid_input")
    body = body_of(house, {thing: 1})
    first = api.post("/orders", body, Idempotency_Key="k-1")
    assert first.status_code == 201
    # As if the process had died between the order and its answer.
    RequestOutcome.objects.update(outcome=Value(None, JSONField()), created_at=timezone.now() - timedelta(seconds=6))
    again = api.post("/orders", body, Idempotency_Key="k-1")
    assert (again.status_code, again.json()) == (200, first.json())


def test_statements_do_not_depend_on_how_much_there_is(api, house, django_assert_num_queries):
    skus = [make.sku(api.merchant) for _ in range(30)]
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 1000)
    api.get("/skus")  # the key is known from here on
    skus_by_code.find(api.merchant.pk, {thing.code for thing in skus})
    orders = []
    for lines in (1, 30):
        with django_assert_num_queries(STATEMENTS_OF_AN_ORDER):
            orders.append(api.post("/orders", body_of(house, dict.fromkeys(skus[:lines], 1), ship_by="2030-01-01T00:00:00Z")).json())
    for rows in (2, 50):
        with django_assert_num_queries(STATEMENTS_OF_AN_ORDER):
            api.post("/orders/bulk", [body_of(house, {skus[0]: 1}, ship_by="2030-01-01T00:00:00Z") for _ in range(rows)])
    for limit in (1, 50):
        with django_assert_num_queries(4):
            api.get("/orders", {"limit": limit})
        with django_assert_num_queries(5):
            api.get("/stock", {"limit": limit})
        with django_assert_num_queries(2):
            api.get("/skus", {"limit": limit})
    for order in orders:
        with django_assert_num_queries(4):
            api.get(f"/orders/{order['id']}")


def test_the_first_order_of_the_documentation_is_taken(api):
    said = Path(__file__).parents[2].joinpath("docs", "api.md").read_text()
    found = re.search(
        r"""-H "Authorization: Bearer \$KEY" -H "Content-Type: application/json" -H "Idempotency-Key: ([^"]+)" -d '(.*?)'""",
        said,
        re.DOTALL,
    )
    assert found is not None
    make.stock(make.bin_of(make.warehouse("DEMO"), "A-01"), make.sku(api.merchant, "USBC-1M-BLK"), 2)
    answer = api.post("/orders", json.loads(found[2]), Idempotency_Key=found[1])
    assert (answer.status_code, answer.json()["status"], Order.objects.get().reference) == (201, "ready", "SO-10001")
