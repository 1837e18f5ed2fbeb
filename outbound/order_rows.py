"""Writes the rows of new orders: one statement for any number of orders and lines."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection
from psycopg2.errors import UniqueViolation

from inventory import availability
from inventory.availability import Catalogue, Wanted
from wms.core import outbox
from wms.core.locking import assert_in_transaction
from wms.core.prepared import Prepared

if TYPE_CHECKING:
    from outbound.orders import NewOrder


@dataclass(slots=True)
class Draft:
    """An order on its way in. `index` is its place in the request, `demand` its base units by sku id, once its codes are known."""

    index: int
    order: NewOrder
    ship_by: datetime
    content_hash: str
    sealed: bytes
    demand: dict[int, int] = field(default_factory=dict)


class CameBefore(Exception):
    """Another request was faster with one of the references: nothing was written."""


# Of `granted` (where the orders go) and `wanted` (which sku stands at which place) the statement that begins with them knows.
# All joins are of what stands in memory: the kept plan hashes them, for any number of rows.
_DRAFT_SQL = """
draft AS MATERIALIZED (
    SELECT nextval((SELECT pg_get_serial_sequence('outbound_order', 'id')::regclass)) AS id,
           nextval((SELECT pg_get_serial_sequence('core_personalrecord', 'id')::regclass)) AS ship_to_id, g.warehouse_id, d.*,
           substring((SELECT decode(%(sealed)s, 'base64')) FROM d.sealed_from FOR d.sealed_bytes) AS sealed
    FROM granted g, unnest(%(index)s::int[], %(reference)s::text[], %(kind)s::text[], %(service)s::text[], %(ship_by)s::timestamptz[],
                           %(country)s::text[], %(hash)s::text[], %(units)s::bigint[], %(taken_for)s::bigint[], %(sealed_from)s::int[], %(sealed_bytes)s::int[])
         AS d (index, reference, kind, service, ship_by, country, content_hash, unit_count, taken_for, sealed_from, sealed_bytes)
)"""
# In the order of the unique key (merchant, reference), so that two batches with the same references cannot deadlock.
_ORDER_SQL = """
INSERT INTO outbound_order (id, merchant_id, warehouse_id, reference, status, kind, service, ship_by, ship_to_id, country, content_hash, unit_count,
                            taken_for)
SELECT id, %(merchant)s, warehouse_id, reference, CASE WHEN index = ANY(%(short)s::int[]) THEN 'short' ELSE 'ready' END, kind, service,
       ship_by, ship_to_id, country, content_hash, unit_count, taken_for
FROM draft ORDER BY reference"""
# Of the drafts in `fresh`.
_PARTS_SQL = """
address AS (
    INSERT INTO core_personalrecord (id, merchant_id, kind, sealed)
    SELECT ship_to_id, %(merchant)s, 'ship_to', sealed FROM fresh
), line AS (
    INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
    SELECT d.id, %(merchant)s, l.number, w.sku_id, l.quantity, 0
    FROM unnest(%(line_index)s::int[], %(line_number)s::int[], %(line_place)s::bigint[], %(line_quantity)s::bigint[])
         AS l (index, number, place, quantity)
    JOIN fresh d ON d.index = l.index JOIN wanted w ON w.place = l.place
)"""
# That a reference is there is found by its index alone: a look beforehand would read the whole table for as long as a connection keeps the plan
# that it made when there were no orders.
_INSERT = Prepared(
    "insert_orders",
    f"""
WITH granted AS (
    SELECT %(warehouse)s::bigint AS warehouse_id
), wanted AS (
    SELECT w.place, w.sku_id FROM unnest(%(skus)s::bigint[]) WITH ORDINALITY AS w (sku_id, place)
), {_DRAFT_SQL}, placed AS ({_ORDER_SQL}
    ON CONFLICT (merchant_id, reference) DO NOTHING
    RETURNING id
), fresh AS MATERIALIZED (
    SELECT d.* FROM draft d JOIN placed USING (id)
), {_PARTS_SQL}
SELECT index, id FROM fresh
""",
    any_number=True,
)
_TAKE = Prepared(
    "take_for_orders",
    f"""
