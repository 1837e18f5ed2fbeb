"""Skus, ASNs and stock."""

from __future__ import annotations

from datetime import UTC, datetime

from inbound.models import Asn
from inventory.models import Barcode, Sku
from tests import make
from tests.api.calling import api_of, body_of, refused

MUG = {
    "code": "MUG",
    "name": "Mug",
    "weight_g": 350,
    "declared_value": "2.50",
    "currency": "USD",
    "barcodes": [{"code": "1", "pack_quantity": 6}],
}


def test_a_sku_is_entered_once(api):
    first, again = api.post("/skus", MUG), api.post("/skus", MUG)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert {name: first.json()[name] for name in MUG} == MUG
    refused(api.post("/skus", MUG | {"weight_g": 1}), 409, "sku_taken")
    refused(api.post("/skus", MUG | {"barcodes": [{"code": "2"}]}), 409, "sku_taken")
    details = refused(api.post("/skus", {"code": "CUP", "name": "Cup", "barcodes": [{"code": "1"}]}), 422, "invalid_input")
    assert details[0]["path"] == ["barcodes"]
    assert (Sku.objects.count(), Barcode.objects.count()) == (1, 1)
    assert api_of(make.merchant()).post("/skus", MUG).status_code == 201
    assert [sku["code"] for sku in api.get("/skus", {"code": "MUG"}).json()["items"]] == ["MUG"]


