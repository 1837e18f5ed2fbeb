"""Stock as its merchant sees it: what is there, what is promised, and what is still on its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Sum

from inbound.models import Asn, AsnLine
from inventory import warehouses
from inventory.models import Availability, BinKind, Condition, Sku, StockBalance, Warehouse
from wms.core.models import User

# Announced goods of these are still expected.
EXPECTED = (
    Asn.Status.SUBMITTED, Asn.Status.APPROVED, Asn.Status.IN_TRANSIT, Asn.Status.PARTLY_ARRIVED, Asn.Status.ARRIVED, Asn.Status.RECEIVING,
)  # fmt: skip


@dataclass(slots=True)
class Stock:
    """Base units of one sku in one warehouse. `incoming`: announced, not counted in."""

    on_hand: int = 0
    committed: int = 0
    backordered: int = 0
    incoming: int = 0
    damaged: int = 0

    @property
    def available(self) -> int:
        """What can be promised; nothing where more was promised than is there."""
        return max(0, self.on_hand - self.committed)


Row = tuple[str, str, Stock]
"""Sku code, warehouse code and what there is."""

Place = tuple[int, int]
"""Sku id and warehouse id: the order in which stock is listed."""


def page(*, by: User, sku: str | None, after: Place | None, size: int) -> tuple[list[Row], Place | None]:
    """Up to `size` rows of (sku code, warehouse code, stock) after a place, and the place to go on from, None at the end.

    Of all skus, the rows that have anything; of one that is asked for by its code, a row for every active warehouse. Looks at `size`
    skus at a time, so a page may be short, or empty, before the end. Four statements, one more with a code.
    """
    skus = Sku.objects.visible_to(by)
    if sku is not None:
        skus = skus.filter(code=sku)
    if after is not None:
        skus = skus.filter(pk__gte=after[0])
    codes = dict(skus.order_by("pk").values_list("pk", "code")[: size + 1])
    seen = list(codes)[:size]
    found = _stock(by, seen)
    if sku is not None and seen:
        for warehouse_id in warehouses.open_to(by.merchant_id).values_list("pk", flat=True):
            found.setdefault((seen[0], warehouse_id), Stock())
    rows = [(place, stock) for place, stock in sorted(found.items()) if after is None or place > after]
    going_on: Place | None = None
    if len(rows) > size:
        rows = rows[:size]
        going_on = rows[-1][0]
    elif len(codes) > size:
        # Everything up to this sku was listed: go on with the next one.
        going_on = (list(codes)[size], 0)
    codes_of: dict[int, str] = dict(Warehouse.objects.filter(pk__in={place[1] for place, _stock in rows}).values_list("pk", "code"))
    return [(codes[sku_id], codes_of[warehouse_id], stock) for (sku_id, warehouse_id), stock in rows], going_on


BATCH = 1_000
# What `page` lists, of all skus at once. The three sources have no index by merchant: each is read by the merchant's skus.
_EVERYTHING = """
WITH part AS (
    SELECT a.sku_id, a.warehouse_id, a.on_hand, a.committed, a.backordered, 0 AS incoming, 0 AS damaged
    FROM inventory_sku s JOIN inventory_availability a ON a.sku_id = s.id WHERE s.merchant_id = %(merchant)s
    UNION ALL
    SELECT l.sku_id, l.warehouse_id, 0, 0, 0, l.quantity - l.received, 0
    FROM inventory_sku s JOIN inbound_asnline l ON l.sku_id = s.id JOIN inbound_asn a ON a.id = l.asn_id
    WHERE s.merchant_id = %(merchant)s AND l.quantity > l.received AND a.status = ANY(%(expected)s)
    UNION ALL
    SELECT b.sku_id, b.warehouse_id, 0, 0, 0, 0, b.on_hand
    FROM inventory_sku s JOIN inventory_stockbalance b ON b.sku_id = s.id JOIN inventory_bin p ON p.id = b.bin_id
    WHERE s.merchant_id = %(merchant)s AND b.on_hand > 0 AND b.condition = 'damaged' AND p.kind <> 'lost'
)
SELECT s.code, w.code, sum(on_hand)::bigint, sum(committed)::bigint, sum(backordered)::bigint, sum(incoming)::bigint, sum(damaged)::bigint
FROM part JOIN inventory_sku s ON s.id = part.sku_id JOIN inventory_warehouse w ON w.id = part.warehouse_id
WHERE (%(warehouse)s::text IS NULL OR w.code = %(warehouse)s) AND (%(skus)s::bigint[] IS NULL OR s.id = ANY(%(skus)s::bigint[]))
GROUP BY s.id, w.id ORDER BY s.id, w.id
"""


def everything(*, by: User, warehouse: str | None) -> Iterator[list[Row]]:
    """All rows of a merchant's user, as `page` lists them, in one warehouse or in all: one statement, fetched a batch at a time.

    The statement's transaction stays open until the last batch is taken or the iterator is closed.
    """
    assert by.merchant_id is not None, "stock is a merchant's"
    wanted = {**_wanted(by.merchant_id), "warehouse": warehouse}
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_EVERYTHING, wanted)
        while rows := cursor.fetchmany(BATCH):
            yield [(sku, place, Stock(*numbers)) for sku, place, *numbers in rows]


def of_skus(merchant_id: int, sku_ids: Sequence[int]) -> list[Row]:
    """The rows of some of a merchant's skus; others are left out. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_EVERYTHING, {**_wanted(merchant_id), "skus": list(sku_ids)})
        return [(sku, place, Stock(*numbers)) for sku, place, *numbers in cursor.fetchall()]


def _wanted(merchant_id: int) -> dict[str, Any]:
    return {"merchant": merchant_id, "warehouse": None, "skus": None, "expected": [status.value for status in EXPECTED]}


def described(row: Row) -> dict[str, str | int]:
    """As the API shows it."""
    sku, warehouse, stock = row
    return {
        "sku": sku, "warehouse": warehouse, "on_hand": stock.on_hand, "committed": stock.committed, "available": stock.available,
        "backordered": stock.backordered, "incoming": stock.incoming, "damaged": stock.damaged,
    }  # fmt: skip


def _stock(by: User, sku_ids: Sequence[int]) -> dict[Place, Stock]:
    found: dict[Place, Stock] = defaultdict(Stock)
    for sku_id, warehouse_id, on_hand, committed, backordered in (
        Availability.objects.visible_to(by)
        .filter(sku_id__in=sku_ids)
        .values_list("sku_id", "warehouse_id", "on_hand", "committed", "backordered")
    ):
        found[sku_id, warehouse_id] = Stock(on_hand, committed, backordered)
    for sku_id, warehouse_id, units in (
        AsnLine.objects.visible_to(by)
        .filter(sku_id__in=sku_ids, quantity__gt=F("received"), asn__status__in=EXPECTED)
        .values_list("sku_id", "warehouse_id")
        .annotate(units=Sum(F("quantity") - F("received")))
    ):
        found[sku_id, warehouse_id].incoming = units
    for sku_id, warehouse_id, units in (
        StockBalance.objects.visible_to(by)
        .filter(sku_id__in=sku_ids, on_hand__gt=0, condition=Condition.DAMAGED)
        .exclude(bin__kind=BinKind.LOST)
        .values_list("sku_id", "warehouse_id")
        .annotate(units=Sum("on_hand"))
    ):
        found[sku_id, warehouse_id].damaged = units
    return found
