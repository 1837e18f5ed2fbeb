"""Expired goods leave the sellable stock by themselves: a nightly operation of the ledger."""

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import BinKind, Condition, Reason, StockBalance, Warehouse
from wms.core.commands import ATTEMPTS
from wms.core.locking import StartOver

log = logging.getLogger(__name__)


def hold_expired() -> int:
    """Turn what expired before today, in storage, from good to held; returns how many places. Open picks of it are let go first.

    Today is the warehouse's own. Each place in a transaction of its own. Goods in totes and on the stage are on their way out and stay as
    they are.
    """
    count = 0
    for warehouse in Warehouse.objects.order_by("pk"):
        expired = StockBalance.objects.filter(
            warehouse=warehouse,
            lot__expires_on__lt=timezone.localdate(timezone=warehouse.zone_info),
            condition=Condition.GOOD,
            on_hand__gt=0,
            bin__kind=BinKind.STORAGE,
        ).order_by("pk")
        for place in [Place(row.bin_id, row.sku_id, row.lot_id, row.condition, row.carton_id) for row in expired]:
            _hold(warehouse.pk, place)
            count += 1
    return count


def _hold(warehouse_id: int, place: Place) -> None:
    let_go = import_string(settings.RESERVATION_HOLDER)
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(durable=True):
                let_go(place, keep=0)
                row = StockBalance.objects.get(
                    bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
                )
                held = Place(place.bin_id, place.sku_id, place.lot_id, Condition.HELD, place.carton_id)
                if row.on_hand:
                    ledger.post(
                        warehouse_id=warehouse_id,
                        legs=[Leg(place, -row.on_hand), Leg(held, row.on_hand)],
                        reason=Reason.MOVE,
                        document="expired",
                        by=None,
                    )
                    log.warning("expired: %s units of sku %s in bin %s are held", row.on_hand, place.sku_id, place.bin_id)
                return
        except StartOver:
            continue
    raise StartOver
