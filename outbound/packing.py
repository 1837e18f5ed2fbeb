"""Packing: what is in the tote goes into parcels that stand on the stage, each with a label of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from django.db import connection
from django.utils.translation import gettext_lazy as _

from inventory import ledger
from inventory.ledger import Leg, Place
from inventory.models import Reason
from outbound.carriers import own, sandbox
from outbound.carriers.port import Consignment, Label
from outbound.models import Order
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User
from wms.core.transitions import require_move


class NotInTheTote(WmsError):
    code, status, message = "not_in_the_tote", 422, _("The tote does not hold {quantity} of this.")


class Packed(TypedDict):
    parcel_id: int
    tracking_number: str
    order_id: int
    order_status: str


class NoStage(WmsError):
    code, status, message = "no_stage", 409, _("This warehouse has no bin for packed parcels. Make one of the kind “shipping stage”.")


@dataclass(slots=True)
class _Content:
    """Picked goods of one task, still in the tote."""

    task_id: int
    line_id: int
    sku_id: int
    lot_id: int | None
    tote_id: int
    quantity: int


# Locking the order guards its tasks and parcels (wms.core.locking).
_ORDER = """
SELECT o.status, o.reference, o.warehouse_id, o.service, o.country,
       (SELECT b.id FROM inventory_bin b WHERE b.warehouse_id = o.warehouse_id AND b.kind = 'staging' ORDER BY b.walking_sequence, b.id LIMIT 1),
       EXISTS (SELECT FROM labels_route r WHERE r.warehouse_id = o.warehouse_id),
       (SELECT w.sandbox FROM inventory_warehouse w WHERE w.id = o.warehouse_id)
