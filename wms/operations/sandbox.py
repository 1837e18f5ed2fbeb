"""The sandbox: a merchant that tries the API out gets real answers, and nobody works for it.

Its goods and orders are in the sandbox warehouse alone, which is on nobody's list. What people do elsewhere is done there by itself,
by the same activities, one step of each order and ASN at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inbound import asns, put_away, receiving
from inbound.models import Asn, AsnLine
from inventory import put_back
from inventory.models import Bin, BinKind, PutBackTask, StockBalance, StockMovement, Warehouse
from inventory.warehouses import NEEDED, equip
from marketplaces.models import Channel
from outbound import holds, packing, picking, shipping, waves
from outbound.models import Order, Parcel, PickTask
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import Merchant, User

log = logging.getLogger(__name__)

CODE = "SANDBOX"
TOTES = 50
# Of each kind of step, in one run: the next run goes on.
AT_ONCE = 50
# What tracked goods come in with where nothing was announced.
LOT, SHELF_LIFE = "TEST", timedelta(days=365)
WEIGHT_G = 500
_ON_ITS_WAY = (Asn.Status.SUBMITTED, Asn.Status.APPROVED, Asn.Status.IN_TRANSIT)
_AT_THE_DOCK = (Asn.Status.ARRIVED, Asn.Status.PARTLY_ARRIVED, Asn.Status.RECEIVING)


class MerchantInUse(WmsError):
    code, status = "merchant_in_use", 409
    message = _("{merchant} has goods, orders, ASNs or a shop already: only a merchant without any goes into the sandbox, or out of it.")


@command
def switch(*, merchant_id: int, on: bool, by: User, request_id: object = None) -> None:
    """Put a merchant into the sandbox, or take it out. Raises NotFound, MerchantInUse: what is tried and what is real never mix."""
    # Whoever takes in something for the merchant holds its row: it is there before this, or comes after it and sees the switch.
    merchant = Merchant.objects.select_for_update().filter(pk=merchant_id).first()
    if merchant is None:
        raise NotFound(what=str(Merchant._meta.verbose_name), key=merchant_id)
    if merchant.sandbox == on:
        return
    if any(rows.filter(merchant=merchant).exists() for rows in (Order.objects, Asn.objects, StockMovement.objects, Channel.objects)):
        raise MerchantInUse(merchant=merchant.code)
    merchant.sandbox = on
    merchant.save(update_fields=["sandbox"])
    if on:
        _furnish(merchant)


def house() -> Warehouse | None:
    """The sandbox warehouse, once somebody is in the sandbox."""
    return Warehouse.objects.filter(sandbox=True).first()


def _furnish(merchant: Merchant) -> None:
    """The sandbox warehouse, a bin in it for this merchant's goods alone, and the user that works for it."""
    place, _new = Warehouse.objects.get_or_create(
        sandbox=True, defaults={"code": _free_code(), "name": "Sandbox", "country": "GB", "active": False}
    )
    equip(place)
    totes = [Bin(warehouse=place, code=f"TOTE-{number:02}", kind=BinKind.TOTE) for number in range(1, TOTES + 1)]
    Bin.objects.bulk_create([*totes, Bin(warehouse=place, code=_bin_of(merchant.pk))], ignore_conflicts=True)
    User.objects.get_or_create(username=_user_of(merchant.pk), defaults={"merchant": merchant, "password": "!"})


def _free_code() -> str:
    """CODE; where a real warehouse has it, CODE-2 and so on."""
    taken = set(Warehouse.objects.filter(code__startswith=CODE).values_list("code", flat=True))
    return next(code for code in chain([CODE], (f"{CODE}-{number}" for number in count(2))) if code not in taken)


def _bin_of(merchant_id: int) -> str:
    return f"M{merchant_id}"


def _user_of(merchant_id: int) -> str:
    return f"sandbox:{merchant_id}"


def work() -> int:
    """One step of each order and ASN that stood still for long enough; answers how many. Without a sandbox it is one statement."""
    place = house()
    if place is None:
        return 0
    due = timezone.now() - timedelta(seconds=settings.SANDBOX_STEP_SECONDS)
    workers = {user.merchant_id or 0: user for user in User.objects.filter(username__startswith="sandbox:", merchant__sandbox=True)}
    shift = _Shift(place, due, workers)
    # What is furthest first, so that nothing goes two steps at once.
    return sum(
        step() for step in (shift.ship, shift.pack, shift.pick, shift.release, shift.put_back, shift.put_away, shift.receive, shift.arrive)
    )


