"""An order's way over the floor, and back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from inventory import counts, expiry, put_back
from inventory.models import Availability, Bin, Lot, PutBackTask, StockBalance, StockMovement
from outbound import binding, cancellation, orders, packing, picking, shipping, waves
from outbound.models import Order, Parcel, PickTask
from tests import make
from wms.core import outbox
from wms.core.locking import StartOver
from wms.core.models import OutboxEvent
from wms.core.transitions import NotPossibleNow
from wms.core.verification import drifts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def floor():
    class Floor:
        shop, house, by = make.merchant(), make.warehouse(), make.user()

        def __init__(self):
            self.one, self.two = make.sku(self.shop), make.sku(self.shop)
            make.stock(make.bin_of(self.house, "A-01"), self.one, 10)
            make.stock(make.bin_of(self.house, "A-02"), self.one, 4)
            make.stock(make.bin_of(self.house, "A-03"), self.two, 6)

        def released(self, lines):
            accepted = orders.accept(merchant=self.shop, order=make.order(self.house, lines))
            assert accepted.status == "ready"
            waves.release(warehouse_id=self.house.pk, by=self.by)
            return Order.objects.get(pk=accepted.id)

        def pick_all(self, order, tote="TOTE-01"):
            for task in order.tasks.filter(status="open").order_by("walking_sequence"):
                picking.pick(task_id=task.pk, tote_code=tote, by=self.by)

    Floor.shop, Floor.house, Floor.by = make.merchant(), make.warehouse(), make.user()
    yield Floor()
    assert list(drifts()) == []


def totals(sku):
    row = Availability.objects.get(sku=sku)
    return row.on_hand, row.committed, row.backordered


def deliver_everything():
    while OutboxEvent.objects.filter(handler__startswith="outbound.").exists():
        for handler in OutboxEvent.objects.filter(handler__startswith="outbound.").values_list("handler", flat=True).distinct():
            outbox.deliver(handler)


def test_an_order_is_picked_packed_and_shipped(floor):
    order = floor.released({floor.one: 12, floor.two: 1})
    assert list(order.tasks.order_by("walking_sequence").values_list("bin__code", "quantity")) == [("A-01", 10), ("A-02", 2), ("A-03", 1)]

    floor.pick_all(order)
    order.refresh_from_db()
    assert (order.status, order.tote.code) == ("picked", "TOTE-01")
    packed = packing.pack(order_id=order.pk, by=floor.by, weight_g=900)
    shipped = shipping.ship(parcel_id=packed["parcel_id"], by=floor.by)

    order.refresh_from_db()
    assert (packed["order_status"], shipped["order_status"], order.status, order.tote) == ("packed", "shipped", "shipped", None)
    assert totals(floor.one) == (2, 0, 0)
    assert totals(floor.two) == (5, 0, 0)
    assert list(StockMovement.objects.filter(sku=floor.two).order_by("id").values_list("reason", "bin__code", "quantity")) == [
        ("receipt", "A-03", 6),
        ("pick", "A-03", -1),
        ("pick", "TOTE-01", 1),
        ("pack", "TOTE-01", -1),
        ("pack", "STAGE", 1),
        ("ship", "STAGE", -1),
    ]


def test_two_parcels_of_one_order_are_shipped_one_by_one(floor):
    order = floor.released({floor.one: 5})
    floor.pick_all(order)
    line = order.lines.get()

    first = packing.pack(order_id=order.pk, by=floor.by, quantities={line.pk: 2})
    assert first["order_status"] == "picked"
    with pytest.raises(packing.NotInTheTote):
        packing.pack(order_id=order.pk, by=floor.by, quantities={line.pk: 4})
    second = packing.pack(order_id=order.pk, by=floor.by)
    assert shipping.ship(parcel_id=first["parcel_id"], by=floor.by)["order_status"] == "packed"
    order.refresh_from_db()
    assert order.shipped_at is None
    assert shipping.ship(parcel_id=second["parcel_id"], by=floor.by)["order_status"] == "shipped"
    assert Parcel.objects.values_list("tracking_number", flat=True).distinct().count() == 2


def test_a_parcel_that_leaves_while_the_rest_is_in_the_tote_is_news_of_its_order(floor):
    order = floor.released({floor.one: 5})
    floor.pick_all(order)
    first = packing.pack(order_id=order.pk, by=floor.by, quantities={order.lines.get().pk: 2})
    Order.objects.update(updated_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert shipping.ship(parcel_id=first["parcel_id"], by=floor.by)["order_status"] == "picked"
    order.refresh_from_db()
    assert (order.status, order.updated_at > datetime(2020, 1, 2, tzinfo=UTC), order.shipped_at) == ("picked", True, None)

    second = packing.pack(order_id=order.pk, by=floor.by)
    assert shipping.ship(parcel_id=second["parcel_id"], by=floor.by)["order_status"] == "shipped"


@pytest.mark.parametrize("stage", ["ready", "released", "picking", "picked", "packed"])
def test_cancelling_at_any_stage_brings_the_goods_back(floor, stage):
    accepted = orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.one: 12, floor.two: 1}))
    order = Order.objects.get(pk=accepted.id)
    if stage != "ready":
        waves.release(warehouse_id=floor.house.pk, by=floor.by)
    if stage == "picking":
        picking.pick(task_id=order.tasks.order_by("walking_sequence")[0].pk, tote_code="TOTE-01", by=floor.by)
    if stage in ("picked", "packed"):
        floor.pick_all(order)
    if stage == "packed":
        packing.pack(order_id=order.pk, by=floor.by)
    order.refresh_from_db()
    assert order.status == stage

    assert cancellation.cancel(order_id=order.pk, by=floor.by)["order_status"] == "cancelled"
    assert cancellation.cancel(order_id=order.pk, by=floor.by)["order_status"] == "cancelled"

    held = {"ready": 0, "released": 0, "picking": 10, "picked": 12, "packed": 12}[stage]
    assert totals(floor.one) == (14, held, 0)
    assert list(drifts()) == []
    for task in PutBackTask.objects.filter(status="open"):
        put_back.put_back(task_id=task.pk, bin_code="A-05", by=floor.by)
    assert totals(floor.one) == (14, 0, 0)
    assert totals(floor.two) == (6, 0, 0)
    assert not StockBalance.objects.filter(reserved__gt=0).exists()
    with pytest.raises(NotPossibleNow):
        put_back.put_back(task_id=PutBackTask.objects.first().pk, bin_code="A-05", by=floor.by) if held else _raise()


def _raise():
    raise NotPossibleNow(what="", key="", status="", to="")


def test_a_short_pick_finds_the_rest_elsewhere(floor):
    order = floor.released({floor.one: 10})
    task = order.tasks.get()
    picking.pick(task_id=task.pk, tote_code="TOTE-01", quantity=7, by=floor.by)
    deliver_everything()

    order.refresh_from_db()
    assert order.status == "picking"
    rest = order.tasks.get(status="open")
    assert (rest.bin.code, rest.quantity) == ("A-02", 3)
    floor.pick_all(order)
    order.refresh_from_db()
    assert order.status == "picked"
    assert totals(floor.one) == (11, 10, 0)


def test_a_short_pick_that_nothing_can_fill_makes_the_order_short_and_sends_picked_goods_back(floor):
    order = floor.released({floor.two: 6})
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", quantity=4, by=floor.by)
    deliver_everything()

    order.refresh_from_db()
    assert order.status == "short"
    assert totals(floor.two) == (4, 4, 6)
    put_back.put_back(task_id=PutBackTask.objects.get().pk, bin_code="A-03", by=floor.by)
    assert totals(floor.two) == (4, 0, 6)


def test_finding_nothing_needs_no_tote(floor):
    order = floor.released({floor.two: 6})
    picked = picking.pick(task_id=order.tasks.get().pk, tote_code="", quantity=0, by=floor.by)
    deliver_everything()
    assert picked["quantity"] == 0
    order.refresh_from_db()
    assert (order.status, totals(floor.two)) == ("short", (0, 0, 6))
    assert not PutBackTask.objects.exists()


def test_a_short_pick_empties_its_own_place_only(floor):
    lots = [Lot.objects.create(sku=floor.two, code=code, expires_on=day) for code, day in (("L1", "2090-01-01"), ("L2", "2091-01-01"))]
    for lot in lots:
        make.stock(make.bin_of(floor.house, "A-04"), floor.two, 5, lot_id=lot.pk)
    order = floor.released({floor.two: 3})
    task = order.tasks.get()
    assert task.lot_id == lots[0].pk

    picking.pick(task_id=task.pk, tote_code="TOTE-01", quantity=1, by=floor.by)
    deliver_everything()

    left = StockBalance.objects.filter(bin__code="A-04", bin__warehouse=floor.house).order_by("pk")
    assert list(left.values_list("lot", "on_hand")) == [(lots[0].pk, 0), (lots[1].pk, 5)]
    assert list(order.tasks.filter(status="open").values_list("lot", "quantity")) == [(lots[1].pk, 2)]


def test_goods_that_came_in_since_a_short_pick_are_not_lost(floor):
    order = floor.released({floor.two: 6})
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", quantity=4, by=floor.by)
    make.stock(make.bin_of(floor.house, "A-03"), floor.two, 9)
    deliver_everything()

    assert StockBalance.objects.get(bin__code="A-03", sku=floor.two).on_hand == 9
    assert totals(floor.two) == (13, 6, 0)


def test_a_wave_goes_on_behind_orders_whose_goods_lie_nowhere(floor):
    stuck = orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.two: 6}, ship_by=datetime(2030, 1, 1, tzinfo=UTC)))
    free = orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.one: 1}, ship_by=datetime(2030, 1, 2, tzinfo=UTC)))
    Bin.objects.filter(warehouse=floor.house, code="A-03").update(active=False)

    released = waves.release(warehouse_id=floor.house.pk, by=floor.by, most=1)

    assert (released["orders"], released["unbound"]) == (1, [stuck.id])
    assert Order.objects.get(pk=free.id).status == "released"


def test_expired_goods_are_held_and_their_orders_fall_short(floor):
    old = Lot.objects.create(sku=floor.two, code="OLD", expires_on=timezone.now().date() + timedelta(days=1))
    make.stock(make.bin_of(floor.house, "A-04"), floor.two, 5, lot_id=old.pk)
    order = floor.released({floor.two: 11})
    Lot.objects.filter(pk=old.pk).update(expires_on=timezone.now().date() - timedelta(days=1))

    assert expiry.hold_expired() == 1
    deliver_everything()

    assert StockBalance.objects.get(lot=old, condition="held").on_hand == 5
    order.refresh_from_db()
    assert (order.status, totals(floor.two)) == ("short", (6, 0, 11))
    assert expiry.hold_expired() == 0


def test_an_order_that_finds_no_steady_place_is_tried_again_later(floor, monkeypatch):
    """Nobody else binds it: without the event its goods would never be picked."""
    order = floor.released({floor.two: 6})
    picking.pick(task_id=order.tasks.get().pk, tote_code="TOTE-01", quantity=4, by=floor.by)
    make.stock(make.bin_of(floor.house, "A-04"), floor.two, 9)

    def changed(*_args):
        raise StartOver

    with monkeypatch.context() as unsteady:
        unsteady.setattr(binding, "bind", changed)
        outbox.deliver("outbound.shortfall.settle")
    [left] = OutboxEvent.objects.filter(handler="outbound.shortfall.settle")
    assert (left.attempts, left.lease_until) == (1, None)
    left.due_at = timezone.now()
    left.save()
    deliver_everything()
    assert order.tasks.get(status="open").quantity == 2


def test_a_count_wins_over_promises_and_the_youngest_ship_by_falls_short(floor):
    old = orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.two: 3}, ship_by=datetime(2030, 1, 1, tzinfo=UTC)))
    young = orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.two: 3}, ship_by=datetime(2030, 1, 2, tzinfo=UTC)))
    waves.release(warehouse_id=floor.house.pk, by=floor.by)

    counts.count(bin_id=make.bin_of(floor.house, "A-03").pk, sku_id=floor.two.pk, counted=4, by=floor.by)
    deliver_everything()

    assert Order.objects.get(pk=old.id).status == "released"
    assert Order.objects.get(pk=young.id).status == "short"
    assert totals(floor.two) == (4, 3, 3)


def test_a_repeated_scan_changes_nothing(floor):
    order = floor.released({floor.two: 2})
    task = order.tasks.get()
    first = picking.pick(task_id=task.pk, tote_code="TOTE-01", by=floor.by, request_id="5f0c")
    again = picking.pick(task_id=task.pk, tote_code="TOTE-01", by=floor.by, request_id="5f0c")
    assert first == again
    with pytest.raises(NotPossibleNow):
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=floor.by, request_id="5f0d")
    assert StockMovement.objects.filter(reason="pick").count() == 2


def test_totes_hold_one_order(floor):
    first = floor.released({floor.one: 2})
    second = floor.released({floor.one: 2})
    task = second.tasks.get()
    floor.pick_all(first, "TOTE-01")
    with pytest.raises(picking.ToteTaken):
        picking.pick(task_id=task.pk, tote_code="TOTE-01", by=floor.by)
    with pytest.raises(picking.NotATote):
        picking.pick(task_id=task.pk, tote_code="A-01", by=floor.by)
    assert PickTask.objects.get(pk=task.pk).status == "open"


def test_statements_are_constant(floor, django_assert_num_queries):
    order = floor.released({floor.one: 12, floor.two: 1})
    tasks = list(order.tasks.order_by("walking_sequence"))
    for task in tasks:
        with django_assert_num_queries(5):
            picking.pick(task_id=task.pk, tote_code="TOTE-01", by=floor.by)
    with django_assert_num_queries(6):
        packed = packing.pack(order_id=order.pk, by=floor.by)
    with django_assert_num_queries(8):
        shipping.ship(parcel_id=packed["parcel_id"], by=floor.by)
    for number in (1, 5):
        for _ in range(number):
            orders.accept(merchant=floor.shop, order=make.order(floor.house, {floor.two: 1}))
        with django_assert_num_queries(11):
            waves.release(warehouse_id=floor.house.pk, by=floor.by)
