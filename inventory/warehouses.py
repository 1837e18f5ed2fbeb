"""What every warehouse has from its first day on: the bins that the work itself needs."""

from django.db.models import Q, QuerySet

from inventory.models import Bin, BinKind, Warehouse
from wms.core.models import Merchant

# Receiving counts goods in at a dock, packing puts parcels on a stage; missing and damaged goods have a place of their own.
NEEDED = {BinKind.DOCK: "DOCK", BinKind.STAGING: "STAGE", BinKind.LOST: "LOST", BinKind.QUARANTINE: "QUARANTINE"}


def open_to(merchant_id: int | None) -> QuerySet[Warehouse]:
    """The warehouses that a merchant may send goods to and have orders filled from; without one, those that people work in."""
    if merchant_id is None:
        return Warehouse.objects.filter(active=True)
    # As the merchant's row says now: an API key remembers it a little longer.
    return Warehouse.objects.filter(Q(active=True) | Q(sandbox=True), sandbox=Merchant.objects.filter(pk=merchant_id).values("sandbox")[:1])


def equip(warehouse: Warehouse) -> None:
    """A step: make a bin of each needed kind that the warehouse has none of. Safe to run again."""
    there = set(Bin.objects.filter(warehouse=warehouse, kind__in=NEEDED).values_list("kind", flat=True))
    Bin.objects.bulk_create(
        [Bin(warehouse=warehouse, code=code, kind=kind) for kind, code in NEEDED.items() if kind not in there], ignore_conflicts=True
    )
