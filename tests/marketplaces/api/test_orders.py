"""A shop says what its orders are: in any order, as often as it likes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from inventory import skus_by_code
from inventory.models import Availability
from marketplaces import channels, order_book, pausing
from marketplaces.api.order_shapes import ShopAddressIn, ShopLineIn, ShopOrderIn
from marketplaces.models import Channel, ChannelOrder
from outbound.models import Order
from tests import make
from tests.api.calling import api_of, refused
from tests.marketplaces.adapters.storefront.contract import ours
from tests.marketplaces.test_tracking import leave
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = "2030-01-31T17:{:02}:00+00:00"


def document(number: int = 1001, *, quantity: int = 2, minute: int = 0, sku: str = "MUG-BLUE", **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "number": f"#{number}",
        "state": "open",
        "updated_at": MINUTE.format(minute),
        "ship_to": make.SHIP_TO,
        "lines": [{"id": "1", "sku": sku, "quantity": quantity}],
        **fields,
    }


def committed() -> int:
    return Availability.objects.get().committed


def test_an_order_is_taken_in_and_answered_at_once(api, channel, thing):
    answer = api.post("/channels/OWN/orders", document()).json()
    order = Order.objects.get()
    assert answer == {
        "id": "1001", "number": "#1001", "state": "open", "status": "imported", "problem": "", "problem_detail": "", "parcels": [],
        "order": {
            "id": order.pk, "reference": "OWN-#1001", "status": "ready",
            "ship_by": answer["order"]["ship_by"], "updated_at": answer["order"]["updated_at"],
        },
        "orders": [answer["order"]],
    }  # fmt: skip
    assert datetime.fromisoformat(answer["order"]["ship_by"]) == order.ship_by
    assert (order.merchant, order.warehouse, order.lines.get().quantity, committed()) == (api.merchant, channel.warehouse, 2, 2)


def test_sent_again_it_is_the_same_order(api, channel, thing):
    first = api.post("/channels/OWN/orders", document()).json()
    assert api.post("/channels/OWN/orders", document()).json() == first
    assert api.post("/channels/OWN/orders", document(), Idempotency_Key="k1").json() == first
    assert api.post("/channels/OWN/orders", document(), Idempotency_Key="k1").json() == first
    refused(api.post("/channels/OWN/orders", document(minute=9), Idempotency_Key="k1"), 409, "request_reused")
    assert (Order.objects.count(), committed()) == (1, 2)


def test_two_at_the_same_moment_are_one_order(api, channel, thing):
    answers = together(lambda: api.post("/channels/OWN/orders", document()).json(), 6)
    assert {answer["order"]["reference"] for answer in answers} == {"OWN-#1001"}
    assert (Order.objects.count(), ChannelOrder.objects.count(), committed()) == (1, 1, 2)


def test_and_without_the_channel_s_lock_they_would_meet(api, channel, thing, monkeypatch):
    """What the guard of the test above is good for: both find the order new, and the second breaks on the first one's row."""

    class Unlocked:
        @staticmethod
        def select_for_update(**_options: Any) -> Any:
            return type("Nothing", (), {"get": staticmethod(get)})

    def get(**key: Any) -> Channel:
        meet.wait(timeout=10)
        return Channel.objects.get(**key)

    import threading

    meet = threading.Barrier(2)
    found = order_book._create

    def create(channel: Any, orders: Any) -> Any:
        meet.wait(timeout=10)
        return found(channel, orders)

    monkeypatch.setattr(order_book, "Channel", type("Channel", (), {"objects": Unlocked}))
    monkeypatch.setattr(order_book, "_create", create)
    answers = together(lambda: api.post("/channels/OWN/orders", document()).status_code, 2)
    assert sorted(answers) == [200, 500]


def together(work: Any, times: int) -> list[Any]:
    def alone(_number: int) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(alone, range(times)))


def test_the_later_word_counts_whenever_it_comes(api, channel, thing):
    def send(minute: int, **fields: Any) -> tuple[str, str]:
        answer = api.post("/channels/OWN/orders", document(minute=minute, **fields)).json()
        return answer["state"], answer["status"]

    assert send(1, state="pending") == ("pending", "seen")
    assert (ChannelOrder.objects.get().parts.exists(), committed()) == (False, 0)
    assert send(2) == ("open", "imported")
    assert send(1, state="cancelled") == ("open", "imported"), "an older word"
    assert send(2, state="pending") == ("open", "imported"), "of the same moment the later state counts"
    assert send(5, state="cancelled", lines=[], ship_to=None) == ("cancelled", "cancelled")
    assert send(4) == ("cancelled", "cancelled")
    assert (Order.objects.get().status, committed()) == ("cancelled", 0)
    assert send(6) == ("open", "imported")
    assert sorted(Order.objects.values_list("reference", "status")) == [("OWN-#1001", "cancelled"), ("OWN-#1001-2", "ready")]


