"""How many statements a command takes does not depend on how many lines it handles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import counts, moves, put_back
from inventory.models import Bin, Carton, PutBackTask, Sku, Warehouse
from outbound import cancellation, orders, packing, picking, shipping, waves
from outbound.models import Order
from tests import make
from wms.core.models import Merchant, User

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class House:
    """One order of `lines` skus, each with ten pieces in a bin of its own."""

    lines: int
    shop: Merchant
    place: Warehouse
    by: User
    skus: list[Sku]
    order: Order

    def release(self) -> None:
        waves.release(warehouse_id=self.place.pk, by=self.by)

    def pick_all(self) -> None:
        self.release()
        for task in self.order.tasks.order_by("walking_sequence", "pk"):
            picking.pick(task_id=task.pk, tote_code="TOTE-01", by=self.by)


def house(lines: int) -> House:
    shop, place, by = make.merchant(), make.warehouse(), make.user()
    skus = [make.sku(shop) for _line in range(lines)]
    for position, sku in enumerate(skus):
        make.stock(Bin.objects.create(warehouse=place, code=f"S-{position:02}", walking_sequence=100 + position), sku, 10)
    accepted = orders.accept(merchant=shop, order=make.order(place, dict.fromkeys(skus, 2)))
    return House(lines, shop, place, by, skus, Order.objects.get(pk=accepted.id))


# Each gets everything ready and returns the one call that is measured.


def cancel_ready(made: House) -> Callable[[], object]:
    return lambda: cancellation.cancel(order_id=made.order.pk, by=made.by)


def cancel_picked(made: House) -> Callable[[], object]:
    made.pick_all()
    return lambda: cancellation.cancel(order_id=made.order.pk, by=made.by)


def cancel_packed(made: House) -> Callable[[], object]:
    made.pick_all()
    packing.pack(order_id=made.order.pk, by=made.by)
    return lambda: cancellation.cancel(order_id=made.order.pk, by=made.by)


def put_one_back(made: House) -> Callable[[], object]:
    cancel_picked(made)()
    task = PutBackTask.objects.filter(merchant=made.shop).earliest("pk")
    return lambda: put_back.put_back(task_id=task.pk, bin_code="A-05", by=made.by)


def count_reserved(made: House) -> Callable[[], object]:
    """A count that finds nothing where the open picks of as many orders hold goods."""
    make.stock(make.bin_of(made.place, "S-00"), made.skus[0], made.lines)
    wanted = [make.order(made.place, {made.skus[0]: 1}) for _order in range(made.lines)]
    orders.accept_many(merchant=made.shop, orders=wanted)
    made.release()
    bin_id = make.bin_of(made.place, "S-00").pk
    return lambda: counts.count(bin_id=bin_id, sku_id=made.skus[0].pk, counted=0, by=made.by)


def move_carton(made: House) -> Callable[[], object]:
    """A carton that holds a piece of every sku."""
    carton = Carton.objects.create(merchant=made.shop, code=f"C{make.number()}")
    for sku in made.skus:
        make.stock(make.bin_of(made.place, "A-01"), sku, 1, carton_id=carton.pk)
    return lambda: moves.move(warehouse_id=made.place.pk, from_bin="A-01", to_bin="A-02", carton_id=carton.pk, by=made.by)


def claim(made: House) -> Callable[[], object]:
    made.release()
    return lambda: picking.claim(warehouse_id=made.place.pk, by=made.by)


def pick(made: House) -> Callable[[], object]:
    made.release()
    task = made.order.tasks.earliest("walking_sequence")
    return lambda: picking.pick(task_id=task.pk, tote_code="TOTE-01", by=made.by)


def pack(made: House) -> Callable[[], object]:
    made.pick_all()
    return lambda: packing.pack(order_id=made.order.pk, by=made.by)


def ship(made: House) -> Callable[[], object]:
    made.pick_all()
    parcel = packing.pack(order_id=made.order.pk, by=made.by)["parcel_id"]
    return lambda: shipping.ship(parcel_id=parcel, by=made.by)


def statements(prepare: Callable[[House], Callable[[], object]], lines: int) -> int:
    call = prepare(house(lines))
    with CaptureQueriesContext(connection) as seen:
        call()
    return len([query for query in seen if query["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")])


@pytest.mark.parametrize(
    ("prepare", "number"),
    [
        (cancel_ready, 8),
        (cancel_picked, 9),
        (cancel_packed, 10),
        (put_one_back, 7),
        (count_reserved, 11),
        (move_carton, 5),
        (claim, 3),
        (pick, 3),
        (pack, 4),
        (ship, 6),
    ],
)
def test_two_lines_take_as_many_statements_as_thirty(prepare: Callable[[House], Callable[[], object]], number: int) -> None:
    assert (statements(prepare, 2), statements(prepare, 30)) == (number, number)
