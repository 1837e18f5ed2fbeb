"""Orders of ours that nobody waits for: a worker took them in for parts that its shop's order is no longer made of, and did not live to see that."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from marketplaces.models import Channel, ChannelOrderPart
from outbound import cancellation
from wms.core import outbox
from wms.core.transitions import NotPossibleNow

log = logging.getLogger(__name__)

# Of a part p, planned and not tied, and an order o of its merchant's: a worker took it in for that. What the merchant enters by himself under the
# reference is taken in for none. The reference is what has an index.
TAKEN_FOR = "o.reference = p.reference AND o.taken_for = p.id"

# By then a worker that decided on them is done, or dead.
LATEST_S = outbox.LEASE_SECONDS + 60.0

_STRAYS = f"""
SELECT o.id FROM unnest(%s::bigint[], %s::text[]) AS p (id, reference)
JOIN outbound_order o ON o.merchant_id = %s AND {TAKEN_FOR}
WHERE o.status <> 'cancelled' AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id) ORDER BY o.id
"""


def forget(channel_id: int, parts: QuerySet[ChannelOrderPart]) -> None:
    """A step: the shop's orders are no longer made of these parts. What was taken in for one that is not tied, or is by a worker that is at it, is
    cancelled.
    """
    planned = list(parts.filter(order=None).values_list("pk", "reference"))
    parts.delete()
    if not planned:
        return
    about = {"channel_id": channel_id, "planned": planned}
    outbox.emit("parts.forgotten", **about)
    outbox.emit_later(LATEST_S, "parts.forgotten", **about)


def look(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `parts.forgotten` {channel_id, planned: [[the part's key, its reference]]}."""
    for payload in payloads:
        channel = Channel.objects.select_related("user").filter(pk=payload["channel_id"]).first()
        if channel is None:
            continue
        part_ids, references = zip(*payload["planned"], strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_STRAYS, [list(part_ids), list(references), channel.merchant_id])
            found = [order_id for (order_id,) in cursor.fetchall()]
        cancel(channel, found)


def cancel(channel: Channel, order_ids: Iterable[int]) -> None:
    """Each in a transaction of its own; what has left is let be."""
    for order_id in order_ids:
        try:
            cancellation.cancel(order_id=order_id, by=channel.user)
        except (cancellation.AlreadyLeft, NotPossibleNow) as refusal:
            log.warning("channel %s: an order that no shop's order waits for has left: %s", channel.pk, refusal)
