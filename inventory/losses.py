"""Goods that are not where the books say. They leave the sellable stock at once and wait in the warehouse's LOST bin for a count."""

from django.utils.translation import gettext_lazy as _

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, Reason, StockBalance
from wms.core.errors import WmsError
from wms.core.models import User


class NoBinForLosses(WmsError):
    code, status, message = "no_bin_for_losses", 409, _("The warehouse has no bin for missing goods: make one in the master data.")


def lose(*, warehouse_id: int, place: Place, quantity: int, unreserve: int, document: str, by: User | None) -> None:
    """A step: move `quantity` missing base units out of the place, letting go of `unreserve` that open picks held there."""
    # The place before LOST, always: LOST's rows are shared by all losses and are locked last.
    StockBalance.objects.select_for_update(no_key=True).filter(
        bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
    ).order_by("pk").first()
    lost = Bin.objects.filter(warehouse=warehouse_id, kind=BinKind.LOST).values_list("pk", flat=True).first()
    if lost is None:
        raise NoBinForLosses
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
