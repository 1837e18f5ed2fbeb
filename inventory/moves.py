"""Moving what nobody has reserved from bin to bin: a quantity of a sku, or an unopened carton as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from inventory import bins, ledger, placing
from inventory.ledger import InsufficientStock, Leg, Place
from inventory.models import Bin, BinKind, Carton, Condition, Reason, Sku, StockBalance
from wms.core.commands import command
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.models import User

# Docks are emptied by putting away, totes and stages by their orders, LOST by a count.
MOVABLE = (BinKind.STORAGE, BinKind.QUARANTINE)


class LotUnclear(WmsError):
    code, status, message = "lot_unclear", 409, _("{bin} holds several lots of {sku}: say which.")


class CartonReserved(WmsError):
    code, status, message = "carton_reserved", 409, _("Carton {carton} is reserved for orders.")


@dataclass(frozen=True, slots=True)
class Piece:
    """Base units of a sku in one place."""

    place: Place
    quantity: int
    sku: Sku


@command
def move(
    *,
    warehouse_id: int,
    from_bin: str,
    to_bin: str,
    by: User,
    sku_id: int | None = None,
    carton_id: int | None = None,
    quantity: int = 0,
    lot_id: int | None = None,
    condition: str = Condition.GOOD,
    request_id: object = None,
) -> dict[str, Any]:
    """Move free stock between storage and quarantine bins. Good stock goes into storage, other stock into quarantine.

    The lot may be left out where only one lies there. Raises NotFound, WrongBin, InsufficientStock (what open picks hold stays),
    CartonReserved, LotUnclear, BinHoldsTwin, BinOfAnotherMerchant, InvalidInput for a quantity below 1 or a move from a bin into itself.
    """
    source, target = bins.find(warehouse_id, from_bin, to_bin)
    bins.require(source, MOVABLE)
    if source.pk == target.pk:
        raise InvalidInput([{"path": ["to_bin"], "message": str(_("The goods lie there already."))}])
    stock = stock_to_take(source, by, sku_id=sku_id, carton_id=carton_id, quantity=quantity, lot_id=lot_id, condition=condition)
    for piece in stock:
        bins.require(target, placing.kinds_for(piece.place.condition))
    placing.require_room(bin=target, skus=[piece.sku for piece in stock])
    shift(stock, target, reason=Reason.MOVE, document=f"{source.code} > {target.code}", by=by)
    return {"bin": target.code, "quantity": sum(piece.quantity for piece in stock)}


def stock_to_take(
    source: Bin, by: User, *, sku_id: int | None, carton_id: int | None, quantity: int, lot_id: int | None, condition: str
) -> list[Piece]:
    """What a scan means, in places: all of an unopened carton, or `quantity` loose units of one sku. One statement."""
    found = StockBalance.objects.visible_to(by).filter(bin=source, on_hand__gt=0).select_related("sku").order_by("pk")
    if carton_id is not None:
        rows = list(found.filter(carton=carton_id))
        if not rows:
            raise NotFound(what=str(Carton._meta.verbose_name), key=carton_id)
        if any(row.reserved for row in rows):
            raise CartonReserved(carton=Carton.objects.get(pk=carton_id).code)
        return [Piece(_place(row), row.on_hand, row.sku) for row in rows]
    if quantity < 1:
        raise InvalidInput([{"path": ["quantity"], "message": str(_("The quantity is less than 1."))}])
    if sku_id is None:
        raise InvalidInput([{"path": ["sku_id"], "message": str(_("Neither a sku nor a carton."))}])
    rows = list(found.filter(sku=sku_id, condition=condition, carton=None))
    if lot_id is not None:
        rows = [row for row in rows if row.lot_id == lot_id]
    if not rows:
        sku = Sku.objects.visible_to(by).filter(pk=sku_id).first()
        if sku is None:
            raise NotFound(what=str(Sku._meta.verbose_name), key=sku_id)
        raise InsufficientStock(bin=source.code, sku=sku.code, available=0, requested=quantity)
    if len(rows) > 1:
        raise LotUnclear(bin=source.code, sku=rows[0].sku.code, lots=[row.lot_id for row in rows])
    return [Piece(_place(rows[0]), quantity, rows[0].sku)]


def _place(row: StockBalance) -> Place:
    return Place(row.bin_id, row.sku_id, row.lot_id, row.condition, row.carton_id)


def shift(stock: Sequence[Piece], target: Bin, *, reason: Reason, document: str, by: User) -> None:
    """A step: the pieces out of their places and, unchanged in lot, condition and carton, into the bin."""
    legs = []
    for piece in stock:
        place = piece.place
        legs.append(Leg(place, -piece.quantity))
        legs.append(Leg(Place(target.pk, place.sku_id, place.lot_id, place.condition, place.carton_id), piece.quantity))
    ledger.post(warehouse_id=target.warehouse_id, legs=legs, reason=reason, document=document, by=by)
