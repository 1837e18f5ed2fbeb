"""The tote on the pack desk: its order, what of each line is in it, and what a parcel of that should weigh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from outbound.models import Order
from wms.core.prepared import Prepared
from wms.core.transitions import NotPossibleNow

# A weight beyond these bounds is asked about once. Below: box and filling only add, but announced weights of goods are off by a fifth now and
# then. Above: half as much again and 500 g, which a carton with its filling weighs, however light the goods. A zero too many, the
# commonest slip of who types, is outside from 60 g of goods on; so is one of two heavy things that was left in the tote.
LIGHTEST, HEAVIEST, PACKAGING_G = 0.8, 1.5, 500
# Asked at every scan: the order with its tote, and what of each line is in there; a row without a line where nothing is.
_CONTENT: Final = Prepared(
    "tote_content",
    """
SELECT o.reference, o.status, o.ship_by, coalesce(tote.code, ''),
       l.id, s.id, sum(t.quantity)::int, s.packs_unit_by_unit OR m.packs_unit_by_unit, s.code, s.name, s.name_zh, coalesce(s.weight_g, 0)
FROM outbound_order o
LEFT JOIN inventory_bin tote ON tote.id = o.tote_id
LEFT JOIN outbound_picktask t ON t.order_id = o.id AND t.status = 'picked'
LEFT JOIN outbound_orderline l ON l.id = t.line_id
LEFT JOIN inventory_sku s ON s.id = t.sku_id
LEFT JOIN core_merchant m ON m.id = s.merchant_id
WHERE o.id = %(order)s::bigint AND o.warehouse_id = %(warehouse)s::bigint
GROUP BY o.id, tote.id, l.id, s.id, m.id ORDER BY l.number
""",
)


@dataclass(slots=True)
class Line:
    id: int
    sku_id: int
    wanted: int
    unit_by_unit: bool
    code: str
    name: str
    name_zh: str
    weight_g: int
    packed: int = 0

    @property
    def left(self) -> int:
        return self.wanted - self.packed


@dataclass(frozen=True, slots=True)
class Tote:
    """The order that is packed, and its lines in the tote with what of them is scanned already."""

    order: str
    ship_by: datetime
    code: str
    lines: list[Line]

    @property
    def grams(self) -> int:
        return sum(line.weight_g * line.packed for line in self.lines)

    def doubts(self, weight_g: int) -> bool:
        """Whether a parcel with what is scanned hardly weighs so much. Where the weight of one of its skus is not known, nobody can tell."""
        if not all(line.weight_g for line in self.lines if line.packed):
            return False
        return not self.grams * LIGHTEST <= weight_g <= self.grams * HEAVIEST + PACKAGING_G

    @property
    def empty(self) -> bool:
        return not any(line.left for line in self.lines)


def find_tote(order_id: int, warehouse_id: int) -> Tote:
    """The tote of an order that is picked; one statement for any number of lines. Raises NotPossibleNow."""
    with connection.cursor() as cursor:
        _CONTENT.execute(cursor, {"order": order_id, "warehouse": warehouse_id})
        rows = cursor.fetchall()
    if not rows or rows[0][1] != Order.Status.PICKED:
        known = rows[0] if rows else ("?", "?")
        raise NotPossibleNow.of(Order, key=known[0], status=known[1], to=Order.Status.PACKED)
    reference, _status, ship_by, code = rows[0][:4]
    return Tote(reference, ship_by, code, [Line(*row[4:]) for row in rows if row[4] is not None])
