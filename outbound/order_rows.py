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
from inventory.availability import Catalogue
from inventory.skus_by_code import Known
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


# Of `granted` (where the orders go) the statement that begins with them knows. All joins are of what stands in memory: the kept plan hashes them, for
# any number of rows.
_DRAFT_SQL = """
draft AS MATERIALIZED (
    SELECT nextval('outbound_order_id_seq') AS id,
           nextval('core_personalrecord_id_seq') AS ship_to_id, g.warehouse_id, d.*
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
# Of the drafts in `{drafts}`.
_PARTS_SQL = """
address AS (
    INSERT INTO core_personalrecord (id, merchant_id, kind, sealed)
    SELECT ship_to_id, %(merchant)s, 'ship_to', substring((SELECT decode(%(sealed)s, 'base64')) FROM sealed_from FOR sealed_bytes) FROM {drafts}
), line AS (
    INSERT INTO outbound_orderline (order_id, merchant_id, number, sku_id, quantity, shipped)
    SELECT d.id, %(merchant)s, l.number, l.sku_id, l.quantity, 0
    FROM unnest(%(line_index)s::int[], %(line_number)s::int[], %(line_sku)s::bigint[], %(line_quantity)s::bigint[])
         AS l (index, number, sku_id, quantity)
    JOIN {drafts} d ON d.index = l.index
)"""
# That a reference is there is found by its index alone: a look beforehand would read the whole table for as long as a connection keeps the plan
# that it made when there were no orders.
_INSERT = Prepared(
    "insert_orders",
    f"""
WITH granted AS (
    SELECT %(warehouse)s::bigint AS warehouse_id
), {_DRAFT_SQL}, placed AS ({_ORDER_SQL}
    ON CONFLICT (merchant_id, reference) DO NOTHING
    RETURNING id
), fresh AS MATERIALIZED (
    SELECT d.* FROM draft d JOIN placed USING (id)
), {_PARTS_SQL.format(drafts="fresh")}
SELECT index, id FROM fresh
""",
    any_number=True,
)
_TAKE = Prepared(
    "take_for_orders",
    f"""
WITH {availability.TAKE_SQL.format(unless="outbound_has_order(%(merchant)s, %(reference)s::text[])")},
{_DRAFT_SQL}, placed AS ({_ORDER_SQL}
), {_PARTS_SQL.format(drafts="draft")}
SELECT index, id, (SELECT hears_events FROM owner) FROM draft
""",
    any_number=True,
)


def take(*, merchant_id: int, warehouse_code: str, drafts: Sequence[Draft], known: Known) -> tuple[dict[int, int], bool]:
    """A step: where all that the drafts want is free and none of them came before, commit it and write them as ready: order ids by draft index,
    and whether the merchant hears of events at this moment.

    `known`: what their codes mean. Else there are no ids, and what was taken all the same is to be rolled back. Raises CameBefore.
    """
    assert_in_transaction("order_rows.take()")
    lines = _Lines.of(drafts, known.sku_ids)
    parameters = availability.taking(
        merchant_id=merchant_id, warehouse_code=warehouse_code, wanted=lines.wanted, because=lines.because, known=known
    )
    try:
        with connection.cursor() as cursor:
            _TAKE.execute(cursor, parameters | _columns(drafts, lines))
            rows = cursor.fetchall()
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise CameBefore from error
        raise
    if rows:
        outbox.nudge_after_commit(set(parameters["handlers"]))
    return {index: order_id for index, order_id, _hears in rows}, bool(rows) and rows[0][2]


def insert(
    ready: Sequence[Draft], short: Sequence[Draft], *, merchant_id: int, catalogue: Catalogue
) -> tuple[dict[int, int], dict[int, int]]:
    """A step: write the orders with lines and sealed addresses; returns order ids by draft index, of both. A reference that exists is left out.

    They are created at one moment and numbered in turn, those that have their goods first: so who looks into an oversale finds out afterwards
    who took what (marketplaces.history).
    """
    assert_in_transaction("order_rows.insert()")
    drafts = [*ready, *short]
    if not drafts:
        return {}, {}
    place = {"merchant": merchant_id, "warehouse": catalogue.warehouse_id}
    with connection.cursor() as cursor:
        _INSERT.execute(cursor, place | _columns(drafts, _Lines.of(drafts, catalogue.sku_ids), short))
        ids = dict(cursor.fetchall())
    of_both = [{draft.index: ids[draft.index] for draft in drafts if draft.index in ids} for drafts in (ready, short)]
    return of_both[0], of_both[1]


@dataclass(slots=True)
class _Lines:
    """The lines of drafts in columns, with the units of each draft; and what they want in all: base units by code, and the document that wants it last."""

    index: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    sku: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    wanted: dict[str, int] = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, drafts: Sequence[Draft], sku_ids: Mapping[str, int]) -> _Lines:
        lines = cls()
        wanted, because = lines.wanted, lines.because
        for draft in drafts:
            document, units, count = f"order {draft.order.reference}", 0, len(draft.order.lines)
            for code, quantity in draft.order.lines:
                lines.sku.append(sku_ids[code])
                lines.quantity.append(quantity)
                units += quantity
                wanted[code] = wanted.get(code, 0) + quantity
                because[code] = document
            lines.index += [draft.index] * count
            lines.number += range(1, count + 1)
            lines.units.append(units)
        return lines


def _columns(drafts: Sequence[Draft], lines: _Lines, short: Sequence[Draft] = ()) -> dict[str, Any]:
    """The parameters of the statements above; `short` are those of the drafts that lack their goods."""
    orders = [draft.order for draft in drafts]
    sizes = [len(draft.sealed) for draft in drafts]
    return {
        "short": [draft.index for draft in short],
        "index": [draft.index for draft in drafts],
        "reference": [order.reference for order in orders],
        "kind": [str(order.kind) for order in orders],
        "service": [order.service for order in orders],
        "ship_by": [draft.ship_by for draft in drafts],
        "country": [order.ship_to.get("country", "") for order in orders],
        "hash": [draft.content_hash for draft in drafts],
        "units": lines.units,
        "taken_for": [order.taken_for for order in orders],
        "sealed": b64encode(b"".join([draft.sealed for draft in drafts])).decode(),
        "sealed_from": list(accumulate(sizes[:-1], initial=1)),
        "sealed_bytes": sizes,
        "line_index": lines.index,
        "line_number": lines.number,
        "line_sku": lines.sku,
        "line_quantity": lines.quantity,
    }
