"""What can be promised of each sku: the only writer of Availability. Every change of what shops are told leaves an event."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from inventory.skus_by_code import Known
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
    ORDER BY a.sku_id FOR UPDATE OF a
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
WHERE warehouse_id = %s AND sku_id = ANY(%s) ORDER BY sku_id FOR UPDATE
"""


def lock(warehouse_id: int, sku_ids: Iterable[int]) -> dict[int, Offer]:
    """A step: lock the rows in key order and say what is free. A sku without a row has nothing and is left out."""
    assert_in_transaction("availability.lock()")
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [warehouse_id, sorted(set(sku_ids))])
        return {sku_id: Offer(sku_id, free, backordered) for sku_id, free, backordered in cursor.fetchall()}


@dataclass(slots=True)
class Catalogue:
    """What a merchant's codes mean in a warehouse, and the locked rows by sku id. `warehouse_id` is None for an unknown one, `version` for a merchant
    who never had a sku; `hears_events`: whether the merchant does at this moment.
    """

    warehouse_id: int | None
    version: UUID | None
    hears_events: bool
    sku_ids: dict[str, int]
    offers: dict[int, Offer]


# Whether there is such a warehouse for the merchant's goods. The plans are right for any number of skus: planning would cost as much as running for 300.
_HOUSE_SQL = """
owner AS MATERIALIZED (
    SELECT sandbox, hears_events FROM core_merchant WHERE id = %(merchant)s FOR KEY SHARE
), house AS MATERIALIZED (
    SELECT w.id FROM owner JOIN inventory_warehouse w ON w.sandbox = owner.sandbox WHERE w.code = %(warehouse)s AND (w.active OR w.sandbox)
)"""
# How a statement begins that writes what takes the goods along with taking them (outbound.order_rows): it commits what is wanted of each sku, where
# nobody need wait for it. `granted` has one row where that was all, the merchant's skus are those that they were when the codes were looked up, and
# `{unless}` does not hold; else none: then it has to be rolled back. The rows come as their index has them or as the skus are given, which both is the
# order in which rows are locked (wms.core.locking); one that somebody else is changing is looked at again when he has done. The 0 keeps to one walk
# along the index: else a kept plan may look into it for each sku by itself.
TAKE_SQL = f"""{_HOUSE_SQL}, here AS MATERIALIZED (
    SELECT house.id FROM house, inventory_catalogueversion v WHERE v.merchant_id = %(merchant)s AND v.version = %(version)s::uuid
), taken AS (
    UPDATE inventory_availability a SET committed = a.committed + w.quantity
    FROM unnest(%(skus)s::bigint[], %(quantities)s::bigint[]) AS w (sku_id, quantity)
    WHERE a.warehouse_id = (SELECT id FROM here) AND a.sku_id = ANY(%(skus)s::bigint[]) AND a.sku_id + 0 = w.sku_id
      AND a.on_hand - a.committed - a.backordered >= w.quantity
    RETURNING a.sku_id
), granted AS MATERIALIZED (
    SELECT (SELECT id FROM here) AS warehouse_id FROM taken HAVING count(*) = cardinality(%(skus)s::bigint[]) AND NOT {{unless}}
), told AS (
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT e.topic, e.handler, e.payload::jsonb || jsonb_build_object('warehouse_id', g.warehouse_id), 0, ''
    FROM granted g, owner, unnest(%(topics)s::text[], %(handlers)s::text[], %(payloads)s::text[]) AS e (topic, handler, payload)
    WHERE e.topic <> 'stock.told' OR owner.hears_events
)"""


def taking(*, merchant_id: int, warehouse_code: str, wanted: Mapping[str, int], because: Mapping[str, str], known: Known) -> dict[str, Any]:
    """The parameters of TAKE_SQL, each by the merchant's code: the base units, the document that wants it last ("order R-1"), which stands for all.

    It leaves the same events as change(): wake their `handlers`.
    """
    codes = sorted(wanted, key=known.sku_ids.__getitem__)
    skus, quantities = [known.sku_ids[code] for code in codes], [wanted[code] for code in codes]
    story = {"at": round(time.time(), 3), "by": [-quantity for quantity in quantities], "because": [because[code] for code in codes]}
    topics, handlers, payloads = outbox.rows([("stock.changed", {"sku_ids": skus, **story}), ("stock.told", {"sku_ids": skus})])
    return {
        "merchant": merchant_id,
        "warehouse": warehouse_code,
        "version": known.version,
        "skus": skus,
        "quantities": quantities,
        "topics": topics,
        "handlers": handlers,
        "payloads": payloads,
    }


# Columns: code, sku, warehouse, free, backordered, version of the catalogue, hears_events; first what the codes mean (one row at least where there is such a
# warehouse), then the locked rows.
_LOOK = Prepared(
    "look_up_and_lock",
    f"""
WITH {_HOUSE_SQL}, known AS MATERIALIZED (
    SELECT id, code FROM inventory_sku WHERE merchant_id = %(merchant)s AND code = ANY(%(codes)s::text[]) AND active
), locked AS MATERIALIZED (
    SELECT sku_id, on_hand - committed AS free, backordered FROM inventory_availability
    WHERE warehouse_id = (SELECT id FROM house) AND sku_id = ANY(ARRAY(SELECT id FROM known)) ORDER BY sku_id FOR UPDATE
)
SELECT k.code, k.id, h.id, NULL::bigint, NULL::bigint, (SELECT version FROM inventory_catalogueversion WHERE merchant_id = %(merchant)s),
       (SELECT hears_events FROM owner)
FROM house h LEFT JOIN known k ON true
UNION ALL
SELECT NULL, sku_id, NULL, free, backordered, NULL, NULL FROM locked
""",
    any_number=True,
)


def look(*, merchant_id: int, warehouse_code: str, codes: Iterable[str]) -> Catalogue:
    """A step: what the codes mean, with the rows of what they mean locked. Codes that the merchant does not have are left out of `sku_ids`."""
    assert_in_transaction("availability.look()")
    with connection.cursor() as cursor:
        _LOOK.execute(cursor, {"merchant": merchant_id, "warehouse": warehouse_code, "codes": sorted(codes)})
        rows = cursor.fetchall()
    found = Catalogue(None, None, False, {}, {})
    for code, sku_id, warehouse_id, free, backordered, version, hears_events in rows:
        if free is not None:
            found.offers[sku_id] = Offer(sku_id, free, backordered)
            continue
        found.warehouse_id, found.version, found.hears_events = warehouse_id, version, hears_events
        if code is not None:
            found.sku_ids[code] = sku_id
    return found
