"""Expired goods leave the sellable stock by themselves: a nightly operation of the ledger."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import BinKind, Condition, Reason, StockBalance, Warehouse
from wms.core.commands import command
from wms.core.locking import StartOver

log = logging.getLogger(__name__)


def hold_expired() -> int:
    """Turn what expired before today, in storage, from good to held; returns how many places. Open picks of it are let go first.

    Today is the warehouse's own. Each place in a transaction of its own; one that others keep changing holds up nothing else: it is tried
    again after the others, and then the next time. Goods in totes and on the stage are on their way out and stay as they are.
    """
    expired = [
        (warehouse.pk, Place(row.bin_id, row.sku_id, row.lot_id, row.condition, row.carton_id))
        for warehouse in Warehouse.objects.order_by("pk")
        for row in StockBalance.objects.filter(
            warehouse=warehouse,
            lot__expires_on__lt=timezone.localdate(timezone=warehouse.zone_info),
            condition=Condition.GOOD,
            on_hand__gt=0,
            bin__kind=BinKind.STORAGE,
        ).order_by("pk")
    ]
    unsteady = _hold_each(expired)
    left = _hold_each(unsteady)
    for _warehouse_id, place in left:
        log.warning("expired: sku %s in bin %s found no steady moment and is tried again the next time", place.sku_id, place.bin_id)
    return len(expired) - len(left)


def _hold_each(places: Sequence[tuple[int, Place]]) -> list[tuple[int, Place]]:
    """Those that others kept changing, so that nothing was done."""
    unsteady = []
    for warehouse_id, place in places:
        try:
            _hold(warehouse_id=warehouse_id, place=place)
        except StartOver:
            unsteady.append((warehouse_id, place))
    return unsteady


@command
def _hold(*, warehouse_id: int, place: Place) -> None:
    let_go = import_string(settings.RESERVATION_HOLDER)
    let_go(place, keep=0)
    row = StockBalance.objects.get(bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id)
    if not row.on_hand:
        return
    held = Place(place.bin_id, place.sku_id, place.lot_id, Condition.HELD, place.carton_id)
    legs = [Leg(place, -row.on_hand), Leg(held, row.on_hand)]
    ledger.post(warehouse_id=warehouse_id, legs=legs, reason=Reason.MOVE, document="expired", by=None)
    log.warning("expired: %s units of sku %s in bin %s are held", row.on_hand, place.sku_id, place.bin_id)
