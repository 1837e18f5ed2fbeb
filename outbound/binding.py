"""Binds demand to bins, late: first expired first out, then the fewest stops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from inventory import ledger
from wms.core.locking import assert_in_transaction


@dataclass(slots=True)
class Want:
    """So much of a line that has no bin yet."""

    order_id: int
    line_id: int
    merchant_id: int
    sku_id: int
    quantity: int


@dataclass(slots=True)
class Source:
    """Free good stock in a storage bin, not expired on the warehouse's own day."""

    balance_id: int
    bin_id: int
    sku_id: int
    lot_id: int | None
    carton_id: int | None
    walking_sequence: int
    expires_on: date
    free: int


@dataclass(slots=True)
class Stop:
    want: Want
    source: Source
    quantity: int


_SOURCES = """
SELECT b.id, b.bin_id, b.sku_id, b.lot_id, b.carton_id, bin.walking_sequence, coalesce(lot.expires_on, 'infinity'::date) AS expires_on,
       b.on_hand - b.reserved
FROM inventory_stockbalance b
JOIN inventory_bin bin ON bin.id = b.bin_id
JOIN inventory_warehouse w ON w.id = b.warehouse_id
LEFT JOIN inventory_lot lot ON lot.id = b.lot_id
WHERE b.warehouse_id = %s AND b.sku_id = ANY(%s) AND b.on_hand > 0 AND b.on_hand > b.reserved AND b.condition = 'good'
  AND bin.kind = 'storage' AND bin.active
  AND (lot.expires_on IS NULL OR lot.expires_on >= (now() AT TIME ZONE w.time_zone)::date)
"""


def sources(warehouse_id: int, sku_ids: Iterable[int]) -> dict[int, list[Source]]:
    """Free stock by sku id, read without locks: `bind` proves it."""
    found: dict[int, list[Source]] = {}
    with connection.cursor() as cursor:
        # psycopg2 reads 'infinity' as date.max.
        cursor.execute(_SOURCES, [warehouse_id, sorted(set(sku_ids))])
        for row in cursor.fetchall():
            found.setdefault(row[2], []).append(Source(*row))
    return found


def choose(want: Want, places: list[Source]) -> list[Stop]:
    """The stops for one line, or [] where the places do not hold enough; takes what it chose out of `places`.

    Earliest expiry first. Among goods of one expiry the smallest place that holds all that is still needed, else the largest; opened
    stock before unopened cartons, then along the walk.
    """
    stops: list[tuple[Source, int]] = []
    needed = want.quantity
    if sum(place.free for place in places) < needed:
        return []
    for expires_on in sorted({place.expires_on for place in places if place.free > 0}):
        same = [place for place in places if place.expires_on == expires_on and place.free > 0]
        while needed and same:
            holding_all = [place for place in same if place.free >= needed]
            best = (
                min(holding_all, key=lambda place: (place.carton_id is not None, place.free, place.walking_sequence, place.balance_id))
                if holding_all
                else min(same, key=lambda place: (place.carton_id is not None, -place.free, place.walking_sequence, place.balance_id))
            )
            taken = min(best.free, needed)
            stops.append((best, taken))
            needed -= taken
            same.remove(best)
        if not needed:
            break
    for place, taken in stops:
        place.free -= taken
    return [Stop(want, place, taken) for place, taken in stops]


def give_back(stops: Iterable[Stop]) -> None:
    """Undo `choose`."""
    for stop in stops:
        stop.source.free += stop.quantity


_TASKS = """
INSERT INTO outbound_picktask (warehouse_id, merchant_id, wave_id, order_id, line_id, bin_id, sku_id, lot_id, carton_id, quantity,
                               walking_sequence, status)
SELECT %s, t.merchant_id, t.wave_id, t.order_id, t.line_id, t.bin_id, t.sku_id, t.lot_id, t.carton_id, t.quantity, t.walking_sequence, 'open'
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
     AS t (wave_id, merchant_id, order_id, line_id, bin_id, sku_id, lot_id, carton_id, quantity, walking_sequence)
"""


def bind(warehouse_id: int, stops: Sequence[Stop], wave_of: dict[int, int]) -> None:
    """A step: reserve the places and write the pick tasks; `wave_of` gives the wave of each order id. Raises StartOver when a place changed."""
    assert_in_transaction("bind()")
    if not stops:
        return
    reserved: dict[int, int] = {}
    for stop in stops:
        reserved[stop.source.balance_id] = reserved.get(stop.source.balance_id, 0) + stop.quantity
    ledger.reserve(reserved)
    with connection.cursor() as cursor:
        cursor.execute(
            _TASKS,
            [
                warehouse_id,
                [wave_of[stop.want.order_id] for stop in stops],
                [stop.want.merchant_id for stop in stops],
                [stop.want.order_id for stop in stops],
                [stop.want.line_id for stop in stops],
                [stop.source.bin_id for stop in stops],
                [stop.want.sku_id for stop in stops],
                [stop.source.lot_id for stop in stops],
                [stop.source.carton_id for stop in stops],
                [stop.quantity for stop in stops],
                [stop.source.walking_sequence for stop in stops],
            ],
        )
