"""The house of the benchmark: one merchant, one warehouse, and goods enough for every order."""

import random
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, Reason, Sku, Warehouse
from inventory.warehouses import equip
from outbound.orders import NewLine, NewOrder
from wms.benchmark.floor import GivenOrder
from wms.core.models import Merchant, User

SKUS = 2000
BINS = 3000
TOTES = 4000
UNITS_A_BIN = 100_000
LINES = 3
SHIP_TO = {
    "name": "Ada Lovelace",
    "line1": "1 Analytical Way",
    "city": "London",
    "postcode": "N1 9GU",
    "country": "GB",
    "phone": "+44 20 7946 0000",
}


def build() -> None:
    """Everything a run needs, with statistics as on a database that has been in use."""
    merchant = Merchant.objects.create(code="BENCH", name="Benchmark")
    User.objects.create_user("bench", is_floor=True)
    house = Warehouse.objects.create(code="BENCH", name="Benchmark", country="GB")
    equip(house)
    Bin.objects.bulk_create(Bin(warehouse=house, code=f"A-{number:05}", walking_sequence=number) for number in range(BINS))
    Bin.objects.bulk_create(Bin(warehouse=house, code=f"T-{number:05}", kind=BinKind.TOTE) for number in range(TOTES))
    skus = Sku.objects.bulk_create(Sku(merchant=merchant, code=f"SKU-{number:05}", name=f"Thing {number}") for number in range(SKUS))
    bins = list(Bin.objects.filter(warehouse=house, kind=BinKind.STORAGE).order_by("pk").values_list("pk", flat=True))
    legs = [
        Leg(Place(bins[(number * 3 + copy) % BINS], sku.pk), UNITS_A_BIN)
        for number, sku in enumerate(skus)
        for copy in range(1 + number % 3)
    ]
    with transaction.atomic():
        ledger.post(warehouse_id=house.pk, legs=legs, reason=Reason.RECEIPT, document="benchmark", by=None)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_outboxevent")
        cursor.execute("VACUUM ANALYZE")


def orders(count: int, prefix: str, skus: int = SKUS) -> list[GivenOrder]:
    """Orders of three lines with skus drawn at random, the same for the same prefix."""
    dice = random.Random(prefix)
    due = datetime(2030, 1, 1, tzinfo=UTC)
    return [
        GivenOrder(
            f"{prefix}-{number}",
            due + timedelta(minutes=number),
            [(f"SKU-{sku:05}", dice.randint(1, 4)) for sku in dice.sample(range(skus), LINES)],
        )
        for number in range(count)
    ]


def as_new(order: GivenOrder) -> NewOrder:
    return NewOrder(
        reference=order.reference,
        warehouse="BENCH",
        ship_to=SHIP_TO,
        lines=[NewLine(code, quantity) for code, quantity in order.lines],
        ship_by=order.ship_by,
    )
