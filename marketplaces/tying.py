"""Ties the parts of a shop's orders to the orders of ours that they became: one order of ours is of one shop's order alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from marketplaces import cancelled, tracking, troubles
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from marketplaces.strays import TAKEN_FOR
from marketplaces.telling import publish
from wms.core import outbox
from wms.core.errors import NotFound

Problem = ChannelOrder.Problem

# What another worker has settled meanwhile stays as it is, and so does what the shop has said meanwhile that is for a person. Nothing is written of
# an order that was cancelled meanwhile and opened again: it is decided anew.
_TIE = """
WITH said AS (
    SELECT r.*, o.reopened <> r.reopened AS stale, r.problem IN ('', o.problem) AND (
        o.problem IN ('changed', 'unpaid', 'closed') OR o.problem = 'unreadable' AND o.problem_detail <> r.unreadable
    ) AS kept
    FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS r (id, reopened, unreadable, status, problem, detail, lines)
    JOIN marketplaces_channelorder o ON o.id = r.id
), noted AS (
    UPDATE marketplaces_channelorder o
    SET status = r.status, updated_at = now(), lines = r.lines::jsonb,
        problem = CASE WHEN r.kept THEN o.problem ELSE r.problem END, problem_detail = CASE WHEN r.kept THEN o.problem_detail ELSE r.detail END
    FROM said r
    WHERE o.id = r.id AND NOT r.stale AND (o.status IN ('seen', 'unmapped', 'refused') OR NOT EXISTS (
        SELECT FROM marketplaces_channelorderpart p WHERE p.channel_order_id = o.id AND p.order_id IS NOT NULL
    ))
), tied AS (
    INSERT INTO marketplaces_channelorderpart (channel_order_id, number, warehouse_id, reference, order_id, merchants_own, lines, ship_by)
    SELECT r.* FROM json_to_recordset(%s::json)
        AS r (channel_order_id bigint, number smallint, warehouse_id bigint, reference text, order_id bigint, merchants_own boolean, lines jsonb,
              ship_by timestamptz)
    JOIN said ON said.id = r.channel_order_id AND NOT said.stale
    ON CONFLICT (channel_order_id, number) DO UPDATE SET order_id = EXCLUDED.order_id, merchants_own = EXCLUDED.merchants_own
        WHERE marketplaces_channelorderpart.order_id IS NULL
    RETURNING channel_order_id, order_id, merchants_own, ship_by
), known AS (
    SELECT o.id, tied.channel_order_id, o.status NOT IN ('ready', 'short') AS moved_on,
           c.ship_by IS NOT NULL AND c.ship_by IS DISTINCT FROM tied.ship_by AS ship_by_moved
    FROM tied JOIN outbound_order o ON o.id = tied.order_id JOIN marketplaces_channelorder c ON c.id = tied.channel_order_id
    WHERE NOT tied.merchants_own
)
SELECT id, channel_order_id, moved_on, ship_by_moved FROM known WHERE moved_on OR ship_by_moved
UNION ALL SELECT NULL, id, FALSE, FALSE FROM said WHERE stale
"""


def tie(channel: Channel, parts_of: Mapping[ChannelOrder, Sequence[ChannelOrderPart]], unreadable: Mapping[int, str]) -> list[int]:
    """Tie the parts to their orders and tell all shops of the goods anew: what was waiting is promised now.

    `unreadable`: why the shop's word on an order could not be read when it was decided, by its key. Answers the keys of orders of ours that are
    nobody's: the shop's was cancelled while they were taken in, and opened again.
    """
    if not parts_of:
        return []
    rows = list(parts_of)
    with transaction.atomic():
        # As whoever writes down what the shop says: it has read both the row and its parts, and writes all of the row.
        hold(channel.pk)
        _take_from_others(channel, parts_of)
        _leave_to_others(parts_of)
        told: list[list[Any]] = [[row.pk for row in rows], [row.reopened for row in rows], [unreadable.get(row.pk, "") for row in rows]]
        told += [[str(row.status) for row in rows], [str(row.problem) for row in rows]]
        told += [[row.problem_detail for row in rows], [json.dumps(row.lines) for row in rows]]
        tied = [part for parts in parts_of.values() for part in parts if part.order_id is not None]
        columns = ("channel_order_id", "number", "warehouse_id", "reference", "order_id", "merchants_own", "lines", "ship_by")
        asked = json.dumps([{name: getattr(part, name) for name in columns} for part in tied], default=str)
        with connection.cursor() as cursor:
            cursor.execute(_TIE, [*told, asked])
            found = cursor.fetchall()
        _catch_up([order_id for order_id, _row, moved_on, _moved in found if moved_on])
        # What the platform has moved since the warehouse was asked.
        if moved := sorted({key for _order, key, _moved_on, ship_by_moved in found if ship_by_moved}):
            outbox.emit("ship_by.moved", rows=moved)
        # What no warehouse took is decided anew when it is tried again.
        undone = [part.pk for parts in parts_of.values() if all(part.order_id is None for part in parts) for part in parts]
        if undone:
            ChannelOrderPart.objects.filter(pk__in=undone, order=None).delete()
        publish(channel, rows)
    stale = {key for order_id, key, _moved_on, _moved in found if order_id is None}
    return [part.order_id for part in tied if part.channel_order_id in stale and part.order_id is not None and not part.merchants_own]


def _catch_up(order_ids: Sequence[int]) -> None:
    """A step: what became of these orders before they were tied is told now, when it is known whom. The floor does not wait for a worker that died
    in between.
    """
    if order_ids:
        tracking.tell_of(order_ids)
        cancelled.tell_of(order_ids)
        # What the shop has said of them was said of nobody's order.
        outbox.emit("order.held", order_ids=list(order_ids))


@transaction.atomic(durable=True)
def recognise(channel: Channel, key: int) -> None:
    """A person says: the order that has the number of this one of the shop's (a key of ChannelOrder) IS it, whatever its content. From now on it
    follows the shop's, and the shop hears of it. Raises NotFound where none was taken for the merchant's own.
    """
    hold(channel.pk)
    row = channel.orders.select_for_update(no_key=True).filter(pk=key).first()
    order_ids = list(row.parts.filter(merchants_own=True, order__isnull=False).values_list("order_id", flat=True)) if row else []
    if row is None or not order_ids:
        raise NotFound(what=str(ChannelOrder._meta.verbose_name), key=key)
    row.parts.filter(order__in=order_ids).update(merchants_own=False)
    to_leave = row.parts.filter(order__shipped_at=None).exists()
    row.problem, row.problem_detail = (
        {State.PENDING: Problem.UNPAID, State.SHIPPED: Problem.CLOSED if to_leave else ""}.get(State(row.shop_state), ""),
        "",
    )
    if (
        row.shop_state == State.CANCELLED
    ):  # the next poll finds what is to be cancelled here, also where all that was known to be the shop's is
        row.status = ChannelOrder.Status.IMPORTED
        outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, poll=True)
    row.save(update_fields=["status", "problem", "problem_detail"])
    _catch_up(order_ids)
    if row.ship_by is not None:
        outbox.emit("ship_by.moved", rows=[row.pk])


_TAKEN = f"""
SELECT p.id, o.id FROM marketplaces_channelorderpart p JOIN outbound_order o ON o.merchant_id = %s AND {TAKEN_FOR}
WHERE p.id = ANY(%s) AND p.order_id IS NULL AND o.status <> 'cancelled'
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
"""


def _take_from_others(channel: Channel, parts_of: Mapping[ChannelOrder, Sequence[ChannelOrderPart]]) -> None:
    """What the warehouse refused us, and has taken in for another worker, who is at the same parts or has died with them."""
    refused = {part.pk: part for parts in parts_of.values() for part in parts if part.order_id is None}
    if not refused:
        return
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [channel.merchant_id, list(refused)])
        for key, order_id in cursor.fetchall():
            refused[key].order_id = order_id
    for row, parts in parts_of.items():
        if row.problem == Problem.REFUSED and parts and all(part.order_id is not None for part in parts):
            row.status, row.problem, row.problem_detail = ChannelOrder.Status.IMPORTED, "", ""


def _leave_to_others(parts_of: Mapping[ChannelOrder, Sequence[ChannelOrderPart]]) -> None:
    """An order of ours is of one shop's order alone: a second one that came to the same reference is refused."""
    ids = [part.order_id for parts in parts_of.values() for part in parts if part.order_id is not None]
    tied = ChannelOrderPart.objects.filter(order__in=ids).select_related("channel_order") if ids else ()
    owners: dict[int | None, ChannelOrder] = {part.order_id: part.channel_order for part in tied}
    for row, parts in parts_of.items():
        for part in parts:
            owner = owners.setdefault(part.order_id, row) if part.order_id is not None else row
            if owner.pk != row.pk:
                part.order = None
                row.status, row.problem = ChannelOrder.Status.REFUSED, ChannelOrder.Problem.REFUSED
                row.problem_detail = troubles.number_twice(owner.external_id)