def test_an_order_that_is_paid_without_a_new_time(api, channel, thing):
    assert api.post("/channels/OWN/orders", document(state="pending")).json()["status"] == "seen"
    assert api.post("/channels/OWN/orders", document()).json()["status"] == "imported"


def test_unknown_goods_wait_on_the_work_list_for_their_sku(api, channel, house):
    answer = api.post("/channels/OWN/orders", document()).json()
    assert (answer["status"], answer["problem"], answer["problem_detail"], answer["order"]) == (
        "unmapped",
        "unknown_goods",
        "MUG-BLUE",
        None,
    )
    sku = make.sku(api.merchant, "MUG-BLUE")
    make.stock(make.bin_of(house, "A-01"), sku, 10)
    assert api.post("/channels/OWN/orders", document(minute=1)).json()["status"] == "imported"
    assert ChannelOrder.objects.get().problem == ""


def test_goods_are_found_by_the_shop_s_own_id_first(api, channel, thing):
    red = make.sku(api.merchant, "MUG-RED")
    assert api.post("/channels/OWN/listings", [{"id": "77", "sku": "MUG-RED"}]).status_code == 200
    body = document(lines=[{"id": "1", "listing_id": "77", "sku": "MUG-BLUE", "quantity": 1}])
    assert api.post("/channels/OWN/orders", body).json()["order"]["status"] == "short"
    assert Order.objects.get().lines.get().sku == red


