"""Goods that are not where the books say. They leave the sellable stock at once and wait in the warehouse's LOST bin for a count."""

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, Reason
from wms.core.models import User


def lose(*, warehouse_id: int, place: Place, quantity: int, unreserve: int, document: str, by: User | None) -> None:
    """A step: move `quantity` missing base units out of the place, letting go of `unreserve` that open picks held there."""
    lost = Bin.objects.filter(warehouse=warehouse_id, kind=BinKind.LOST).values_list("pk", flat=True).first()
    assert lost is not None, "every warehouse has a bin for missing goods"
    ledger.post(
        warehouse_id=warehouse_id,
        legs=[
            Leg(place, -quantity, reserved=-unreserve),
            Leg(Place(lost, place.sku_id, place.lot_id, place.condition, place.carton_id), quantity),
        ],
        reason=Reason.COUNT,
        document=document,
        by=by,
    )
