"""The only writer of stock: movements, and the two running totals that they add up to.

`post` is one statement for any number of legs, and one more where the sellable total of a sku changes.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from inventory import availability
from inventory.models import ONE_SIDED_REASONS, SELLABLE_KINDS, Bin, Condition, Reason, Sku, StockBalance, StockMovement
from wms.core.errors import WmsError
from wms.core.locking import StartOver, assert_in_transaction
from wms.core.models import User
from wms.core.prepared import Prepared


class InsufficientStock(WmsError):
    code, status, message = "insufficient_stock", 409, _("{bin} has {available} of {sku}, not {requested}.")


@dataclass(frozen=True, slots=True)
class Place:
    """What a balance row is about."""

    bin_id: int
    sku_id: int
    lot_id: int | None = None
    condition: str = Condition.GOOD
    carton_id: int | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """`quantity` base units into (+) or out of (-) a place; `reserved` changes what open picks hold there."""

    place: Place
    quantity: int
    reserved: int = 0


# Rows are locked in key order (wms.core.locking); the guard in `changed` refuses what would leave less than is reserved.
_POST = Prepared(
    "post_legs",
    """
WITH leg AS MATERIALIZED (
    SELECT l.n, l.bin_id, l.sku_id, l.lot_id, l.condition, l.carton_id, l.quantity, l.reserved, s.merchant_id,
           l.condition = 'good' AND b.kind = ANY(%(sellable)s) AS sellable
    FROM unnest(%(bins)s::bigint[], %(skus)s::bigint[], %(lots)s::bigint[], %(conditions)s::text[], %(cartons)s::bigint[],
                %(quantities)s::bigint[], %(reserved)s::bigint[])
         WITH ORDINALITY AS l (bin_id, sku_id, lot_id, condition, carton_id, quantity, reserved, n)
    JOIN inventory_sku s ON s.id = l.sku_id
    JOIN inventory_bin b ON b.id = l.bin_id AND b.warehouse_id = %(warehouse)s
), change AS MATERIALIZED (
    SELECT bin_id, sku_id, lot_id, condition, carton_id, merchant_id, sum(quantity)::bigint AS quantity, sum(reserved)::bigint AS reserved
    FROM leg GROUP BY bin_id, sku_id, lot_id, condition, carton_id, merchant_id
), locked AS MATERIALIZED (
    SELECT b.id, c.bin_id, c.sku_id, c.lot_id, c.condition, c.carton_id, c.quantity, c.reserved
    FROM change c JOIN inventory_stockbalance b
      ON b.bin_id = c.bin_id AND b.sku_id = c.sku_id AND b.condition = c.condition
     AND b.lot_id IS NOT DISTINCT FROM c.lot_id AND b.carton_id IS NOT DISTINCT FROM c.carton_id
    ORDER BY b.id FOR UPDATE OF b
), changed AS (
    UPDATE inventory_stockbalance b
    SET on_hand = b.on_hand + l.quantity, reserved = b.reserved + l.reserved, since = CASE WHEN b.on_hand = 0 THEN now() ELSE b.since END
    FROM locked l
    WHERE b.id = l.id AND b.reserved + l.reserved BETWEEN 0 AND b.on_hand + l.quantity
    RETURNING b.id
), added AS (
    INSERT INTO inventory_stockbalance (warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, carton_id, on_hand, reserved)
    SELECT %(warehouse)s, c.merchant_id, c.bin_id, c.sku_id, c.lot_id, c.condition, c.carton_id, c.quantity, c.reserved
    FROM change c
    WHERE c.reserved BETWEEN 0 AND c.quantity AND NOT EXISTS (
        SELECT FROM locked l WHERE l.bin_id = c.bin_id AND l.sku_id = c.sku_id AND l.condition = c.condition
           AND l.lot_id IS NOT DISTINCT FROM c.lot_id AND l.carton_id IS NOT DISTINCT FROM c.carton_id)
    ORDER BY c.bin_id, c.sku_id, c.lot_id, c.condition, c.carton_id
    ON CONFLICT (bin_id, sku_id, lot_id, condition, carton_id) DO UPDATE
    SET on_hand = inventory_stockbalance.on_hand + EXCLUDED.on_hand, reserved = inventory_stockbalance.reserved + EXCLUDED.reserved
    RETURNING id
), moved AS (
    INSERT INTO inventory_stockmovement
        (operation_id, leg, warehouse_id, merchant_id, bin_id, sku_id, lot_id, condition, carton_id, quantity, reason, document, by_id)
    SELECT %(operation)s::uuid, n, %(warehouse)s, merchant_id, bin_id, sku_id, lot_id, condition, carton_id, quantity,
           %(reason)s, %(document)s, %(by)s::bigint
    FROM leg WHERE quantity <> 0 ORDER BY n
)
SELECT (SELECT count(*) FROM leg), (SELECT count(*) FROM change), (SELECT count(*) FROM changed) + (SELECT count(*) FROM added),
       ARRAY(SELECT ARRAY[sku_id, sum(quantity)::bigint] FROM leg WHERE sellable GROUP BY sku_id HAVING sum(quantity) <> 0)
