"""Receiving: what is really there is counted into a dock bin, and at the end compared with what was announced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inbound import asns
from inbound.models import Asn, AsnCarton, AsnLine, Discrepancy, ReceiptLine
from inventory import bins, ledger, lots
from inventory.ledger import Leg, Place
from inventory.models import Bin, BinKind, Carton, Condition, Reason, Sku
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import InvalidInput, NotFound, WmsError
from wms.core.locking import StartOver
from wms.core.models import User
from wms.core.transitions import advance

Status = Asn.Status
# Goods are counted while an ASN is in one of these; the first scan opens it.
ARRIVED = (Status.ARRIVED, Status.PARTLY_ARRIVED)
MAX_QUANTITY = 1_000_000_000


class OverReceipt(WmsError):
    code, status, message = "over_receipt", 409, _("{sku}: {received} of {announced} are in already; {quantity} more would be too many.")


class CartonOpened(WmsError):
    code, status, message = "carton_opened", 409, _("Carton {carton} is in already, or was opened and counted by piece.")


class CartonAmbiguous(WmsError):
    code, status, message = "carton_ambiguous", 409, _("Several arrived cartons carry the code {carton}: choose the ASN.")


def open_line(*, asn_id: int, sku_id: int, by: User) -> AsnLine | None:
    """The line that a scan of this sku counts to: the first that still waits for goods, else the last. None: nothing loose was announced.

    A carton that came in unopened has its lines for itself: loose goods would never be put away from there.
    """
    lines = AsnLine.objects.visible_to(by).filter(asn=asn_id, sku=sku_id, quantity__gt=0, carton__carton=None)
    return lines.filter(received__lt=F("quantity")).order_by("number").first() or lines.order_by("-number").first()


@command
def receive(
    *,
    line_id: int,
    bin_code: str,
    quantity: int,
    by: User,
    condition: str = Condition.GOOD,
    lot: str = "",
    expires_on: date | None = None,
    over: bool = False,
    station_id: int | None = None,
    request_id: object = None,
) -> dict[str, Any]:
    """Scan `quantity` base units of an announced line into a dock bin. A repeated `request_id` changes nothing.

    What is too much for the line counts to the sku's other open lines on the ASN first; only the rest is over. A tracked sku takes the
    announced lot and expiry where the scan brings none. Raises OverReceipt (unless `over`), WrongBin, NotFound, CartonOpened for the line
    of a carton that came in unopened, InvalidInput where lot or expiry are needed, NotPossibleNow before arrival and after the count.
    """
    _check_scan(quantity, condition)
    line = AsnLine.objects.visible_to(by).select_related("asn", "sku").filter(pk=line_id).first()
    if line is None:
        raise NotFound(what=str(AsnLine._meta.verbose_name), key=line_id)
    (dock,) = bins.find(line.warehouse_id, bin_code)
    bins.require(dock, [BinKind.DOCK])
    _enter(line.asn)
    damaged = quantity if condition == Condition.DAMAGED else 0
    parts = {line_id: quantity}
    if not AsnLine.objects.filter(pk=line_id, quantity__gte=F("received") + quantity).update(
        received=F("received") + quantity, damaged=F("damaged") + damaged
    ):
        parts = _spread(line, quantity, over)
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"damaged": bool(damaged), "lines": list(parts), "quantities": list(parts.values())})
    key = _lot(line.sku, lot or line.lot, expires_on or announced_expiry(line, lot), given=bool(lot or expires_on))
    return _count_in(line.asn, line.sku_id, dock, parts, condition, key, by, station_id)


_COUNT = """
UPDATE inbound_asnline l SET received = l.received + c.quantity, damaged = l.damaged + CASE WHEN %(damaged)s THEN c.quantity ELSE 0 END
FROM unnest(%(lines)s::bigint[], %(quantities)s::int[]) AS c (id, quantity) WHERE l.id = c.id
"""


def _spread(line: AsnLine, quantity: int, over: bool) -> dict[int, int]:
    """Base units by line: this one, then the sku's others, as far as each is open; what is left over counts to the last of them.

    Lines of another announced lot or expiry, where the sku tracks it, are for other goods. Raises OverReceipt unless `over`, CartonOpened.
    """
    same = Q(asn=line.asn_id, sku=line.sku_id, quantity__gt=0)
    if line.sku.tracks_lot:
        same &= Q(lot=line.lot)
    if line.sku.tracks_expiry:
        same &= Q(expires_on=line.expires_on)
    found = AsnLine.objects.select_for_update(of=("self",), no_key=True).filter(same | Q(pk=line.pk), carton__carton=None)
    lines = sorted(found.order_by("pk"), key=lambda each: (each.pk != line.pk, each.number))
    if not lines or lines[0].pk != line.pk:
        raise CartonOpened(carton=AsnCarton.objects.get(lines=line).code)
    left, parts = quantity, {}
    for each in lines:
        take = min(left, max(each.quantity - each.received, 0))
        if take:
            parts[each.pk] = take
            left -= take
    if left:
        if not over:
            received, announced = sum(each.received for each in lines), sum(each.quantity for each in lines)
            raise OverReceipt(sku=line.sku.code, received=received, announced=announced, quantity=quantity)
        parts[lines[-1].pk] = parts.get(lines[-1].pk, 0) + left
    return parts


def announced_expiry(line: AsnLine, lot: str) -> date | None:
    """The expiry that was announced with the goods at hand: those of another lot than the announced one have their own."""
    return line.expires_on if lot in ("", line.lot) or not line.lot else None


@command
def receive_unannounced(
    *,
    asn_id: int,
    sku_id: int,
    bin_code: str,
    quantity: int,
    by: User,
    condition: str = Condition.GOOD,
    lot: str = "",
    expires_on: date | None = None,
    station_id: int | None = None,
    request_id: object = None,
) -> dict[str, Any]:
    """Count in goods of the same merchant that the ASN does not name: they get a line with an announced quantity of 0."""
    _check_scan(quantity, condition)
    asn = asns.locked(asn_id, by)
    _open(asn)
    sku = Sku.objects.filter(pk=sku_id, merchant=asn.merchant_id).first()
    if sku is None:
        raise NotFound(what=str(Sku._meta.verbose_name), key=sku_id)
    (dock,) = bins.find(asn.warehouse_id, bin_code)
    bins.require(dock, [BinKind.DOCK])
    damaged = quantity if condition == Condition.DAMAGED else 0
    line = AsnLine.objects.select_for_update(no_key=True).filter(asn=asn, sku=sku, quantity=0).first()
    if line is None:
        last = asn.lines.aggregate(last=Max("number"))["last"] or 0
        line = AsnLine.objects.create(
            asn=asn, merchant_id=asn.merchant_id, warehouse_id=asn.warehouse_id, number=last + 1, sku=sku,
            quantity=0, received=quantity, damaged=damaged,
        )  # fmt: skip
    else:
        AsnLine.objects.filter(pk=line.pk).update(received=F("received") + quantity, damaged=F("damaged") + damaged)
    key = _lot(sku, lot, expires_on, given=True)
    return _count_in(asn, sku.pk, dock, {line.pk: quantity}, condition, key, by, station_id)


@command
def receive_carton(
    *,
    carton_code: str,
    bin_code: str,
    by: User,
    asn_id: int | None = None,
    condition: str = Condition.GOOD,
    lacks_label: bool = False,
    station_id: int | None = None,
    request_id: object = None,
) -> dict[str, Any]:
    """Scan a whole unopened carton, by its code or SSCC, into a dock bin: all of its lines come in as announced.

    One that `lacks_label`, and was chosen from a list, gets its label printed for the station.
    The carton becomes a licence plate: its stock stays together under it. Raises CartonOpened, CartonAmbiguous (then `asn_id`
    chooses), NotFound, WrongBin, NotPossibleNow, InvalidInput where a tracked sku was announced without lot or expiry.
    """
    _check_scan(1, condition)
    announced = find_carton(carton_code=carton_code, by=by, asn_id=asn_id)
    (dock,) = bins.find(announced.asn.warehouse_id, bin_code)
    bins.require(dock, [BinKind.DOCK])
    _enter(announced.asn)
    lines = list(AsnLine.objects.select_for_update(of=("self",), no_key=True).select_related("sku").filter(carton=announced).order_by("pk"))
    if announced.carton_id is not None or any(line.received for line in lines):
        raise CartonOpened(carton=announced.code)
    keys = [_lot(line.sku, line.lot, line.expires_on, given=bool(line.lot or line.expires_on)) for line in lines]
    lot_ids = lots.ensure(key for key in keys if key)
    plate, _new = Carton.objects.get_or_create(merchant_id=announced.merchant_id, code=announced.code, defaults={"sscc": announced.sscc})
    AsnCarton.objects.filter(pk=announced.pk).update(carton=plate)
    damaged = F("quantity") if condition == Condition.DAMAGED else F("damaged")
    AsnLine.objects.filter(carton=announced).update(received=F("quantity"), damaged=damaged)
    ReceiptLine.objects.bulk_create(
        ReceiptLine(
            asn_id=line.asn_id, merchant_id=line.merchant_id, line=line, sku=line.sku, bin=dock,
            quantity=line.quantity, condition=condition, by=by,
        )
        for line in lines
    )  # fmt: skip
    ledger.post(
        warehouse_id=dock.warehouse_id,
        legs=[
            Leg(Place(dock.pk, line.sku_id, lot_ids[key] if key else None, condition, plate.pk), line.quantity)
            for line, key in zip(lines, keys, strict=True)
        ],
        reason=Reason.RECEIPT,
        document=announced.asn.reference,
        by=by,
    )
    if lacks_label:
        outbox.emit(
            "goods.received", warehouse_id=dock.warehouse_id, station_id=station_id, by_id=by.pk, carton_id=announced.pk,
            once=f"received:carton:{announced.pk:019}",
        )  # fmt: skip
    return {
        "asn_id": announced.asn_id,
        "carton_id": plate.pk,
        "carton": announced.code,
        "lines": len(lines),
        "quantity": sum(line.quantity for line in lines),
    }


def find_carton(*, carton_code: str, by: User, asn_id: int | None = None) -> AsnCarton:
    """The announced carton that a scanner read; one that can come in now goes before the others. Raises NotFound, CartonAmbiguous."""
    code = carton_code.strip()
    found = AsnCarton.objects.visible_to(by).select_related("asn").filter(Q(code=code) | Q(sscc=code), merchant__sandbox=False)
    if asn_id is not None:
        found = found.filter(asn=asn_id)
    cartons = list(found.order_by("pk")[:50])
    here = [carton for carton in cartons if carton.asn.status in (*ARRIVED, Status.RECEIVING)]
    if not cartons:
        raise NotFound(what=str(AsnCarton._meta.verbose_name), key=code)
    if len(here or cartons) > 1:
        raise CartonAmbiguous(carton=code, asns=[{"id": carton.asn_id, "reference": carton.asn.reference} for carton in here or cartons])
    return (here or cartons)[0]


@command
def finish(*, asn_id: int, by: User, request_id: object = None) -> dict[str, Any]:
    """Everything is counted: write a discrepancy for each line that came over, short, damaged or unannounced.

    Where all of it is put away already, the ASN is so too.
    """
    asn = asns.locked(asn_id, by)
    _open(asn)
    lines = list(AsnLine.objects.select_for_update(no_key=True).filter(asn=asn).order_by("pk"))
    found = [
        Discrepancy(asn=asn, merchant_id=asn.merchant_id, line=line, sku_id=line.sku_id, kind=kind, quantity=quantity)
        for line in lines
        for kind, quantity in differences(line)
    ]
    Discrepancy.objects.bulk_create(found)
    advance([asn], Status.RECEIVED, received_at=Now())
    if any(line.received for line in lines) and all(line.received == line.put_away for line in lines):
        advance([asn], Status.PUT_AWAY, put_away_at=Now())
    outbox.emit("asn.received", asn_id=asn.pk)
    return {"asn_id": asn.pk, "status": str(asn.status), "discrepancies": len(found)}


def differences(line: AsnLine) -> list[tuple[Discrepancy.Kind, int]]:
    """How a line differs from what was announced, in base units."""
    found = []
    if not line.quantity:
        found.append((Discrepancy.Kind.UNANNOUNCED, line.received))
    elif line.received > line.quantity:
        found.append((Discrepancy.Kind.OVER, line.received - line.quantity))
    elif line.received < line.quantity:
        found.append((Discrepancy.Kind.SHORT, line.quantity - line.received))
    if line.damaged:
        found.append((Discrepancy.Kind.DAMAGED, line.damaged))
    return found


def _check_scan(quantity: int, condition: str) -> None:
    problems = []
    if not 1 <= quantity <= MAX_QUANTITY:
        problems.append({"path": ["quantity"], "message": str(_("The quantity is not between 1 and {most}.")).format(most=MAX_QUANTITY)})
    if condition not in (Condition.GOOD, Condition.DAMAGED):
        problems.append({"path": ["condition"], "message": str(_("Goods come in good or damaged."))})
    if problems:
        raise InvalidInput(problems)


def _enter(asn: Asn) -> None:
    """Hold the ASN open while this scan counts. Scanners share it; only its first scan and its end have it alone."""
    alone = asn.status in ARRIVED
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT status FROM inbound_asn WHERE id = %s FOR {'NO KEY UPDATE' if alone else 'SHARE'}", [asn.pk])
        (status,) = cursor.fetchone()
    if status != asn.status:
        raise StartOver
    _open(asn)


def _open(asn: Asn) -> None:
    if asn.status != Status.RECEIVING:
        advance([asn], Status.RECEIVING)


def _lot(sku: Sku, lot: str, expires_on: date | None, *, given: bool) -> lots.LotKey | None:
    """The lot to book. What was only announced counts for a sku that tracks it; what was read from the goods counts always."""
    lots.require(sku, lot, expires_on)
    if not given:
        lot, expires_on = lot if sku.tracks_lot else "", expires_on if sku.tracks_expiry else None
    return (sku.pk, lot, expires_on) if lot or expires_on else None


def _count_in(
    asn: Asn, sku_id: int, dock: Bin, parts: Mapping[int, int], condition: str, key: lots.LotKey | None, by: User, station_id: int | None
) -> dict[str, Any]:
    """`parts`: base units by line. The answer names the first of them. At a station, good units that lack a label get one printed."""
    lot_id, quantity = lots.ensure([key])[key] if key else None, sum(parts.values())
    receipts = ReceiptLine.objects.bulk_create(
        ReceiptLine(
            asn=asn, merchant_id=asn.merchant_id, line_id=line_id, sku_id=sku_id, bin=dock, quantity=part, condition=condition, by=by
        )
        for line_id, part in parts.items()
    )  # fmt: skip
    ledger.post(
        warehouse_id=dock.warehouse_id,
        legs=[Leg(Place(dock.pk, sku_id, lot_id, condition), quantity)],
        reason=Reason.RECEIPT,
        document=asn.reference,
        by=by,
    )
    if station_id is not None and condition == Condition.GOOD:
        outbox.emit(
            "goods.received", warehouse_id=dock.warehouse_id, station_id=station_id, by_id=by.pk, sku_id=sku_id, quantity=quantity,
            once=f"received:units:{receipts[0].pk:019}",
        )  # fmt: skip
    return {"receipt_line_id": receipts[0].pk, "asn_id": asn.pk, "line_id": next(iter(parts)), "sku_id": sku_id, "quantity": quantity}
