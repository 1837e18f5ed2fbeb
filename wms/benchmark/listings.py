"""The house of the sync benchmark: merchants with two shops each, and in both of them all that the merchant sells."""

from __future__ import annotations

from django.db import connection, transaction

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import Bin, Reason, Sku, Warehouse
from inventory.warehouses import equip
from marketplaces import channels
from marketplaces.models import Channel
from wms.benchmark.storefronts import Storefronts
from wms.benchmark.timetable import Size, merchant_code
from wms.core.models import Merchant

UNITS = 1_000_000
SHELF = 1000


def build(size: Size) -> None:
    """The goods of all merchants, SHELF skus a bin."""
    house = Warehouse.objects.create(code="SYNC", name="Sync", country="GB")
    equip(house)
    shelves = Bin.objects.bulk_create(
        Bin(warehouse=house, code=f"A-{number:05}", walking_sequence=number) for number in range(-(-size.skus // SHELF) * size.merchants)
    )
    for number in range(size.merchants):
        merchant = Merchant.objects.create(code=merchant_code(number), name=f"Merchant {number}")
        skus = Sku.objects.bulk_create(Sku(merchant=merchant, code=code, name=code) for code in size.codes)
        for start in range(0, len(skus), SHELF):
            shelf = shelves.pop()
            legs = [Leg(Place(shelf.pk, sku.pk), UNITS) for sku in skus[start : start + SHELF]]
            with transaction.atomic():
                ledger.post(warehouse_id=house.pk, legs=legs, reason=Reason.RECEIPT, document="benchmark", by=None)


def connect(size: Size, shops: Storefronts) -> list[Channel]:
    """The shops' channels in the order of the shops, their listings read and tied; nobody has told them a number yet."""
    house = Warehouse.objects.get(code="SYNC")
    merchants = [Merchant.objects.get(code=merchant_code(number)) for number in range(size.merchants)]
    found = []
    for number, url in enumerate(shops.urls):
        channel = channels.connect(
            merchant=merchants[number % size.merchants],
            warehouse=house,
            adapter="woocommerce",
            base_url=url,
            credentials={"consumer_key": "ck_loopback", "consumer_secret": "cs_loopback"},
            name=f"Shop {number}",
        )
        channels.fetch_listings(channel=channel)
        found.append(channel)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_outboxevent")
        cursor.execute("VACUUM ANALYZE")
    return found
