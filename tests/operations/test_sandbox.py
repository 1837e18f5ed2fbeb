"""A merchant in the sandbox sees everything happen, and nobody on the floor sees anything of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import override

from inbound import receiving
from inbound.models import Asn
from inventory import lookup, opening_stock
from inventory.models import Bin, BinKind, Lot, PutBackTask, StockBalance, StockMovement, Warehouse
from labels.models import PrintJob
from marketplaces import channels
from outbound import holds, waves
from outbound.models import Order, Parcel, PickTask, Wave
from tests import make
from tests.api.calling import Api, api_of, body_of, refused
from tests.webhooks.working import forget_keys
from tests.webhooks.working import work as deliver
from webhooks.models import Message
from wms.core.errors import InvalidInput, NotFound
from wms.core.models import Merchant
from wms.core.verification import drifts
from wms.operations import sandbox

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _at_once_and_in_english(settings, monkeypatch):
    settings.SANDBOX_STEP_SECONDS = 0
    monkeypatch.setattr("webhooks.sender.resolve", lambda url: "93.184.215.14")
    with override("en"):
        yield


def sandboxed(code: str = "") -> Api:
    """A merchant in the sandbox, with a key."""
    merchant = make.merchant(code)
    sandbox.switch(merchant_id=merchant.pk, on=True, by=make.user(is_staff=True))
    merchant.refresh_from_db()
    return api_of(merchant)


def stocked(api: Api, quantity: int = 24) -> None:
    """MUG is announced over the API, and is there."""
    assert api.post("/skus", {"code": "MUG", "name": "Mug"}).status_code == 201
    asn = {"reference": "PO-1", "warehouse": "SANDBOX", "cartons": [{"lines": [{"sku": "MUG", "quantity": quantity}]}]}
    assert api.post("/asns", asn).status_code == 201
    pass_time()
    assert Asn.objects.get(merchant=api.merchant).status == "put_away"


def pass_time(steps: int = 6) -> None:
    for _step in range(steps):
        sandbox.work()
        deliver()


def order(api: Api, quantity: int = 2, reference: str = "SO-1") -> Any:
    body = {"reference": reference, "warehouse": "SANDBOX", "ship_to": make.SHIP_TO, "lines": [{"sku": "MUG", "quantity": quantity}]}
    answer = api.post("/orders", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def stock_of(api: Api) -> dict[str, int]:
    row = api.get("/stock", {"sku": "MUG"}).json()["items"][0]
    return {name: row[name] for name in ("on_hand", "committed", "available", "incoming")}


def test_an_asn_arrives_and_is_received_and_put_away_step_by_step():
    api = sandboxed()
    api.post("/skus", {"code": "MUG", "name": "Mug"})
    api.post("/asns", {"reference": "PO-1", "warehouse": "SANDBOX", "lines": [{"sku": "MUG", "quantity": 10}]})
    seen = []
    for _step in range(4):
        seen.append((Asn.objects.get().status, stock_of(api)["on_hand"]))
        assert sandbox.work() >= 1 or len(seen) == 4
    assert seen == [("submitted", 0), ("arrived", 0), ("received", 0), ("put_away", 10)]
    assert sandbox.work() == 0
    assert list(drifts()) == []


def test_an_order_is_picked_packed_and_shipped_by_itself_with_a_test_label_and_its_webhooks():
    api = sandboxed()
    api.post("/webhook-endpoints", {"url": "https://shop.example.com/hooks"})
    forget_keys()
    stocked(api)
    accepted = order(api)
    assert accepted["status"] == "ready"
    seen = []
    for _step in range(5):
        seen.append(api.get(f"/orders/{accepted['id']}").json()["status"])
        sandbox.work()
        deliver()
    assert seen == ["ready", "released", "picked", "packed", "shipped"]
    shipped = api.get(f"/orders/{accepted['id']}").json()
    (parcel,) = shipped["parcels"]
    assert (parcel["carrier"], parcel["status"], parcel["weight_g"]) == ("test", "shipped", 500)
    assert parcel["tracking_number"].startswith("TEST")
    assert shipped["lines"][0]["shipped"] == 2
    assert stock_of(api) == {"on_hand": 22, "committed": 0, "available": 22, "incoming": 0}
    told = list(Message.objects.filter(event__startswith="order").order_by("pk").values_list("event", flat=True))
    assert told == ["order.accepted", "order.shipped"]
    assert Message.objects.filter(event="asn.received").count() == 1
    assert list(drifts()) == []


def test_its_label_says_that_it_is_a_test():
    api = sandboxed()
    stocked(api)
    accepted = order(api)
    pass_time()
    from outbound import papers

    parcel = Parcel.objects.select_related("order__ship_to", "warehouse").get()
    label = papers.parcel_label(parcel)
    assert (label.service, label.carrier) == ("TEST", "TEST: do not ship")
    pdf = api.get(f"/parcels/{parcel.pk}/label.pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert accepted["id"] == parcel.order_id


def test_a_short_order_waits_for_goods_and_then_goes_out():
    api = sandboxed()
    api.post("/skus", {"code": "MUG", "name": "Mug"})
    assert order(api)["status"] == "short"
    pass_time()
    assert Order.objects.get().status == "short"
    api.post("/asns", {"reference": "PO-1", "warehouse": "SANDBOX", "lines": [{"sku": "MUG", "quantity": 2}]})
    pass_time(9)
    assert Order.objects.get().status == "shipped"
    assert list(drifts()) == []


def test_an_order_that_is_cancelled_when_it_is_picked_goes_back_by_itself():
    api = sandboxed()
    stocked(api)
    accepted = order(api)
    pass_time(2)
    assert Order.objects.get().status == "picked"
    assert api.post(f"/orders/{accepted['id']}/cancel").json()["status"] == "cancelled"
    assert PutBackTask.objects.get().status == "open"
    pass_time(1)
    assert PutBackTask.objects.get().status == "done"
    assert stock_of(api) == {"on_hand": 24, "committed": 0, "available": 24, "incoming": 0}
    assert list(drifts()) == []


def test_tracked_goods_come_in_with_a_lot_though_none_was_announced():
    api = sandboxed()
    api.post("/skus", {"code": "TEA", "name": "Tea", "tracks_lot": True, "tracks_expiry": True})
    api.post("/asns", {"reference": "PO-1", "warehouse": "SANDBOX", "lines": [{"sku": "TEA", "quantity": 5}]})
    pass_time()
    assert Asn.objects.get().status == "put_away"
    lot = Lot.objects.get()
    assert (lot.code, lot.expires_on) == ("TEST", timezone.localdate() + timedelta(days=365))


def test_each_step_takes_its_time(settings):
    settings.SANDBOX_STEP_SECONDS = 3600
    api = sandboxed()
    api.post("/skus", {"code": "MUG", "name": "Mug"})
    api.post("/asns", {"reference": "PO-1", "warehouse": "SANDBOX", "lines": [{"sku": "MUG", "quantity": 1}]})
    assert sandbox.work() == 0
    assert Asn.objects.get().status == "submitted"


def test_many_orders_share_the_totes():
    api = sandboxed()
    stocked(api, 500)
    for number in range(60):
        order(api, reference=f"SO-{number}")
    pass_time(12)
    assert set(Order.objects.values_list("status", flat=True)) == {"shipped"}
    assert list(drifts()) == []


def test_without_a_sandbox_looking_costs_one_statement(django_assert_num_queries):
    make.warehouse()
    with django_assert_num_queries(1):
        assert sandbox.work() == 0


def test_real_merchants_and_real_stock_are_untouched():
    house, real = make.warehouse("DEMO"), api_of(make.merchant())
    thing = make.sku(real.merchant, "MUG")
    make.stock(make.bin_of(house, "A-01"), thing, 10)
    assert real.post("/orders", body_of(house, {thing: 3})).status_code == 201
    before = list(StockMovement.objects.filter(merchant=real.merchant).values())
    api = sandboxed()
    stocked(api)
    order(api)
    pass_time()
    assert list(StockMovement.objects.filter(merchant=real.merchant).values()) == before
    assert Order.objects.get(merchant=real.merchant).status == "ready"
    assert stock_of(real) == {"on_hand": 10, "committed": 3, "available": 7, "incoming": 0}
    assert [row["warehouse"] for row in api.get("/stock", {"sku": "MUG"}).json()["items"]] == ["SANDBOX"]
    assert [row["warehouse"] for row in real.get("/stock", {"sku": "MUG"}).json()["items"]] == ["DEMO"]
    # A wave of the house releases the real order and nothing else.
    released = waves.release(warehouse_id=house.pk, by=make.user())
    assert (released["orders"], PickTask.objects.filter(warehouse=house).count()) == (1, 1)


def test_an_order_that_waits_for_a_decision_goes_no_step_further(monkeypatch):
    api = sandboxed()
    stocked(api)
    waiting, other = order(api)["id"], order(api, reference="SO-2")["id"]
    sandbox.work()
    held = {waiting: holds.Hold("Shop", "no longer paid in the shop", 1, 1, "1", True)}
    monkeypatch.setattr(holds, "in_warehouse", lambda _warehouse_id, *_statuses: held)
    pass_time()
    assert dict(Order.objects.values_list("pk", "status")) == {waiting: "released", other: "shipped"}


def test_each_side_knows_its_own_warehouses_only():
    make.warehouse("DEMO")
    api, real = sandboxed(), api_of(make.merchant())
    for caller, wrong in ((api, "DEMO"), (real, "SANDBOX")):
        caller.post("/skus", {"code": "MUG", "name": "Mug"})
        lines = [{"sku": "MUG", "quantity": 1}]
        body = {"reference": "SO-1", "warehouse": wrong, "ship_to": make.SHIP_TO, "lines": lines}
        problems = refused(caller.post("/orders", body), 422, "invalid_input")
        assert [problem["path"] for problem in problems] == [["warehouse"]]
        problems = refused(caller.post("/asns", {"reference": "PO-1", "warehouse": wrong, "lines": lines}), 422, "invalid_input")
        assert [problem["path"] for problem in problems] == [["warehouse"]]
    assert (Order.objects.count(), Asn.objects.count()) == (0, 0)


def test_nobody_on_the_floor_sees_its_work():
    """Its codes mean nothing to a scanner, its house is on no list, and nothing is printed for it."""
    house, worker = make.warehouse("DEMO"), make.user(is_staff=True)
    api = sandboxed()
    api.post("/skus", {"code": "MUG", "name": "Mug", "barcodes": [{"code": "4006381333931"}]})
    boxes = [{"code": "BOX-1", "lines": [{"sku": "MUG", "quantity": 4}]}]
    api.post("/asns", {"reference": "PO-1", "warehouse": "SANDBOX", "cartons": boxes})
    sandbox.work()
    assert Asn.objects.get().status == "arrived"
    assert lookup.resolve("4006381333931", by=worker, warehouse_id=house.pk) == []
    assert lookup.resolve("MUG", by=worker, warehouse_id=house.pk) == []
    with pytest.raises(NotFound):
        receiving.find_carton(carton_code="BOX-1", by=worker)
    pass_time()
    order(api, 1)
    pass_time()
    assert Order.objects.get().status == "shipped"
    assert list(Warehouse.objects.filter(active=True)) == [house]
    assert (Wave.objects.filter(warehouse=house).count(), PickTask.objects.filter(warehouse=house).count()) == (0, 0)
    assert PrintJob.objects.count() == 0
    assert StockBalance.objects.filter(warehouse=house).count() == 0


def test_two_merchants_in_the_sandbox_keep_their_goods_apart():
    first, second = sandboxed(), sandboxed()
    stocked(first, 5)
    stocked(second, 7)
    held = (
        StockBalance.objects.filter(on_hand__gt=0).values_list("bin__code", "merchant").annotate(units=Sum("on_hand")).order_by("merchant")
    )
    assert list(held) == [
        (f"M{first.merchant.pk}", first.merchant.pk, 5),
        (f"M{second.merchant.pk}", second.merchant.pk, 7),
    ]
    assert Bin.objects.filter(warehouse__sandbox=True, kind=BinKind.TOTE).count() == sandbox.TOTES


def test_no_shop_is_connected_to_it():
    api, house = sandboxed(), make.warehouse()
    with pytest.raises(channels.SandboxHasNoShops):
        channels.connect(
            merchant=api.merchant, warehouse=house, adapter="woocommerce", base_url="https://shop.example.com", credentials={}, name="Shop"
        )


def test_nobody_brings_it_real_goods():
    api = sandboxed("TRIAL")
    make.warehouse("DEMO")
    content = b"merchant,warehouse,bin,sku,quantity\nTRIAL,DEMO,A-01,MUG,5\n"
    with pytest.raises(InvalidInput) as refusal:
        opening_stock.import_opening_stock(content=content, name="stock.csv")
    assert [problem["message"] for problem in refusal.value.details["problems"]] == ["Row 2, column merchant: TRIAL is in the sandbox."]
    assert not StockMovement.objects.filter(merchant=api.merchant).exists()


@pytest.mark.parametrize("on", [True, False])
def test_a_merchant_with_goods_or_orders_is_not_switched(on):
    by, house = make.user(is_staff=True), make.warehouse("DEMO")
    api = api_of(make.merchant()) if on else sandboxed()
    api.post("/skus", {"code": "MUG", "name": "Mug"})
    lines = [{"sku": "MUG", "quantity": 1}]
    code = house.code if on else "SANDBOX"
    assert api.post("/orders", {"reference": "SO-1", "warehouse": code, "ship_to": make.SHIP_TO, "lines": lines}).status_code == 201
    with pytest.raises(sandbox.MerchantInUse):
        sandbox.switch(merchant_id=api.merchant.pk, on=on, by=by)
    assert Merchant.objects.get(pk=api.merchant.pk).sandbox is not on


def test_a_merchant_without_anything_goes_in_and_out():
    by, merchant = make.user(is_staff=True), make.merchant()
    for on in (True, True, False, True):
        sandbox.switch(merchant_id=merchant.pk, on=on, by=by)
        assert Merchant.objects.get(pk=merchant.pk).sandbox is on
    assert Warehouse.objects.filter(sandbox=True).count() == 1


def test_a_real_warehouse_may_have_its_code():
    real, second = make.warehouse("SANDBOX"), make.warehouse("SANDBOX-2")
    api = sandboxed()
    house = Warehouse.objects.get(sandbox=True)
    assert (house.code, house.active) == ("SANDBOX-3", False)
    assert sandboxed().merchant.sandbox
    assert list(Warehouse.objects.order_by("code").values_list("pk", "sandbox")) == [(real.pk, False), (second.pk, False), (house.pk, True)]
    assert api.post("/skus", {"code": "MUG", "name": "Mug"}).status_code == 201
    lines = [{"sku": "MUG", "quantity": 1}]
    for code, status in (("SANDBOX", 422), ("SANDBOX-3", 201)):
        sent = api.post("/orders", {"reference": code, "warehouse": code, "ship_to": make.SHIP_TO, "lines": lines})
        assert sent.status_code == status, sent.content
    assert Order.objects.get().warehouse == house


def test_verify_sees_goods_on_the_wrong_side():
    house, merchant = make.warehouse(), make.merchant()
    make.stock(make.bin_of(house, "A-01"), make.sku(merchant, "MUG"), 1)
    Merchant.objects.filter(pk=merchant.pk).update(sandbox=True)
    assert [drift.split(":")[0] for drift in drifts()] == ["sandbox"]
