"""Picking: each scan moves goods from their bin into the order's tote, where they stay committed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, TypedDict

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from inventory import ledger, losses
from inventory.ledger import Leg, Place
from inventory.models import BinKind, Reason
from outbound import holds
from outbound.interception import lock_orders
from outbound.models import Order, PickTask
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.locking import StartOver
from wms.core.models import User
from wms.core.prepared import Prepared
from wms.core.transitions import NotPossibleNow, require_move, require_moved

# An order's stops are open while it is in one of these.
TO_PICK: Final = (Order.Status.RELEASED, Order.Status.PICKING)


class ToteTaken(WmsError):
    code, status, message = "tote_taken", 409, _("Tote {tote} holds other goods.")


class WrongTote(WmsError):
    code, status, message = "wrong_tote", 409, _("This order goes into tote {tote}.")


class NotATote(WmsError):
    code, status, message = "not_a_tote", 422, _("{code} is not a tote.")


class TooMany(WmsError):
    code, status, message = "too_many", 422, _("Only {quantity} are wanted here.")


class Picked(TypedDict):
    task_id: int
    quantity: int
    order_id: int
    order_status: str


@dataclass(frozen=True, slots=True)
class _Stop:
    """What a pick has to know of its task, its order and the scanned tote."""

    task_id: int
    status: str
    wanted: int
    warehouse_id: int
    place: Place
    order_id: int
    reference: str
    order_status: str
    unit_count: int
    bound_tote: str | None
    tote_id: int | None
    tote_kind: str | None
    tote_in_use: bool
    tote_code: str


# Locks the order, which guards all of its tasks, then the task (wms.core.locking): both are read as they are after the wait.
_STOP: Final = Prepared(
    "stop_to_pick",
    """
SELECT t.status, t.quantity, t.warehouse_id, t.bin_id, t.sku_id, t.lot_id, t.carton_id, t.order_id, o.reference, o.status, o.unit_count,
       (SELECT code FROM inventory_bin WHERE id = o.tote_id), tote.id, tote.kind,
       o.tote_id IS NULL AND EXISTS (SELECT FROM inventory_stockbalance b WHERE b.bin_id = tote.id AND b.on_hand > 0)
FROM outbound_picktask t
JOIN outbound_order o ON o.id = t.order_id
LEFT JOIN inventory_bin tote ON tote.warehouse_id = t.warehouse_id AND tote.code = %(tote)s
WHERE t.id = %(task)s
FOR NO KEY UPDATE OF o, t
""",
)


def _lock_stop(task_id: int, tote_code: str) -> _Stop:
    with connection.cursor() as cursor:
        _STOP.execute(cursor, {"tote": tote_code, "task": task_id})
        row = cursor.fetchone()
    if row is None:
        raise NotFound(what=str(PickTask._meta.verbose_name), key=task_id)
    (
        status,
        wanted,
        warehouse_id,
        bin_id,
        sku_id,
        lot_id,
        carton_id,
        order_id,
        reference,
        order_status,
        units,
        bound,
        tote_id,
        kind,
        in_use,
    ) = row
    place = Place(bin_id, sku_id, lot_id, carton_id=carton_id)
    return _Stop(
        task_id, status, wanted, warehouse_id, place, order_id, reference, order_status, units, bound, tote_id, kind, in_use, tote_code
    )


# The order follows its tasks: picked when every unit is in the tote. Rows are written only where something changes.
_PICKED: Final = Prepared(
    "picked",
    """