def test_skus_come_in_pages(api):
    codes = [make.sku(api.merchant).code for _ in range(5)]
    first = api.get("/skus", {"limit": 3}).json()
    rest = api.get("/skus", {"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [sku["code"] for sku in first["items"] + rest["items"]] == codes
    assert rest["next_cursor"] is None


def test_skus_are_asked_for_by_their_last_change(api):
    first, second = (make.sku(api.merchant, updated_at=datetime(2020, 1, day, tzinfo=UTC)) for day in (1, 2))
    assert [sku["code"] for sku in api.get("/skus").json()["items"]] == [first.code, second.code]
    since = "2020-01-02T00:00:00Z"
    assert api.get("/skus", {"updated_after": since}).json()["items"] == []

    Barcode.objects.create(merchant=api.merchant, sku=first, code="4006381333931")

    changed = api.get("/skus", {"updated_after": since}).json()["items"]
    assert [(sku["code"], len(sku["barcodes"])) for sku in changed] == [(first.code, 1)]
    assert [sku["code"] for sku in api.get("/skus").json()["items"]] == [second.code, first.code]
    Sku.objects.filter(pk=second.pk).update(name="Renamed")
    assert len(api.get("/skus", {"updated_after": since}).json()["items"]) == 2


def test_asns_come_in_pages_by_their_last_change_without_their_lines(api, house, django_assert_num_queries):
    thing = make.sku(api.merchant)
    ids = []
    for reference in ("PO-1", "PO-2", "PO-3"):
        body = {
            "reference": reference,
            "warehouse": house.code,
            "lines": [{"sku": thing.code, "quantity": quantity} for quantity in (5, 7)],
        }
        ids.append(api.post("/asns", body).json()["id"])
    first = api.get("/asns", {"limit": 2}).json()
    rest = api.get("/asns", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [asn["id"] for asn in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    whole = api.get(f"/asns/{ids[0]}").json()
    units = {"announced": 12, "received": 0, "damaged": 0, "put_away": 0}
    assert first["items"][0] == {name: whole[name] for name in first["items"][0] if name not in units} | units
    assert [asn["id"] for asn in api.get("/asns", {"reference": "PO-2"}).json()["items"]] == [ids[1]]
    Asn.objects.filter(pk=ids[2]).update(status="void")
    assert [asn["id"] for asn in api.get("/asns", {"status": "void"}).json()["items"]] == [ids[2]]
    changed = api.get("/asns", {"updated_after": rest["items"][0]["updated_at"]}).json()["items"]
    assert [(asn["id"], asn["status"]) for asn in changed] == [(ids[2], "void")]
    for limit in (1, 3):
        with django_assert_num_queries(2):
            api.get("/asns", {"limit": limit})


def test_an_asns_bad_container_is_named_with_its_bad_lines(api, house):
    body = {"reference": "PO-1", "warehouse": house.code, "container_number": "CSQU3054384", "lines": [{"sku": "NOPE", "quantity": 1}]}
    details = refused(api.post("/asns", body), 422, "invalid_input")
    assert [problem["path"] for problem in details] == [["container_number"], ["lines", 0, "sku"]]
    assert not Asn.objects.exists()


def test_an_asn_is_announced_once_and_its_goods_are_incoming(api, house):
    api.post("/skus", MUG)
    body = {
        "reference": "PO-1",
        "warehouse": house.code,
        "container_number": "CSQU3054383",
        "transport": "sea_fcl",
        "expected_on": "2030-02-20",
        "cartons": [{"box_number": "7", "lines": [{"sku": "MUG", "quantity": 24}]}],
        "lines": [{"sku": "MUG", "quantity": 6, "lot": "L7", "expires_on": "2031-12-31"}],
    }
    first, again = api.post("/asns", body), api.post("/asns", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == api.get(f"/asns/{first.json()['id']}").json()
    assert first.json()["lines"] == [
        {"number": 1, "carton": 1, "sku": "MUG", "quantity": 24, "lot": "", "expires_on": None, "received": 0, "damaged": 0, "put_away": 0},
        {
            "number": 2,
            "carton": None,
            "sku": "MUG",
            "quantity": 6,
            "lot": "L7",
            "expires_on": "2031-12-31",
            "received": 0,
            "damaged": 0,
            "put_away": 0,
        },
    ]
    refused(api.post("/asns", body | {"vessel": "Ever Given"}), 409, "reference_taken")
    assert Asn.objects.count() == 1
    assert api.get("/stock").json()["items"] == [
        {
            "sku": "MUG",
            "warehouse": house.code,
            "on_hand": 0,
            "committed": 0,
            "available": 0,
            "backordered": 0,
            "incoming": 30,
            "damaged": 0,
        }
    ]
    Asn.objects.update(status="void")
    assert api.get("/stock").json()["items"] == []


def test_stock_is_told_by_sku_and_warehouse_in_pages(api, house):
    other, skus = make.warehouse(), [make.sku(api.merchant) for _ in range(3)]
    empty = make.sku(api.merchant)
    for thing in skus:
        make.stock(make.bin_of(house, "A-01"), thing, 10)
        make.stock(make.bin_of(other, "A-01"), thing, 5)
    make.stock(make.bin_of(house, "QUARANTINE"), skus[0], 2, condition="damaged")
    api.post("/orders", body_of(house, {skus[0]: 4}))
    api.post("/orders", body_of(house, {skus[0]: 9}))

    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/stock", {"limit": 2, "cursor": cursor}).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        cursor = page["next_cursor"]

    assert [(row["sku"], row["warehouse"]) for row in seen] == [(thing.code, place.code) for thing in skus for place in (house, other)]
    assert seen[0] == {
        "sku": skus[0].code, "warehouse": house.code,
        "on_hand": 10, "committed": 4, "available": 6, "backordered": 9, "incoming": 0, "damaged": 2,
    }  # fmt: skip
    assert api.get("/stock", {"sku": skus[1].code}).json()["items"] == seen[2:4]
    nothing = dict.fromkeys(("on_hand", "committed", "available", "backordered", "incoming", "damaged"), 0)
    zeros = [{"sku": empty.code, "warehouse": place.code, **nothing} for place in (house, other)]
    assert api.get("/stock", {"sku": empty.code}).json() == {"items": zeros, "next_cursor": None}
    first = api.get("/stock", {"sku": empty.code, "limit": 1}).json()
    second = api.get("/stock", {"sku": empty.code, "limit": 1, "cursor": first["next_cursor"]}).json()
    assert [*first["items"], *second["items"]] == zeros
    assert second["next_cursor"] is None
    other.active = False
    other.save()
    assert api.get("/stock", {"sku": empty.code}).json()["items"] == zeros[:1]
    refused(api.get("/stock", {"cursor": first["next_cursor"]}), 422, "invalid_input")
    assert api.get("/stock", {"sku": "UNKNOWN"}).json() == {"items": [], "next_cursor": None}