WITH {availability.TAKE_SQL.format(unless="outbound_has_order(%(merchant)s, %(reference)s::text[])")},
{_DRAFT_SQL}, placed AS ({_ORDER_SQL}
), {_PARTS_SQL.replace("fresh", "draft")}
SELECT index, id FROM draft
""",
    any_number=True,
)


def take(*, merchant_id: int, warehouse_code: str, wanted: Mapping[str, Wanted], drafts: Sequence[Draft]) -> dict[int, int]:
    """Where all that the drafts want is free and none of them came before, commit it and write them as ready: order ids by draft index.

    Else nothing is written and the answer is empty. One statement, so whole also without a transaction around it. Raises CameBefore.
    """
    parameters = availability.taking(merchant_id=merchant_id, warehouse_code=warehouse_code, wanted=wanted)
    try:
        with connection.cursor() as cursor:
            _TAKE.execute(cursor, parameters | _columns(drafts, [], parameters["codes"]))
            ids: dict[int, int] = dict(cursor.fetchall())
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise CameBefore from error
        raise
    if ids:
        outbox.nudge_after_commit(set(parameters["handlers"]))
    return ids


def insert(
    ready: Sequence[Draft], short: Sequence[Draft], *, merchant_id: int, catalogue: Catalogue
) -> tuple[dict[int, int], dict[int, int]]:
    """A step: write the orders with lines and sealed addresses; returns order ids by draft index, of both. A reference that exists is left out.

    They are created at one moment and numbered in turn, those that have their goods first: so who looks into an oversale finds out afterwards
    who took what (marketplaces.history).
    """
    assert_in_transaction("order_rows.insert()")
    if not ready and not short:
        return {}, {}
    place = {"merchant": merchant_id, "warehouse": catalogue.warehouse_id, "skus": list(catalogue.sku_ids.values())}
    with connection.cursor() as cursor:
        _INSERT.execute(cursor, place | _columns([*ready, *short], short, list(catalogue.sku_ids)))
        ids = dict(cursor.fetchall())
    of_both = [{draft.index: ids[draft.index] for draft in drafts if draft.index in ids} for drafts in (ready, short)]
    return of_both[0], of_both[1]


def _columns(drafts: Sequence[Draft], short: Sequence[Draft], codes: Sequence[str]) -> dict[str, Any]:
    """The parameters of the statements above; `short` are those of the drafts that lack their goods. A line says at which place of `codes` its sku
    stands, from 1.
    """
    places = {code: place for place, code in enumerate(codes, 1)}
    orders = [draft.order for draft in drafts]
    sizes = [len(draft.sealed) for draft in drafts]
    lines = [(draft.index, number, places[line.sku], line.quantity) for draft in drafts for number, line in enumerate(draft.order.lines, 1)]
    return {
        "short": [draft.index for draft in short],
        "index": [draft.index for draft in drafts],
        "reference": [order.reference for order in orders],
        "kind": [str(order.kind) for order in orders],
        "service": [order.service for order in orders],
        "ship_by": [draft.ship_by for draft in drafts],
        "country": [order.ship_to.get("country", "") for order in orders],
        "hash": [draft.content_hash for draft in drafts],
        "units": [sum(line.quantity for line in order.lines) for order in orders],
        "taken_for": [order.taken_for for order in orders],
        "sealed": b64encode(b"".join([draft.sealed for draft in drafts])).decode(),
        "sealed_from": list(accumulate(sizes[:-1], initial=1)),
        "sealed_bytes": sizes,
        "line_index": [line[0] for line in lines],
        "line_number": [line[1] for line in lines],
        "line_place": [line[2] for line in lines],
        "line_quantity": [line[3] for line in lines],
    }