WITH task AS (
    UPDATE outbound_picktask
    SET status = CASE WHEN %(quantity)s::int > 0 THEN 'picked' ELSE 'dropped' END,
        quantity = CASE WHEN %(quantity)s::int > 0 THEN %(quantity)s::int ELSE quantity END,
        tote_id = %(tote)s::bigint, picker_id = %(by)s, picked_at = now()
    WHERE id = %(task)s AND status = 'open' RETURNING id
), progress AS (
    SELECT CASE WHEN coalesce(sum(quantity), 0) + %(quantity)s::int = %(units)s THEN 'picked' ELSE 'picking' END AS status
    FROM outbound_picktask WHERE order_id = %(order)s AND id <> %(task)s AND status IN ('picked', 'packed')
), moved AS (
    UPDATE outbound_order o
    SET status = progress.status, tote_id = CASE WHEN %(quantity)s::int > 0 THEN %(tote)s::bigint ELSE o.tote_id END, updated_at = now()
    FROM progress
    WHERE o.id = %(order)s AND (o.status <> progress.status OR (%(quantity)s::int > 0 AND o.tote_id IS DISTINCT FROM %(tote)s::bigint))
    RETURNING o.status
)
SELECT (SELECT count(*) FROM task), (SELECT status FROM moved)
""",
)


@command
def pick(*, task_id: int, tote_code: str, by: User, quantity: int | None = None, request_id: object = None) -> Picked:
    """Take the task's goods (all of them without a `quantity`) into the tote. The first pick of an order binds its tote; finding none needs no tote.

    Fewer than wanted is a short pick: what is missing is booked out of the bin at once, so that nobody else is sent there, and is looked
    for elsewhere. Raises NotPossibleNow for a task that is no longer open, ToteTaken, WrongTote, NotATote, TooMany.
    """
    stop = _lock_stop(task_id, tote_code)
    taken = stop.wanted if quantity is None else quantity
    _check(stop, taken)
    if taken:
        assert stop.tote_id is not None
        ledger.post(
            warehouse_id=stop.warehouse_id,
            legs=[
                Leg(stop.place, -taken, reserved=-taken),
                Leg(Place(stop.tote_id, stop.place.sku_id, stop.place.lot_id), taken, reserved=taken),
            ],
            reason=Reason.PICK,
            document=f"order {stop.reference}",
            by=by,
        )
    if taken < stop.wanted:
        _lose(stop, stop.wanted - taken, by)
    status = _record(stop, taken, by)
    return {"task_id": task_id, "quantity": taken, "order_id": stop.order_id, "order_status": status}


def _check(stop: _Stop, taken: int) -> None:
    require_move(PickTask, key=stop.task_id, status=stop.status, to=PickTask.Status.PICKED)
    if stop.order_status not in TO_PICK:
        raise NotPossibleNow.of(PickTask, key=stop.task_id, status=stop.status, to=PickTask.Status.PICKED)
    if not 0 <= taken <= stop.wanted:
        raise TooMany(quantity=stop.wanted)
    if not taken:
        # Nothing was there: it needs no tote.
        return
    if stop.tote_kind != BinKind.TOTE:
        raise NotATote(code=stop.tote_code)
    if stop.bound_tote is not None and stop.bound_tote != stop.tote_code:
        raise WrongTote(tote=stop.bound_tote)
    if stop.tote_in_use:
        raise ToteTaken(tote=stop.tote_code)


def _lose(stop: _Stop, missing: int, by: User) -> None:
    """The bin had fewer than the books say. Other pickers' tasks there are let go by the event's handler, in the right lock order."""
    losses.lose(
        warehouse_id=stop.warehouse_id, place=stop.place, quantity=missing, unreserve=missing, document=f"order {stop.reference}", by=by
    )
    outbox.emit("pick.short", warehouse_id=stop.warehouse_id, place=asdict(stop.place), movement_id=ledger.last_movement(stop.place))


def _record(stop: _Stop, taken: int, by: User) -> str:
    units = {"quantity": taken, "tote": stop.tote_id, "by": by.pk, "task": stop.task_id, "order": stop.order_id, "units": stop.unit_count}
    try:
        with connection.cursor() as cursor:
            _PICKED.execute(cursor, units)
            recorded, status = cursor.fetchone()
    except IntegrityError as error:
        if "order_alone_in_its_tote" in str(error):
            raise ToteTaken(tote=stop.tote_code) from error
        raise
    require_moved(recorded, 1, PickTask, key=stop.task_id, to=PickTask.Status.PICKED)
    return status or stop.order_status


_CLAIM = """
WITH free AS (
    SELECT o.id FROM outbound_order o
    WHERE o.warehouse_id = %(warehouse)s AND o.status IN ('released', 'picking') AND (%(wave)s::bigint IS NULL OR o.wave_id = %(wave)s)
      AND o.id <> ALL(%(held)s::bigint[])
      AND EXISTS (SELECT FROM outbound_picktask t WHERE t.order_id = o.id AND t.status = 'open' AND t.picker_id IS NULL)
    ORDER BY date_trunc('hour', o.ship_by), o.headroom, o.ship_by, o.id LIMIT %(most)s FOR NO KEY UPDATE OF o SKIP LOCKED
)
UPDATE outbound_picktask t SET picker_id = %(by)s FROM free WHERE t.order_id = free.id AND t.status = 'open' AND t.picker_id IS NULL
RETURNING t.order_id
"""


_UNCLAIMED = """
SELECT EXISTS (
    SELECT FROM outbound_picktask t JOIN outbound_order o ON o.id = t.order_id
    WHERE t.warehouse_id = %(warehouse)s AND t.status = 'open' AND t.picker_id IS NULL AND o.status IN ('released', 'picking')
      AND (%(wave)s::bigint IS NULL OR t.wave_id = %(wave)s) AND o.id <> ALL(%(held)s::bigint[])
)
"""


@command
def claim(*, warehouse_id: int, by: User, most: int = 12, wave_id: int | None = None, request_id: object = None) -> int:
    """Give the picker the open tasks of up to `most` released orders that nobody has yet; returns how many tasks.

    Soonest ship-by first, and within an hour those whose shop can bear the fewest late orders, where a wave was released by the clock. Those that
    wait for somebody's decision (outbound.holds) are left where they are.
    """
    held = holds.in_warehouse(warehouse_id, *TO_PICK)
    with connection.cursor() as cursor:
        values = {"warehouse": warehouse_id, "wave": wave_id, "most": most, "by": by.pk, "held": list(held)}
        cursor.execute(_CLAIM, values)
        claimed = [order_id for (order_id,) in cursor.fetchall()]
        if not claimed:
            # Another picker may have taken just these while we looked: there may be others.
            cursor.execute(_UNCLAIMED, values)
            if cursor.fetchone()[0]:
                raise StartOver
        # A shop may have spoken meanwhile. What it says from now on finds them on the walk: put_aside() waits for our locks.
        if holds.of_orders(sorted(set(claimed))):
            raise StartOver
        return len(claimed)


def put_aside(payloads: list[dict[str, Any]]) -> None:
    """Outbox handler of `order.held` {order_ids}: the stops of orders that wait for somebody's decision, and that no picker has begun, are nobody's
    again. What lies in a tote already its picker finishes.
    """
    with transaction.atomic():
        held = holds.of_orders([order_id for payload in payloads for order_id in payload["order_ids"]])
        untouched = [order.pk for order in lock_orders(list(held)) if order.status == Order.Status.RELEASED]
        PickTask.objects.filter(order__in=untouched, status=PickTask.Status.OPEN).exclude(picker=None).update(picker=None)


@command
def put_down(*, by: User, order_id: int | None = None, request_id: object = None) -> int:
    """Give open tasks back, of one order or of all, so that another picker can take them; returns how many."""
    mine = PickTask.objects.filter(picker=by, status=PickTask.Status.OPEN)
    return (mine if order_id is None else mine.filter(order=order_id)).update(picker=None)