def test_an_address_that_cannot_be_used_is_shown_not_refused(api, channel, thing):
    answer = api.post("/channels/OWN/orders", document(ship_to={"name": "Grace", "country": "Somewhere"})).json()
    assert (answer["status"], answer["problem"]) == ("refused", "bad_address")


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"state": "paid"}, ["state"]),
        ({"updated_at": "2030-01-31T17:00:00"}, ["updated_at"]),
        ({"id": ""}, ["id"]),
        ({"lines": []}, []),
        ({"ship_to": None}, []),
        ({"lines": [{"id": "1", "sku": "A", "quantity": -1}]}, ["lines", 0, "quantity"]),
        ({"lines": [{"id": "1", "sku": "A", "quantity": "2"}]}, ["lines", 0, "quantity"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_a_document_of_another_shape_is_refused(api, channel, thing, wrong, path):
    details = refused(api.post("/channels/OWN/orders", document(**wrong)), 422, "invalid_input")
    assert [problem["path"] for problem in details] == [path]
    assert not ChannelOrder.objects.exists()


def test_an_id_that_no_column_takes(api, channel, thing):
    refused(api.post("/channels/OWN/orders", document(id="a\x00b")), 422, "message_unreadable")
    refused(api.get("/channels/OWN/orders/a%00b"), 404, "not_found")
    refused(api.get("/channels/a%00b/orders"), 404, "not_found")


def test_two_of_three_have_left_whatever_the_header_says(api, channel, thing):
    body = document(state="shipped", lines=[{"id": "1", "sku": "MUG-BLUE", "quantity": 3, "shipped": 2}])
    assert api.post("/channels/OWN/orders", body).json()["state"] == "open"
    assert Order.objects.get().lines.get().quantity == 1


@pytest.mark.parametrize("left", [False, True])
def test_a_request_to_cancel_is_answered_in_the_answer(api, channel, thing, left):
    api.post("/channels/OWN/orders", document())
    if left:
        leave(Order.objects.get(), "WMS-1", 2)
    answer = api.post("/channels/OWN/orders", document(minute=1, cancellation_requested=True)).json()
    assert answer["status"] == ("cancelled_late" if left else "cancelled")
    assert OutboxEvent.objects.filter(payload__order_ids=["1001"]).count() == 1


def test_many_at_once_each_with_its_own_answer(api, channel, thing):
    rows = [
        document(1),
        document(2, sku="WHAT"),
        {"id": "3"},
        document(4, id="a\x00b"),
        document(1, minute=1, state="cancelled"),
        document(5),
    ]
    items = api.post("/channels/OWN/orders/bulk", rows).json()["items"]
    assert [(row["index"], row["ok"], row["status_code"]) for row in items] == [
        (0, True, 200), (1, True, 200), (2, False, 422), (3, False, 422), (4, True, 200), (5, True, 200),
    ]  # fmt: skip
    assert [row["order"] and row["order"]["status"] for row in items] == ["cancelled", "unmapped", None, None, "cancelled", "imported"]
    assert [row["error"] and row["error"]["code"] for row in items] == [None, None, "invalid_input", "message_unreadable", None, None]
    assert list(Order.objects.values_list("reference", flat=True)) == ["OWN-#5"]


def test_too_many_at_once(api, channel, settings):
    settings.API_BULK_MAX = 2
    refused(api.post("/channels/OWN/orders/bulk", [document(n) for n in range(3)]), 413, "too_large")


def statements(api, rows: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = api.post("/channels/OWN/orders/bulk", rows).json()
    assert {row["order"]["status"] for row in answer["items"]} == {"imported"}
    return len([row for row in captured if "core_apikey" not in row["sql"]])  # the key is looked up once a second


def test_statements_do_not_grow_with_the_orders(api, channel, thing, house):
    make.stock(make.bin_of(house, "A-01"), thing, 100)
    skus_by_code.find(thing.merchant_id, {thing.code})
    few = statements(api, [document(n, quantity=1) for n in range(10, 12)])
    many = statements(api, [document(n, quantity=1, lines=[{"id": "1", "sku": "MUG-BLUE", "quantity": 1}] * 2) for n in range(20, 60)])
    assert many == few


def test_what_became_of_one_and_of_all(api, channel, thing):
    for number in range(3):
        api.post("/channels/OWN/orders", document(number, quantity=3))
    leave(Order.objects.get(reference="OWN-#0"), "WMS-1", 2, last=False)
    one = api.get("/channels/OWN/orders/0").json()
    (parcel,) = one["parcels"]
    assert (parcel["tracking_number"], parcel["carrier"], parcel["lines"]) == ("WMS-1", "own", [{"id": "1", "quantity": 2}])
    assert api.get("/channels/OWN/orders/1").json()["parcels"] == []
    refused(api.get("/channels/OWN/orders/9"), 404, "not_found")

    found, cursor = [], None
    while True:
        page = api.get("/channels/OWN/orders", {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        if not (cursor := page["next_cursor"]):
            break
    assert [row["id"] for row in found] == ["0", "1", "2"]
    assert found[0] == one
    last = found[-1]["order"]["updated_at"]
    assert api.get("/channels/OWN/orders", {"updated_after": last}).json()["items"] == []


def test_the_first_of_two_parcels_is_news_for_who_asks_what_changed(api, channel, thing):
    """Every parcel that leaves changes its order, not only the last."""
    from outbound import packing, picking, shipping, waves

    api.post("/channels/OWN/orders", document(quantity=3))
    order, by = Order.objects.get(), make.user(is_staff=True)
    waves.release(warehouse_id=order.warehouse_id, by=by)
    for task in order.tasks.order_by("pk"):
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=by)
    packing.pack(order_id=order.pk, by=by)
    before = api.get("/channels/OWN/orders/1001").json()
    assert before["parcels"] == []
    shipping.ship(parcel_id=order.parcels.get().pk, by=by)
    (row,) = api.get("/channels/OWN/orders", {"updated_after": before["order"]["updated_at"]}).json()["items"]
    assert [parcel["lines"] for parcel in row["parcels"]] == [[{"id": "1", "quantity": 3}]]
    assert row["order"]["status"] == "shipped"


def test_a_paused_channel_takes_nothing_until_it_goes_on(api, channel, thing):
    pausing.pause(channel=channel, by=make.user(), reason="Holidays")
    refused(api.post("/channels/OWN/orders", document()), 409, "channel_paused")
    refused(api.post("/channels/OWN/listings", [{"id": "1"}]), 409, "channel_paused")
    assert not ChannelOrder.objects.exists()
    pausing.resume(channel=channel)
    assert api.post("/channels/OWN/orders", document()).json()["status"] == "imported"


def test_a_shop_that_we_ask_reports_nothing(api, house, thing):
    channels.connect(
        merchant=api.merchant, warehouse=house, adapter="woocommerce", base_url="https://shop.example", name="Woo", code="WOO",
        credentials={"consumer_key": "ck", "consumer_secret": "cs"},
    )  # fmt: skip
    refused(api.post("/channels/WOO/orders", document()), 409, "channel_reports_nothing")
    assert not ChannelOrder.objects.exists()


def test_one_merchant_s_code_is_not_another_s(api, channel, thing, house):
    stranger = api_of(make.merchant())
    refused(stranger.post("/channels/OWN/orders", document()), 404, "not_found")
    with transaction.atomic():
        make.sku(stranger.merchant, "MUG-BLUE")
    channels.connect(
        merchant=stranger.merchant, warehouse=house, adapter="storefront", base_url="http://127.0.0.1:9/wms", name="Theirs", code="OWN",
        credentials={"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "declaration": "{}"},
    )  # fmt: skip
    assert stranger.post("/channels/OWN/orders", document()).json()["order"]["status"] == "short"
    assert Order.objects.get().merchant == stranger.merchant
    refused(api.get("/channels/OWN/orders/1001"), 404, "not_found")


def test_the_contract_and_the_api_say_the_same_of_a_document():
    for model, name in ((ShopOrderIn, "Order"), (ShopLineIn, "Line"), (ShopAddressIn, "Address")):
        schema, published = model.model_json_schema(), ours().schema(name)
        assert set(schema["properties"]) == set(published["properties"]), name
        assert set(schema.get("required", ())) == set(published.get("required", ())), name
    example = ShopOrderIn.model_json_schema()["examples"][0]
    assert ours().problems(ours().schema("Order"), example) == []