FROM outbound_order o WHERE o.id = %s FOR NO KEY UPDATE OF o
"""
# Only a statement of its own sees what the one that held the order before has packed.
_CONTENTS = """
SELECT t.id, t.line_id, t.sku_id, t.lot_id, t.tote_id, t.quantity, (SELECT count(*) FROM outbound_parcel p WHERE p.order_id = t.order_id)
FROM outbound_picktask t WHERE t.order_id = %s AND t.status = 'picked' ORDER BY t.id
"""
_WRITE = """
WITH parcel AS (
    INSERT INTO outbound_parcel (merchant_id, warehouse_id, order_id, number, carrier, tracking_number, weight_g, length_mm, width_mm, height_mm,
                                 status, stage_id, packed_by_id, despite)
    SELECT merchant_id, warehouse_id, id, %(number)s, %(carrier)s, %(tracking)s, %(weight)s, %(length)s, %(width)s, %(height)s,
           'packed', %(stage)s, %(by)s, %(despite)s
    FROM outbound_order WHERE id = %(order)s
    RETURNING id
), content AS (
    SELECT * FROM unnest(%(tasks)s::bigint[], %(quantities)s::bigint[]) AS c (task_id, quantity)
), line AS (
    INSERT INTO outbound_parcelline (parcel_id, line_id, sku_id, lot_id, quantity)
    SELECT parcel.id, t.line_id, t.sku_id, t.lot_id, sum(c.quantity)
    FROM content c JOIN outbound_picktask t ON t.id = c.task_id CROSS JOIN parcel GROUP BY parcel.id, t.line_id, t.sku_id, t.lot_id
), packed AS (
    UPDATE outbound_picktask t SET status = 'packed', quantity = c.quantity FROM content c WHERE t.id = c.task_id AND t.status = 'picked'
    RETURNING t.id
), rest AS (
    INSERT INTO outbound_picktask (warehouse_id, merchant_id, wave_id, order_id, line_id, bin_id, sku_id, lot_id, carton_id, quantity,
                                   walking_sequence, status, tote_id, picker_id, picked_at)
    SELECT t.warehouse_id, t.merchant_id, t.wave_id, t.order_id, t.line_id, t.bin_id, t.sku_id, t.lot_id, t.carton_id, t.quantity - c.quantity,
           t.walking_sequence, 'picked', t.tote_id, t.picker_id, t.picked_at
    FROM content c JOIN outbound_picktask t ON t.id = c.task_id WHERE c.quantity < t.quantity
), done AS (
    UPDATE outbound_order SET status = 'packed', tote_id = NULL, updated_at = now() WHERE id = %(order)s AND %(complete)s
)
SELECT parcel.id, (SELECT count(*) FROM packed) FROM parcel
"""


@command
def pack(
    *,
    order_id: int,
    by: User,
    weight_g: int | None = None,
    quantities: dict[int, int] | None = None,
    size_mm: tuple[int, int, int] | None = None,
    station_id: int | None = None,
    despite: str = "",
    request_id: object = None,
) -> Packed:
    """Close a parcel with `quantities` (base units by order line id; None: all that is in the tote) and give it its tracking number.

    The order is packed when its tote is empty. `size_mm` is length, width, height. Label and slip are printed for the station, where the
    warehouse has printers. `despite`: the word of the order's shop (outbound.holds) of which the packer has said that the parcel is sent all the same.
    Raises NotPossibleNow unless the order is picked, NotInTheTote, NoStage.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ORDER, [order_id])
        row = cursor.fetchone()
        if row is None:
            raise NotFound(what=str(Order._meta.verbose_name), key=order_id)
        status, reference, warehouse_id, service, country, stage_id, prints, in_sandbox = row
        require_move(Order, key=reference, status=status, to=Order.Status.PACKED)
        cursor.execute(_CONTENTS, [order_id])
        found = cursor.fetchall()
    contents = [_Content(*content) for *content, _parcels in found]
    parcels = found[0][-1] if found else 0
    if stage_id is None:
        raise NoStage()
    chosen = _choose(contents, quantities)
    label = (sandbox if in_sandbox else own).book(
        Consignment(order_id, parcels + 1, service, country, weight_g, *(size_mm or (None, None, None)))
    )
    ledger.post(
        warehouse_id=warehouse_id,
        legs=[
            leg
            for content, quantity in chosen
            for leg in (
                Leg(Place(content.tote_id, content.sku_id, content.lot_id), -quantity, reserved=-quantity),
                Leg(Place(stage_id, content.sku_id, content.lot_id), quantity, reserved=quantity),
            )
        ],
        reason=Reason.PACK,
        document=f"order {reference}",
        by=by,
    )
    complete = sum(quantity for _content, quantity in chosen) == sum(content.quantity for content in contents)
    parcel_id = _write(order_id, parcels + 1, label, chosen, stage_id, complete, weight_g, size_mm, by, despite)
    if prints:
        outbox.emit("parcel.packed", parcel_id=parcel_id, station_id=station_id)
    return {
        "parcel_id": parcel_id,
        "tracking_number": label.tracking_number,
        "order_id": order_id,
        "order_status": Order.Status.PACKED.value if complete else status,
    }


def _choose(contents: list[_Content], quantities: dict[int, int] | None) -> list[tuple[_Content, int]]:
    """What goes into this parcel: from each task as much as is asked for of its line."""
    if quantities is None:
        chosen = [(content, content.quantity) for content in contents]
    else:
        wanted = {line_id: quantity for line_id, quantity in quantities.items() if quantity > 0}
        chosen = []
        for content in contents:
            taken = min(content.quantity, wanted.get(content.line_id, 0))
            if taken > 0:
                chosen.append((content, taken))
                wanted[content.line_id] -= taken
        missing = sum(wanted.values())
        if missing:
            raise NotInTheTote(quantity=missing)
    if not chosen:
        raise NotInTheTote(quantity=1)
    return chosen


def _write(
    order_id: int,
    number: int,
    label: Label,
    chosen: list[tuple[_Content, int]],
    stage_id: int,
    complete: bool,
    weight_g: int | None,
    size_mm: tuple[int, int, int] | None,
    by: User,
    despite: str,
) -> int:
    length, width, height = size_mm or (None, None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "order": order_id,
                "number": number,
                "carrier": label.carrier,
                "tracking": label.tracking_number,
                "weight": weight_g,
                "length": length,
                "width": width,
                "height": height,
                "stage": stage_id,
                "by": by.pk,
                "despite": despite,
                "tasks": [content.task_id for content, _quantity in chosen],
                "quantities": [quantity for _content, quantity in chosen],
                "complete": complete,
            },
        )
        parcel_id, packed = cursor.fetchone()
    assert packed == len(chosen), "the order's lock guards its tasks"
    return int(parcel_id)
