from __future__ import annotations

from inventory.models import Availability
from outbound.models import Order
from tests import make
from tests.api.calling import api_of, body_of, refused


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
    assert api.get(f"/orders/{order.pk}").json() == first.json() | {
        "country": "GB",
        "created_at": order.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": order.updated_at.isoformat().replace("+00:00", "Z"),
        "shipped_at": None,
    }


def test_another_merchants_order_is_not_there(api, house):
    thing = make.sku(api.merchant)
    order = api.post("/orders", body_of(house, {thing: 4})).json()
    assert order["status"] == "short"
    stranger = api_of(make.merchant())
    refused(stranger.get(f"/orders/{order['id']}"), 404, "not_found")
    refused(stranger.post(f"/orders/{order['id']}/cancel"), 404, "not_found")
    assert stranger.get("/orders").json() == {"items": [], "next_cursor": None}
    assert api.post(f"/orders/{order['id']}/cancel").json()["status"] == "cancelled"
