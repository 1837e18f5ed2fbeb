"""What can be promised of each sku: the only writer of Availability. Every change of what shops are told leaves an event."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from wms.core import outbox
from wms.core.locking import assert_in_transaction
from wms.core.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Change:
    """What is added to one sku's row, in base units."""

    on_hand: int = 0
    committed: int = 0
    backordered: int = 0

    def plus(self, on_hand: int = 0, committed: int = 0, backordered: int = 0) -> Change:
        return Change(self.on_hand + on_hand, self.committed + committed, self.backordered + backordered)

    @property
    def told(self) -> int:
        """By how much the number that shops are told changes."""
        return self.on_hand - self.committed - self.backordered


# Rows are locked in key order (wms.core.locking); events go out with the same statement.
_CHANGE = Prepared(
    "change_availability",
    f"""
WITH demand AS MATERIALIZED (
    SELECT d.sku_id, d.on_hand, d.committed, d.backordered, s.merchant_id
    FROM unnest(%(skus)s::bigint[], %(on_hand)s::bigint[], %(committed)s::bigint[], %(backordered)s::bigint[])
         AS d (sku_id, on_hand, committed, backordered)
    JOIN inventory_sku s ON s.id = d.sku_id
), locked AS MATERIALIZED (
    SELECT a.id, d.sku_id, d.on_hand, d.committed, d.backordered
    FROM demand d JOIN inventory_availability a ON a.sku_id = d.sku_id AND a.warehouse_id = %(warehouse)s
    ORDER BY a.id FOR UPDATE OF a
), changed AS (
    UPDATE inventory_availability a
    SET on_hand = a.on_hand + l.on_hand, committed = a.committed + l.committed, backordered = a.backordered + l.backordered
    FROM locked l WHERE a.id = l.id
), told AS (
    {outbox.INSERT_SQL.replace("%s", "%({})s").format("topics", "handlers", "payloads")}
    WHERE topic <> 'stock.told' OR EXISTS (SELECT FROM demand d JOIN core_merchant m ON m.id = d.merchant_id AND m.hears_events)
)
INSERT INTO inventory_availability (warehouse_id, merchant_id, sku_id, on_hand, committed, backordered)
SELECT %(warehouse)s, d.merchant_id, d.sku_id, d.on_hand, d.committed, d.backordered
FROM demand d WHERE d.sku_id NOT IN (SELECT sku_id FROM locked)
ORDER BY d.sku_id
ON CONFLICT (warehouse_id, sku_id) DO UPDATE
SET on_hand = inventory_availability.on_hand + EXCLUDED.on_hand, committed = inventory_availability.committed + EXCLUDED.committed,
    backordered = inventory_availability.backordered + EXCLUDED.backordered
""",
)


def change(warehouse_id: int, changes: dict[int, Change], because: str | Mapping[int, str] = "") -> None:
    """A step: add the changes, by sku id, and tell who has to hear.

    `stock.changed`: what shops are told, `by` how much, when and `because` of what (a kind and a document, such as "order R-1", for all
    skus or by sku id); `stock.told` too, where a merchant among them hears of events. `stock.arrived`: more can be promised.
    `stock.lost`: goods are gone that may have been promised.
    """
    assert_in_transaction("availability.change()")
    wanted = {sku_id: change for sku_id, change in changes.items() if change != Change()}
    if not wanted:
        return
    told = sorted(sku_id for sku_id, change in wanted.items() if change.told)
    lost = sorted(sku_id for sku_id, change in wanted.items() if change.on_hand < min(0, change.committed))
    arrived = sorted(sku_id for sku_id, change in wanted.items() if change.on_hand > change.committed)
    events = []
    if told:
        causes = [because if isinstance(because, str) else because.get(sku_id, "") for sku_id in told]
        story = {"at": round(time.time(), 3), "by": [wanted[sku_id].told for sku_id in told], "because": causes}
        events.append(("stock.changed", {"warehouse_id": warehouse_id, "sku_ids": told, **story}))
        events.append(("stock.told", {"warehouse_id": warehouse_id, "sku_ids": told}))
    if arrived:
        events.append(("stock.arrived", {"warehouse_id": warehouse_id, "sku_ids": arrived}))
    if lost:
        events.append(("stock.lost", {"warehouse_id": warehouse_id, "sku_ids": lost}))
    topics, handlers, payloads = outbox.rows(events)
    with connection.cursor() as cursor:
        _CHANGE.execute(
            cursor,
            {
                "warehouse": warehouse_id,
                "skus": list(wanted),
                "on_hand": [change.on_hand for change in wanted.values()],
                "committed": [change.committed for change in wanted.values()],
                "backordered": [change.backordered for change in wanted.values()],
                "topics": topics,
                "handlers": handlers,
                "payloads": payloads,
            },
        )
    if handlers:
        outbox.nudge_after_commit(set(handlers))


@dataclass(slots=True)
class Offer:
    """One locked row: what is still free while a batch of orders takes from it."""

    sku_id: int
    free: int
    backordered: int


_LOCK = """
SELECT sku_id, on_hand - committed, backordered FROM inventory_availability
WHERE warehouse_id = %s AND sku_id = ANY(%s) ORDER BY id FOR UPDATE
"""


def lock(warehouse_id: int, sku_ids: Iterable[int]) -> dict[int, Offer]:
    """A step: lock the rows in key order and say what is free. A sku without a row has nothing and is left out."""
    assert_in_transaction("availability.lock()")
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [warehouse_id, sorted(set(sku_ids))])
        return {sku_id: Offer(sku_id, free, backordered) for sku_id, free, backordered in cursor.fetchall()}


