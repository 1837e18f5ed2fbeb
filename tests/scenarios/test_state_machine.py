"""Any order of commands against a model that cannot be wrong: plain counters of units."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from inbound import asns, put_away, receiving
from inbound.asns import NewAsn, NewAsnLine, NewCarton
from inbound.models import Asn
from inventory import counts, invariants, moves, put_back
from inventory.ledger import InsufficientStock
from inventory.models import Availability, Carton, Lot, PutBackTask, StockBalance
from outbound import allocation, cancellation, orders, packing, picking, shipping, shortfall, unbinding, waves
from outbound import invariants as promises
from outbound.models import Order, Parcel, PickTask
from tests import make
from wms.core.models import OutboxEvent
from wms.core.transitions import NotPossibleNow

pytestmark = pytest.mark.django_db

HANDLERS = {
    "stock.arrived": allocation.fill_arrived,
    "stock.lost": shortfall.settle,
    "pick.short": unbinding.empty_place,
}
BINS = ("A-01", "A-02", "A-03")
LOTS = ("L-1", "L-2")
LOTTED = 3


class Warehouse(RuleBasedStateMachine):
    """`inside` and `left` count units of each sku: all that came in is inside, left, or was found missing by a count."""

    def __init__(self):
        super().__init__()
        self.shop, self.house, self.by = make.merchant(), make.warehouse(), make.user(is_staff=True)
        self.skus = [*(make.sku(self.shop) for _ in range(LOTTED)), make.sku(self.shop, tracks_lot=True)]
        self.inside, self.left = Counter(), Counter()
        self.demand = {}

    def tasks(self, status):
        return list(PickTask.objects.filter(warehouse=self.house, status=status).order_by("pk"))

    def orders(self, *statuses):
        return list(Order.objects.filter(warehouse=self.house, status__in=statuses).order_by("pk"))

    def lying(self, bin_code, sku, **fields):
        rows = StockBalance.objects.filter(bin=make.bin_of(self.house, bin_code), sku=self.skus[sku], condition="good", **fields)
        return list(rows.order_by("pk"))

    def arrived(self, lines=(), cartons=()):
        new = NewAsn(reference=f"ASN{make.number()}", warehouse=self.house.code, lines=lines, cartons=cartons)
        asn = asns.announce(merchant=self.shop, asn=new).id
        asns.arrive(asn_id=asn, by=self.by)
        return Asn.objects.get(pk=asn)

    @rule(sku=st.integers(0, LOTTED - 1), bin_code=st.sampled_from(BINS), quantity=st.integers(1, 9))
    def open_with_stock(self, sku, bin_code, quantity):
        make.stock(make.bin_of(self.house, bin_code), self.skus[sku], quantity)
        self.inside[sku] += quantity

    @rule(
        sku=st.integers(0, LOTTED), bin_code=st.sampled_from(BINS), lot=st.sampled_from(LOTS), announced=st.integers(1, 9),
        good=st.integers(0, 9), damaged=st.integers(0, 2),
    )  # fmt: skip
    def receive(self, sku, bin_code, lot, announced, good, damaged):
        """Over, short or damaged, and put away."""
        thing = self.skus[sku]
        lotted = {"lot": lot} if sku == LOTTED else {}
        asn = self.arrived([NewAsnLine(thing.code, announced, **lotted)])
        for quantity, condition, there in ((good, "good", bin_code), (damaged, "damaged", "QUARANTINE")):
            if quantity:
                counted = {"quantity": quantity, "condition": condition, "by": self.by}
                receiving.receive(line_id=asn.lines.get().pk, bin_code="DOCK", over=True, **counted, **lotted)
                lot_id = Lot.objects.get(sku=thing, code=lot).pk if lotted else None
                place = {"warehouse_id": self.house.pk, "from_bin": "DOCK", "bin_code": there, "lot_id": lot_id}
                put_away.put_away(**place, sku_id=thing.pk, **counted)
        receiving.finish(asn_id=asn.pk, by=self.by)
        asn.refresh_from_db()
        assert asn.status == ("put_away" if good + damaged else "received")
        self.inside[sku] += good + damaged

    @rule(bin_code=st.sampled_from(BINS), lines=st.dictionaries(st.integers(0, LOTTED - 1), st.integers(1, 4), min_size=1))
    def receive_a_carton(self, bin_code, lines):
        asn = self.arrived(cartons=[NewCarton([NewAsnLine(self.skus[sku].code, quantity) for sku, quantity in lines.items()])])
        code = asn.cartons.get().code
        receiving.receive_carton(carton_code=code, bin_code="DOCK", by=self.by)
        receiving.finish(asn_id=asn.pk, by=self.by)
        carton = Carton.objects.get(merchant=self.shop, code=code)
        put_away.put_away(warehouse_id=self.house.pk, from_bin="DOCK", bin_code=bin_code, carton_id=carton.pk, by=self.by)
        self.inside += Counter(lines)

    @rule(lines=st.dictionaries(st.integers(0, LOTTED), st.integers(1, 6), min_size=1))
    def commit(self, lines):
        answer = orders.accept(
            merchant=self.shop, order=make.order(self.house, {self.skus[sku]: quantity for sku, quantity in lines.items()})
        )
        assert answer.status in ("ready", "short")
        self.demand[answer.id] = Counter(lines)

    @rule(most=st.integers(1, 3))
    def release(self, most):
        ready = self.orders("ready")
        try:
            waves.release(warehouse_id=self.house.pk, by=self.by, most=most)
        except waves.NothingToRelease:
            bound = set(PutBackTask.objects.filter(warehouse=self.house, status="open").values_list("sku", flat=True))
            lost = {row.sku_id for row in Availability.objects.filter(warehouse=self.house) if row.available < 0}
            assert not ready or bound or lost or len(ready) > most

    @precondition(lambda self: self.tasks("open"))
    @rule(data=st.data(), short=st.integers(0, 3))
    def pick(self, data, short):
        task = data.draw(st.sampled_from(self.tasks("open")))
        order = Order.objects.get(pk=task.order_id)
        free = [
            f"TOTE-0{n}"
            for n in range(1, 6)
            if not StockBalance.objects.filter(bin__code=f"TOTE-0{n}", bin__warehouse=self.house, on_hand__gt=0)
        ]
        tote = order.tote.code if order.tote else (free[0] if free else None)
        if tote is None:
            return
        taken = max(0, task.quantity - short) if short else None
        picking.pick(task_id=task.pk, tote_code=tote, by=self.by, quantity=taken)
        with pytest.raises(NotPossibleNow):
            picking.pick(task_id=task.pk, tote_code=tote, by=self.by)

    @precondition(lambda self: self.orders("picked"))
    @rule(data=st.data(), one_unit=st.booleans())
    def pack(self, data, one_unit):
        """All that is in the tote, or a parcel with one unit of it."""
        order = data.draw(st.sampled_from(self.orders("picked")))
        inside = StockBalance.objects.filter(bin=order.tote, on_hand__gt=0).values_list("sku", flat=True)
        line = order.lines.filter(sku__in=list(inside)).order_by("number")[0]
        packing.pack(order_id=order.pk, by=self.by, quantities={line.pk: 1} if one_unit else None)

    def parcels(self):
        return list(Parcel.objects.filter(warehouse=self.house, status="packed", order__status__in=["picked", "packed"]).order_by("pk"))

    @precondition(lambda self: self.parcels())
    @rule(data=st.data())
    def ship(self, data):
        parcel = data.draw(st.sampled_from(self.parcels()))
        shipping.ship(parcel_id=parcel.pk, by=self.by)
        content = Counter()
        for sku_id, quantity in parcel.lines.values_list("sku", "quantity"):
            content[[sku.pk for sku in self.skus].index(sku_id)] += quantity
        self.left += content
        self.inside -= content

    @precondition(lambda self: self.demand)
    @rule(data=st.data())
    def cancel(self, data):
        order = Order.objects.get(pk=data.draw(st.sampled_from(sorted(self.demand))))
        if Parcel.objects.filter(order=order, status="shipped").exists():
            with pytest.raises((NotPossibleNow, cancellation.AlreadyLeft)):
                cancellation.cancel(order_id=order.pk, by=self.by)
        else:
            cancellation.cancel(order_id=order.pk, by=self.by)

    @precondition(lambda self: PutBackTask.objects.filter(warehouse=self.house, status="open").exists())
    @rule(bin_code=st.sampled_from(BINS))
    def put_back(self, bin_code):
        task = PutBackTask.objects.filter(warehouse=self.house, status="open").order_by("pk")[0]
        put_back.put_back(task_id=task.pk, bin_code=bin_code, by=self.by)

    @rule(data=st.data(), sku=st.integers(0, LOTTED), bin_code=st.sampled_from(BINS), counted=st.integers(0, 9))
    def count(self, data, sku, bin_code, counted):
        """Loose goods, one lot of them, or what is in a carton."""
        places = [(row.lot_id, row.carton_id) for row in self.lying(bin_code, sku)] or [(None, None)]
        lot_id, carton_id = data.draw(st.sampled_from(places))
        found = {"lot": data.draw(st.sampled_from(LOTS))} if lot_id is None and sku == LOTTED else {"lot_id": lot_id}
        answer = counts.count(
            bin_id=make.bin_of(self.house, bin_code).pk, sku_id=self.skus[sku].pk, carton_id=carton_id, counted=counted, by=self.by, **found
        )
        self.inside[sku] += answer["after"] - answer["before"]

    @rule(data=st.data(), sku=st.integers(0, LOTTED), here=st.sampled_from(BINS), there=st.sampled_from(BINS), quantity=st.integers(1, 5))
    def move(self, data, sku, here, there, quantity):
        if here == there:
            return
        row = data.draw(st.sampled_from([*self.lying(here, sku, carton=None, on_hand__gt=0), None]))
        if row is None and self.lying(here, sku, carton=None, on_hand__gt=0):
            return
        call = {"warehouse_id": self.house.pk, "from_bin": here, "to_bin": there, "sku_id": self.skus[sku].pk, "quantity": quantity}
        if row is None or row.on_hand - row.reserved < quantity:
            with pytest.raises(InsufficientStock):
                moves.move(**call, lot_id=row and row.lot_id, by=self.by)
        else:
            moves.move(**call, lot_id=row.lot_id, by=self.by)

    @precondition(lambda self: self.cartons())
    @rule(data=st.data(), there=st.sampled_from(BINS))
    def move_a_carton(self, data, there):
        row = data.draw(st.sampled_from(self.cartons()))
        if row.bin.code == there:
            return
        call = {"warehouse_id": self.house.pk, "from_bin": row.bin.code, "to_bin": there, "carton_id": row.carton_id, "by": self.by}
        if StockBalance.objects.filter(carton=row.carton_id, reserved__gt=0).exists():
            with pytest.raises(moves.CartonReserved):
                moves.move(**call)
        else:
            moves.move(**call)

    def cartons(self):
        rows = StockBalance.objects.filter(warehouse=self.house, bin__kind="storage", on_hand__gt=0).exclude(carton=None)
        return list(rows.select_related("bin").order_by("pk"))

    @rule()
    def hear(self):
        """The worker's part: what the outbox still has to tell."""
        for _ in range(10):
            events = list(OutboxEvent.objects.filter(topic__in=HANDLERS).order_by("pk"))
            if not events:
                return
            for event in events:
                HANDLERS[event.topic]([event.payload])
                event.delete()
        raise AssertionError("the events never come to rest")

    @invariant()
    def the_books_agree(self):
        assert [*invariants.check(), *promises.check()] == []
        for number, sku in enumerate(self.skus):
            there = sum(StockBalance.objects.filter(sku=sku).values_list("on_hand", flat=True))
            assert there == self.inside[number]

    def teardown(self):
        """Nobody stays short while what they wait for is free."""
        self.hear()
        free = {row.sku_id: row.available for row in Availability.objects.filter(warehouse=self.house)}
        for order in self.orders("short"):
            demand = {self.skus[sku].pk: quantity for sku, quantity in self.demand[order.pk].items()}
            assert any(free.get(sku, 0) < quantity for sku, quantity in demand.items())


def test_any_order_of_commands_keeps_the_books():
    run_state_machine_as_test(
        Warehouse,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
        ),
    )


def test_the_ledger_refuses_more_than_there_is():
    shop, house = make.merchant(), make.warehouse()
    thing = make.sku(shop)
    make.stock(make.bin_of(house, "A-01"), thing, 3)
    with pytest.raises(InsufficientStock) as refused:
        make.stock(make.bin_of(house, "A-01"), thing, -4)
    assert refused.value.details == {"bin": "A-01", "sku": thing.code, "available": 3, "requested": 4}
    assert str(refused.value) == f"A-01 has 3 of {thing.code}, not 4."
    assert StockBalance.objects.get(sku=thing).on_hand == 3