""",
)


def post(
    *,
    warehouse_id: int,
    legs: Sequence[Leg],
    reason: Reason,
    document: str,
    by: User | None,
    promises: dict[int, availability.Change] | None = None,
) -> None:
    """Write all the legs with their balances, and the change of each sku's availability, or raise InsufficientStock and write nothing.

    `promises` are changes of what is committed or backordered that belong to the same event, by sku id.
    """
    assert_in_transaction("ledger.post()")
    if not legs:
        availability.change(warehouse_id, promises or {}, f"{reason.value} {document}")
        return
    _assert_balanced(legs, reason)
    with connection.cursor() as cursor:
        _POST.execute(
            cursor,
            {
                "warehouse": warehouse_id,
                "sellable": [kind.value for kind in SELLABLE_KINDS],
                "bins": [leg.place.bin_id for leg in legs],
                "skus": [leg.place.sku_id for leg in legs],
                "lots": [leg.place.lot_id for leg in legs],
                "conditions": [str(leg.place.condition) for leg in legs],
                "cartons": [leg.place.carton_id for leg in legs],
                "quantities": [leg.quantity for leg in legs],
                "reserved": [leg.reserved for leg in legs],
                "operation": str(uuid.uuid4()),
                "reason": str(reason.value),
                "document": document,
                "by": by.pk if by is not None else None,
            },
        )
        legs_found, places, written, sellable = cursor.fetchone()
    assert legs_found == len(legs), "every leg lies in a bin of the operation's warehouse"
    if written != places:
        raise _insufficient(legs)
    changes = dict(promises or {})
    for sku_id, quantity in sellable:
        changes[sku_id] = changes.get(sku_id, availability.Change()).plus(on_hand=quantity)
    availability.change(warehouse_id, changes, f"{reason.value} {document}")


def _assert_balanced(legs: Sequence[Leg], reason: Reason) -> None:
    if reason in ONE_SIDED_REASONS:
        return
    sums: defaultdict[int, int] = defaultdict(int)
    for leg in legs:
        sums[leg.place.sku_id] += leg.quantity
    assert not any(sums.values()), f"the legs of a {reason} sum to zero per sku"


def _insufficient(legs: Sequence[Leg]) -> InsufficientStock:
    """Says which place refused: the transaction is lost already, so this may look again."""
    changes: dict[Place, list[int]] = {}
    for leg in legs:
        entry = changes.setdefault(leg.place, [0, 0])
        entry[0] += leg.quantity
        entry[1] += leg.reserved
    for place, (quantity, reserved) in changes.items():
        row = StockBalance.objects.filter(
            bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
        ).first()
        on_hand, held = (row.on_hand, row.reserved) if row else (0, 0)
        # The row shows the change where the statement wrote it: only refused places fall short as they stand.
        if (quantity < 0 or reserved > 0) and on_hand + quantity < held + reserved:
            return InsufficientStock(
                bin=Bin.objects.get(pk=place.bin_id).code,
                sku=Sku.objects.get(pk=place.sku_id).code,
                available=on_hand - held if reserved >= 0 else on_hand,
                requested=max(-quantity, reserved),
            )
    place = legs[0].place
    return InsufficientStock(
        bin=Bin.objects.get(pk=place.bin_id).code, sku=Sku.objects.get(pk=place.sku_id).code, available=0, requested=abs(legs[0].quantity)
    )


_RESERVE = """
WITH wanted AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS w (id, quantity)),
locked AS MATERIALIZED (
    SELECT b.id, w.quantity FROM inventory_stockbalance b JOIN wanted w ON w.id = b.id ORDER BY b.id FOR UPDATE OF b
)
UPDATE inventory_stockbalance b SET reserved = b.reserved + l.quantity
FROM locked l WHERE b.id = l.id AND b.reserved + l.quantity BETWEEN 0 AND b.on_hand
"""


def reserve(quantities: dict[int, int]) -> None:
    """A step: bind (+) or unbind (-) base units of balance rows, by their id. Raises StartOver where a row no longer has as many."""
    assert_in_transaction("ledger.reserve()")
    if not quantities:
        return
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [list(quantities), list(quantities.values())])
        if cursor.rowcount != len(quantities):
            raise StartOver


def last_movement(place: Place) -> int:
    """The id of the newest movement of the place; 0 where nothing ever moved."""
    last = _movements(place).order_by("-pk").values_list("pk", flat=True).first()
    return last or 0


def came_in_since(place: Place, movement_id: int) -> bool:
    """Whether goods came into the place after that movement."""
    return _movements(place).filter(pk__gt=movement_id, quantity__gt=0).exists()


def _movements(place: Place) -> QuerySet[StockMovement]:
    return StockMovement.objects.filter(
        bin=place.bin_id, sku=place.sku_id, lot=place.lot_id, condition=place.condition, carton=place.carton_id
    )
