"""Counting: what is really there wins over what was promised."""

from datetime import date
from typing import TypedDict

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from inventory import ledger, lots
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, Reason, Sku, StockBalance
from wms.core.commands import command
from wms.core.errors import WmsError
from wms.core.models import User


class NotCountable(WmsError):
    code, status, message = "not_countable", 409, _("{bin} holds goods on their way out: pack them or put them back first.")


class Counted(TypedDict):
    before: int
    after: int


@command
def count(
    *,
    bin_id: int,
    sku_id: int,
    counted: int,
    by: User,
    lot_id: int | None = None,
    condition: str = "good",
    carton_id: int | None = None,
    lot: str = "",
    expires_on: date | None = None,
    request_id: object = None,
) -> Counted:
    """Book what was counted of one sku, lot, condition and carton in a bin, in base units.

    `lot` and `expires_on` name a lot that the books may not know yet, in place of `lot_id`.

    Never refused because stock was promised: open picks that the bin can no longer serve are let go first, and the orders of what is
    missing fall back to short. Raises NotCountable for totes and the stage, and InvalidInput where a tracked sku, of which the books know
    nothing here, is counted without its lot or expiry, and LotTooLong: goods never come in without, and nobody could tell later which they were.
    """
    names_lot = lot_id is None
    if names_lot:
        key = (sku_id, lots.checked(lot), expires_on)
        lot_id = lots.ensure([key]).get(key)
    place = Place(bin_id, sku_id, lot_id, condition, carton_id)
    # Two counts of a place without a row would otherwise both add what they found.
    bin = Bin.objects.select_for_update(no_key=True).get(pk=bin_id)
    if bin.kind in (BinKind.TOTE, BinKind.STAGING):
        raise NotCountable(bin=bin.code)
    let_go = import_string(settings.RESERVATION_HOLDER)
    let_go(place, keep=counted)
    row = (
        StockBalance.objects.select_for_update(no_key=True)
        .filter(bin=bin_id, sku=sku_id, lot=lot_id, condition=condition, carton=carton_id)
        .first()
    )
    before = row.on_hand if row else 0
    if counted and not before and names_lot:
        lots.require(Sku.objects.get(pk=sku_id), lot, expires_on)
    if counted != before:
        ledger.post(
            warehouse_id=bin.warehouse_id,
            legs=[Leg(place, counted - before)],
            reason=Reason.ADJUST,
            document=f"count {bin.code}",
            by=by,
        )
    return {"before": before, "after": counted}