class _Shift:
    """One run through the sandbox warehouse."""

    def __init__(self, house: Warehouse, due: datetime, workers: dict[int, User]) -> None:
        self.house, self.due, self.workers = house, due, workers

    def orders(self, *statuses: Order.Status) -> list[Order]:
        found = Order.objects.filter(warehouse=self.house, status__in=statuses, updated_at__lte=self.due, merchant__in=self.workers)
        return list(found.exclude(pk__in=holds.in_warehouse(self.house.pk, *statuses)).order_by("ship_by", "pk")[:AT_ONCE])

    def asns(self, *statuses: Asn.Status) -> list[Asn]:
        found = Asn.objects.filter(warehouse=self.house, status__in=statuses, updated_at__lte=self.due, merchant__in=self.workers)
        return list(found.order_by("pk")[:AT_ONCE])

    def each(self, rows: list[Any], do: Callable[[Any, User], None]) -> int:
        """What one of them is refused does not stop the others; it is tried again."""
        for row in rows:
            try:
                do(row, self.workers[row.merchant_id])
            except WmsError as error:
                log.info("sandbox: %s %s: %s", type(row).__name__, row.pk, error)
        return len(rows)

    def release(self) -> int:
        return self.each(
            self.orders(Order.Status.READY),
            lambda order, by: _ignore(waves.release(warehouse_id=self.house.pk, by=by, order_ids=[order.pk])),
        )

    def pick(self) -> int:
        taken = Order.objects.filter(warehouse=self.house).exclude(tote=None).values("tote")
        full = StockBalance.objects.filter(warehouse=self.house, on_hand__gt=0).values("bin")
        totes = Bin.objects.filter(warehouse=self.house, kind=BinKind.TOTE).exclude(Q(pk__in=taken) | Q(pk__in=full)).order_by("pk")
        free = iter(list(totes.values_list("code", flat=True)))

        def pick(order: Order, by: User) -> None:
            tote = order.tote.code if order.tote is not None else next(free, None)
            if tote is None:
                return
            for task_id in PickTask.objects.filter(order=order, status=PickTask.Status.OPEN).order_by("pk").values_list("pk", flat=True):
                picking.pick(task_id=task_id, tote_code=tote, by=by)

        return self.each(self.orders(Order.Status.RELEASED, Order.Status.PICKING), pick)

    def pack(self) -> int:
        return self.each(
            self.orders(Order.Status.PICKED), lambda order, by: _ignore(packing.pack(order_id=order.pk, by=by, weight_g=WEIGHT_G))
        )

    def ship(self) -> int:
        def ship(order: Order, by: User) -> None:
            for parcel_id in Parcel.objects.filter(order=order, status=Parcel.Status.PACKED).order_by("pk").values_list("pk", flat=True):
                shipping.ship(parcel_id=parcel_id, by=by)

        return self.each(self.orders(Order.Status.PACKED), ship)

    def put_back(self) -> int:
        """Goods of orders that were cancelled when they were picked already."""
        tasks = PutBackTask.objects.filter(warehouse=self.house, status=PutBackTask.Status.OPEN, merchant__in=self.workers)
        return self.each(
            list(tasks.order_by("pk")[:AT_ONCE]),
            lambda task, by: _ignore(put_back.put_back(task_id=task.pk, bin_code=_bin_of(task.merchant_id), by=by)),
        )

    def arrive(self) -> int:
        return self.each(self.asns(*_ON_ITS_WAY), lambda asn, by: _ignore(asns.arrive(asn_id=asn.pk, by=by)))

    def receive(self) -> int:
        """Everything comes in as it was announced."""

        def receive(asn: Asn, by: User) -> None:
            for line in AsnLine.objects.filter(asn=asn).select_related("sku").order_by("number"):
                if line.received < line.quantity:
                    _receive(line, by)
            receiving.finish(asn_id=asn.pk, by=by)

        return self.each(self.asns(*_AT_THE_DOCK), receive)

    def put_away(self) -> int:
        def put_away_one(balance: StockBalance, by: User) -> None:
            put_away.put_away(
                warehouse_id=self.house.pk,
                from_bin=NEEDED[BinKind.DOCK],
                bin_code=_bin_of(balance.merchant_id),
                by=by,
                sku_id=balance.sku_id,
                quantity=balance.on_hand,
                lot_id=balance.lot_id,
            )

        merchants = {asn.merchant_id for asn in self.asns(Asn.Status.RECEIVED)}
        rows = StockBalance.objects.filter(bin__warehouse=self.house, bin__kind=BinKind.DOCK, on_hand__gt=0, merchant__in=merchants)
        return self.each(list(rows.order_by("pk")[: AT_ONCE * 10]), put_away_one)


def _receive(line: AsnLine, by: User) -> None:
    lot = LOT if line.sku.tracks_lot and not line.lot else ""
    expires_on = timezone.localdate() + SHELF_LIFE if line.sku.tracks_expiry and line.expires_on is None else None
    receiving.receive(
        line_id=line.pk, bin_code=NEEDED[BinKind.DOCK], quantity=line.quantity - line.received, by=by, lot=lot, expires_on=expires_on
    )


def _ignore(_answer: object) -> None:
    """A step's answer, which nobody waits for."""