_TIE_TAKEN = f"""
UPDATE marketplaces_channelorderpart p SET order_id = o.id FROM outbound_order o
WHERE p.channel_order_id = %s AND p.order_id IS NULL AND o.merchant_id = %s AND {TAKEN_FOR}
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
RETURNING o.id
"""


def tie_taken(row: ChannelOrder) -> bool:
    """A step, with the channel held: tie to the order what was taken in for its parts; answers whether any part of it is tied now."""
    with connection.cursor() as cursor:
        cursor.execute(_TIE_TAKEN, [row.pk, row.merchant_id])
        _catch_up([order_id for (order_id,) in cursor.fetchall()])
    return row.parts.filter(order__isnull=False).exists()


# A worker that died between taking an order in and tying it.
_ADOPT = f"""
UPDATE marketplaces_channelorderpart p SET order_id = o.id
FROM marketplaces_channelorder c JOIN outbound_order o ON o.merchant_id = c.merchant_id
WHERE c.id = p.channel_order_id AND p.order_id IS NULL AND {TAKEN_FOR}
  AND c.channel_id = %(channel)s AND (c.shop_state <> 'open' OR c.status = 'cancelling') AND (%(keys)s::bigint[] IS NULL OR c.id = ANY(%(keys)s::bigint[]))
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
RETURNING c.id, o.id
"""


def adopt(channel: Channel, keys: Sequence[int] | None = None) -> list[int]:
    """Tie orders that were taken in for parts which the shop has closed meanwhile; answers the keys of its orders, which are to be settled."""
    with transaction.atomic(), connection.cursor() as cursor:
        hold(channel.pk)
        cursor.execute(_ADOPT, {"channel": channel.pk, "keys": None if keys is None else list(keys)})
        found = cursor.fetchall()
        adopted = sorted({key for key, _order_id in found})
        # Whoever dies before they are settled leaves them to the next poll, as all that is here and cancelled there.
        half_done = ChannelOrder.Status.CANCELLING
        ChannelOrder.objects.filter(pk__in=adopted).exclude(status=half_done).update(status=ChannelOrder.Status.IMPORTED)
        _catch_up([order_id for _key, order_id in found])
    return adopted
