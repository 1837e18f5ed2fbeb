"""Putting away: from the dock into a bin. Only now can good stock be promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from inbound.models import Asn, AsnLine
from inventory import bins, moves, placing
from inventory.models import Bin, BinKind, Condition, Reason, StockBalance
from wms.core.commands import command
from wms.core.errors import NotFound
from wms.core.locking import StartOver
from wms.core.models import User
from wms.core.transitions import advance


def on_dock(*, warehouse_id: int, by: User) -> QuerySet[StockBalance]:
    """What stands on the docks, longest first."""
    return StockBalance.objects.visible_to(by).filter(warehouse=warehouse_id, bin__kind=BinKind.DOCK, on_hand__gt=0).order_by("since", "pk")


def suggest(
    *,
    warehouse_id: int,
    sku_id: int | None = None,
    carton_id: int | None = None,
    condition: str = Condition.GOOD,
    without: Iterable[int] = (),
) -> Bin | None:
    """The bin for a sku or for all that an unopened carton holds; see inventory.placing. None where nothing is left."""
    if carton_id is not None:
        sku_ids = list(StockBalance.objects.filter(carton=carton_id, on_hand__gt=0).values_list("sku_id", flat=True).distinct())
        if not sku_ids:
            raise NotFound(what=str(StockBalance._meta.get_field("carton").related_model._meta.verbose_name), key=carton_id)
    else:
        assert sku_id is not None, "a sku or a carton"
        sku_ids = [sku_id]
    return placing.suggest(warehouse_id=warehouse_id, sku_ids=sku_ids, condition=condition, without=without)


@command
def put_away(
    *,
    warehouse_id: int,
    from_bin: str,
    bin_code: str,
    by: User,
    sku_id: int | None = None,
    carton_id: int | None = None,
    quantity: int = 0,
    lot_id: int | None = None,
    condition: str = Condition.GOOD,
    request_id: object = None,
) -> dict[str, Any]:
    """Put `quantity` base units of a sku, or a whole unopened carton, from a dock bin into a storage bin (damaged goods: quarantine).

    The lot may be left out where only one lies there. What is put away counts to the oldest ASN lines of the sku; an ASN of which
    all is counted and put away becomes `put_away`.

    Raises NotFound, WrongBin, InsufficientStock, LotUnclear, BinHoldsTwin, BinOfAnotherMerchant.
    """
    source, target = bins.find(warehouse_id, from_bin, bin_code)
    bins.require(source, [BinKind.DOCK])
    stock = moves.stock_to_take(source, by, sku_id=sku_id, carton_id=carton_id, quantity=quantity, lot_id=lot_id, condition=condition)
    for piece in stock:
        bins.require(target, placing.kinds_for(piece.place.condition))
    placing.require_room(bin=target, skus=[piece.sku for piece in stock])
    taken: defaultdict[int, int] = defaultdict(int)
    for piece in stock:
        taken[piece.sku.pk] += piece.quantity
    counted = _count(warehouse_id, dict(taken), carton_id)
    moves.shift(stock, target, reason=Reason.PUTAWAY, document=", ".join(asn.reference for asn in counted)[:80], by=by)
    done = _finish(counted)
    return {"bin": target.code, "quantity": sum(taken.values()), "put_away_asns": [asn.pk for asn in done]}


def _waiting(warehouse_id: int, sku_ids: Sequence[int], carton_id: int | None) -> QuerySet[AsnLine]:
    """The lines whose goods may stand on the dock, oldest first. A licence plate's own lines are for the plate alone.

    What is missing of a closed ASN is written down there: it waits for nothing.
    """
    lines = AsnLine.objects.filter(warehouse=warehouse_id, sku__in=sku_ids, received__gt=F("put_away")).order_by("pk")
    lines = lines.exclude(asn__status=Asn.Status.CLOSED)
    return lines.filter(carton__carton=carton_id) if carton_id is not None else lines.filter(carton__carton=None)


_COUNT = """
UPDATE inbound_asnline l SET put_away = l.put_away + c.quantity
FROM unnest(%s::bigint[], %s::int[]) AS c (id, quantity) WHERE l.id = c.id
"""


def _count(warehouse_id: int, taken: dict[int, int], carton_id: int | None) -> list[Asn]:
    """Count base units by sku id as put away, first in first out; returns the ASNs that they came with, locked.

    Goods that came without an ASN count to none.
    """
    asn_ids = sorted(set(_waiting(warehouse_id, list(taken), carton_id).values_list("asn_id", flat=True)))
    if not asn_ids:
        return []
    asns = list(Asn.objects.select_for_update(no_key=True).filter(pk__in=asn_ids).order_by("pk"))
    # Read again under the lock. A line that only now has goods belongs to an ASN that is not locked: begin again.
    lines = list(_waiting(warehouse_id, list(taken), carton_id).select_for_update(of=("self",), no_key=True))
    if {line.asn_id for line in lines} - set(asn_ids):
        raise StartOver
    left, counts = dict(taken), {}
    for line in lines:
        count = min(left[line.sku_id], line.received - line.put_away)
        if count:
            left[line.sku_id] -= count
            counts[line.pk] = count
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(counts), list(counts.values())])
    touched = {line.asn_id for line in lines if line.pk in counts}
    return [asn for asn in asns if asn.pk in touched]


def _finish(asns: Sequence[Asn]) -> list[Asn]:
    """Those of the ASNs, counted and now without goods on the dock, become put_away."""
    counted = [asn for asn in asns if asn.status == Asn.Status.RECEIVED]
    if not counted:
        return []
    waiting = AsnLine.objects.filter(asn=OuterRef("pk"), received__gt=F("put_away")).values("asn")[:1]
    open_ids = set(
        Asn.objects.filter(pk__in=[asn.pk for asn in counted])
        .annotate(open=Subquery(waiting))
        .filter(open__isnull=False)
        .values_list("pk", flat=True)
    )
    done = [asn for asn in counted if asn.pk not in open_ids]
    advance(done, Asn.Status.PUT_AWAY, put_away_at=Now())
    return done
