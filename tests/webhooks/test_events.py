"""A merchant hears of its own orders, stock and ASNs; each message is signed and comes once."""

from __future__ import annotations

import pytest

from inbound import asns, receiving
from inbound.models import AsnLine
from inventory import counts
from outbound import packing, picking, shipping, waves
from outbound.models import Order
from tests import make
from tests.api.calling import api_of, body_of
from tests.webhooks.working import forget_keys, work
from webhooks import hearing
from webhooks.models import Message
from wms.core import outbox
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def heard(receiver, secret):
    """(type, data) of what came, each verified; the receiver forgets it."""
    found = [message.verified(secret) for message in receiver.heard]
    receiver.heard.clear()
    return [(content["type"], content["data"]) for content in found]


def test_an_order_is_heard_of_from_its_coming_to_its_leaving(api, house, receiver, endpoint):
    thing, by = make.sku(api.merchant), make.user()
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    work()
    heard(receiver, endpoint["secret"])

    order = api.post("/orders", body_of(house, {thing: 4})).json()
    work()
    came = dict(heard(receiver, endpoint["secret"]))
    accepted, asked = came["order.accepted"], api.get(f"/orders/{order['id']}").json()
    assert 0 <= accepted.pop("seconds_left") - asked.pop("seconds_left") < 60
    assert accepted == asked
    assert came["stock.changed"] == {"items": api.get("/stock").json()["items"]}
    assert came["stock.changed"]["items"][0]["committed"] == 4

    waves.release(warehouse_id=house.pk, by=by)
    task = Order.objects.get(pk=order["id"]).tasks.get()
    picking.pick(task_id=task.pk, tote_code="TOTE-01", by=by)
    parcel = packing.pack(order_id=order["id"], by=by)["parcel_id"]
    work()
    assert [kind for kind, _data in heard(receiver, endpoint["secret"]) if kind.startswith("order")] == []
    shipping.ship(parcel_id=parcel, by=by)
    work()
    left = dict(heard(receiver, endpoint["secret"]))["order.shipped"]
    assert (left["id"], left["status"], left["parcel_id"]) == (order["id"], "shipped", parcel)
    assert left["parcels"][0]["tracking_number"] != ""
    assert "ship_to" not in left


def test_short_orders_filled_orders_and_cancelled_ones_are_heard_of(api, house, receiver, endpoint):
    thing = make.sku(api.merchant)
    bulk = [body_of(house, {thing: 4}), body_of(house, {thing: 400})]
    first, second = (row["order"]["id"] for row in api.post("/orders/bulk", bulk).json()["items"])
    work()
    assert sorted((kind, data["id"]) for kind, data in heard(receiver, endpoint["secret"]) if "id" in data) == [
        ("order.short", first), ("order.short", second),
    ]  # fmt: skip
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    work()
    assert [(kind, data["id"]) for kind, data in heard(receiver, endpoint["secret"]) if "id" in data] == [("order.accepted", first)]
    bin_id = make.bin_of(house, "A-01").pk
    counts.count(bin_id=bin_id, sku_id=thing.pk, counted=1, by=make.user())
    work()
    assert [(kind, data["id"]) for kind, data in heard(receiver, endpoint["secret"]) if "id" in data] == [("order.short", first)]
    for _twice in range(2):
        api.post(f"/orders/{second}/cancel")
    work()
    assert [(kind, data["status"]) for kind, data in heard(receiver, endpoint["secret"]) if "id" in data] == [
        ("order.cancelled", "cancelled")
    ]


def test_an_asn_is_heard_of_when_all_of_it_is_counted(api, house, receiver, endpoint):
    thing, by = make.sku(api.merchant), make.user()
    asn = api.post("/asns", {"reference": "PO-1", "warehouse": house.code, "lines": [{"sku": thing.code, "quantity": 5}]}).json()["id"]
    asns.arrive(asn_id=asn, by=by)
    receiving.receive(line_id=AsnLine.objects.get().pk, bin_code="DOCK", quantity=5, by=by)
    receiving.finish(asn_id=asn, by=by)
    work()
    told = [data for kind, data in heard(receiver, endpoint["secret"]) if kind == "asn.received"]
    assert told == [{"id": asn, "reference": "PO-1", "warehouse": house.code, "status": "received"}]
    hearing.asns_received([{"asn_id": asn}])
    work()
    assert heard(receiver, endpoint["secret"]) == []


def test_many_changes_of_stock_within_a_sweep_are_one_message_with_the_numbers_of_now(api, house, receiver, endpoint):
    skus = [make.sku(api.merchant) for _ in range(3)]
    for thing in skus:
        for _each in range(4):
            make.stock(make.bin_of(house, "A-01"), thing, 10)
    assert {"webhooks.hearing.stock_changed"} == outbox.settings.OUTBOX_SWEPT
    work()
    [(kind, data)] = heard(receiver, endpoint["secret"])
    assert kind == "stock.changed"
    assert [(row["sku"], row["on_hand"]) for row in data["items"]] == [(thing.code, 40) for thing in skus]


def test_nobody_else_hears_and_who_has_no_endpoint_costs_no_event(api, house, receiver, endpoint):
    stranger = api_of(make.merchant())
    thing = make.sku(stranger.merchant)
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    stranger.post("/orders", body_of(house, {thing: 4}))
    assert OutboxEvent.objects.filter(handler__startswith="webhooks").count() == 0
    work()
    assert (receiver.heard, Message.objects.count()) == ([], 0)
    assert (
        api.client.delete(f"/api/v1/webhook-endpoints/{endpoint['id']}", headers={"Authorization": f"Bearer {api.key}"}).status_code == 204
    )
    forget_keys()
    api.post("/orders", body_of(house, {make.sku(api.merchant): 1}))
    assert OutboxEvent.objects.filter(handler__startswith="webhooks").count() == 0


def test_a_handler_that_runs_twice_makes_one_message(api, house, endpoint):
    api.post("/orders", body_of(house, {make.sku(api.merchant): 1}))
    payloads = list(OutboxEvent.objects.filter(topic="order.told").values_list("payload", flat=True))
    for _twice in range(2):
        hearing.orders_changed(payloads)
    assert Message.objects.count() == 1
    assert OutboxEvent.objects.filter(topic="webhook.due").count() == 1


def test_an_endpoint_hears_only_of_what_it_asked_for(api, house, receiver):
    assert api.post("/webhook-endpoints", {"url": receiver.url, "events": ["order.cancelled"]}).status_code == 201
    forget_keys()
    order = api.post("/orders", body_of(house, {make.sku(api.merchant): 1})).json()["id"]
    api.post(f"/orders/{order}/cancel")
    work()
    assert [message.body.split(b'"')[3] for message in receiver.heard] == [b"order.cancelled"]
    assert Message.objects.filter(event="order.short").count() == 1