class Wanted(NamedTuple):
    """Base units that somebody wants of a sku, and the document that wants them last ("order R-1"), which stands for all."""

    quantity: int
    because: str


@dataclass(slots=True)
class Catalogue:
    """What a merchant's codes mean in a warehouse, and the locked rows by sku id. `warehouse_id` is None for an unknown one."""

    warehouse_id: int | None
    sku_ids: dict[str, int]
    offers: dict[int, Offer]


# What a merchant's codes mean, and the locked rows of what is wanted, in key order. Skus and rows are each found in one walk along an index, and all
# that is joined stands in memory already: so one plan is right for any number of them, and planning it would cost as much as running it for 300 skus.
_FIND_SQL = """
owner AS MATERIALIZED (
    SELECT sandbox, hears_events FROM core_merchant WHERE id = %(merchant)s FOR KEY SHARE
), house AS MATERIALIZED (
    SELECT w.id FROM owner JOIN inventory_warehouse w ON w.sandbox = owner.sandbox WHERE w.code = %(warehouse)s AND (w.active OR w.sandbox)
), known AS MATERIALIZED (
    SELECT id, code FROM inventory_sku WHERE merchant_id = %(merchant)s AND code = ANY(%(codes)s::text[]) AND active
), wanted AS MATERIALIZED (
    SELECT h.id AS warehouse_id, k.id AS sku_id, d.place, d.quantity
    FROM house h
    LEFT JOIN unnest(%(codes)s::text[], %(quantities)s::bigint[]) WITH ORDINALITY AS d (code, quantity, place) ON true
    LEFT JOIN known k ON k.code = d.code
), locked AS MATERIALIZED (
    SELECT id, sku_id, on_hand - committed AS free, backordered FROM inventory_availability
    WHERE warehouse_id = (SELECT id FROM house) AND sku_id = ANY(ARRAY(SELECT id FROM known)) ORDER BY id FOR UPDATE
)"""
# How a statement begins that writes what takes the goods along with taking them (outbound.order_rows): it commits all that is wanted, where nobody
# need wait for any of it and `{unless}` does not hold. Then `granted` has one row, else none.
TAKE_SQL = f"""{_FIND_SQL}, claim AS MATERIALIZED (
    SELECT l.id, l.sku_id, w.warehouse_id, w.place, w.quantity, l.free - l.backordered >= w.quantity AS enough
    FROM locked l JOIN wanted w USING (sku_id)
), granted AS MATERIALIZED (
    SELECT min(warehouse_id) AS warehouse_id, jsonb_agg(sku_id ORDER BY place) AS sku_ids, jsonb_agg(-quantity ORDER BY place) AS by
    FROM claim HAVING count(*) > 0 AND count(*) FILTER (WHERE enough) = cardinality(%(codes)s::text[]) AND NOT {{unless}}
), taken AS (
    UPDATE inventory_availability a SET committed = a.committed + c.quantity
    FROM claim c, granted WHERE a.id = c.id AND a.id = ANY(ARRAY(SELECT id FROM claim))
), told AS (
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT e.topic, e.handler,
           CASE e.topic WHEN 'stock.changed' THEN e.story::jsonb || jsonb_build_object('by', g.by, 'because', %(because)s::text[]) ELSE e.story::jsonb END
           || jsonb_build_object('warehouse_id', g.warehouse_id, 'sku_ids', g.sku_ids), 0, ''
    FROM granted g, owner, unnest(%(topics)s::text[], %(handlers)s::text[], %(stories)s::text[]) AS e (topic, handler, story)
    WHERE e.topic <> 'stock.told' OR owner.hears_events
)"""


def taking(*, merchant_id: int, warehouse_code: str, wanted: Mapping[str, Wanted]) -> dict[str, Any]:
    """The parameters of TAKE_SQL; the place of a code is its place in `codes`. It leaves the same events as change(): wake their `handlers`."""
    codes = sorted(wanted)
    topics, handlers, stories = outbox.rows([("stock.changed", {"at": round(time.time(), 3)}), ("stock.told", {})])
    return {
        "merchant": merchant_id,
        "warehouse": warehouse_code,
        "codes": codes,
        "quantities": [wanted[code].quantity for code in codes],
        "because": [wanted[code].because for code in codes],
        "topics": topics,
        "handlers": handlers,
        "stories": stories,
    }


# Columns: the code's place (from 1), sku, warehouse, free, backordered; first what the codes mean, then the locked rows.
_LOOK = Prepared(
    "look_up_and_lock",
    f"""
WITH {_FIND_SQL}
SELECT place, sku_id, warehouse_id, NULL::bigint, NULL::bigint FROM wanted
UNION ALL
SELECT NULL, sku_id, NULL, free, backordered FROM locked
""",
    any_number=True,
)


def look(*, merchant_id: int, warehouse_code: str, wanted: Mapping[str, Wanted]) -> Catalogue:
    """A step: what the codes mean, with the rows of what is wanted locked. Codes that the merchant does not have are left out of `sku_ids`."""
    assert_in_transaction("availability.look()")
    codes = sorted(wanted)
    quantities = [wanted[code].quantity for code in codes]
    with connection.cursor() as cursor:
        _LOOK.execute(cursor, {"merchant": merchant_id, "warehouse": warehouse_code, "codes": codes, "quantities": quantities})
        rows = cursor.fetchall()
    found = Catalogue(None, {}, {})
    for place, sku_id, warehouse_id, free, backordered in rows:
        if free is not None:
            found.offers[sku_id] = Offer(sku_id, free, backordered)
            continue
        found.warehouse_id = warehouse_id
        if sku_id is not None and place is not None:
            found.sku_ids[codes[place - 1]] = sku_id
    return found
