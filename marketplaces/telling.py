"""Events by which shops are told numbers: one for what nobody waits to tell already, so that changes coalesce and a shop that is down heaps up none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from marketplaces import expansion, push_log
from marketplaces.models import Channel, ChannelOrder
from marketplaces.push_log import LONGEST_CAUSE, Since
from wms.core import outbox
from wms.core.prepared import array_literal

EVENT_LISTINGS = 1000

Where = tuple[int, str]
"""A channel's key, and one of its shop's places; empty for all of them."""

# What stands in an event that waits need not stand in a second one: its handler will tell the number of that moment. True only of one
# that nobody has in hand (no lease: a worker whose lease ran out may still forget it), that is locked here, so that whoever claims it
# does so after our commit and sees what we changed, and that is due no later than the shop may be called again. An event without a location is
# about all places.
_UNTOLD = """
WITH waiting AS MATERIALIZED (
    SELECT e.payload, e.payload ->> 'location' AS location
    FROM core_outboxevent e JOIN marketplaces_channel c ON c.id = (e.payload ->> 'channel_id')::bigint
    WHERE e.handler = ANY(%(handlers)s) AND e.dead_at IS NULL AND e.lease_until IS NULL
      AND e.due_at <= greatest(now() + make_interval(secs => %(wait)s), c.quiet_until) + interval '1 second'
    {lock}
), told AS (
    SELECT listing::bigint AS id, location FROM waiting CROSS JOIN jsonb_array_elements_text(payload -> 'listing_ids') AS listing
)
SELECT wanted.channel_id, coalesce(wanted.location, ''), array_agg(wanted.listing_id ORDER BY wanted.listing_id)
FROM unnest(%(channels)s::bigint[], %(listings)s::bigint[], %(locations)s::text[]) AS wanted (channel_id, listing_id, location)
WHERE wanted.listing_id NOT IN (SELECT id FROM told WHERE location IS NULL)
  AND (wanted.location IS NULL OR (wanted.listing_id, wanted.location) NOT IN (SELECT id, location FROM told WHERE location IS NOT NULL))
GROUP BY 1, 2
"""
_LOCK = "FOR UPDATE OF e SKIP LOCKED"
_HANDLER = "marketplaces.stock_sync.push_stale"


def lane(channel_id: int) -> str:
    """The outbox's handler that tells this channel's shop its numbers."""
    return f"{_HANDLER}:{channel_id}"


def have_told(wanted: Mapping[Where, Mapping[int, Since]], wait_s: float = 0.0, **more: Any) -> None:
    """A step: events for these listings by channel and place, but for those that wait in one already: a shop that is down heaps up none.

    They are due in `wait_s` seconds; `more` says why they wait.
    """
    pairs = [(channel_id, listing_id) for (channel_id, _location), since in wanted.items() for listing_id in since]
    if not pairs:
        return
    handlers = {channel_id: lane(channel_id) for channel_id, _location in wanted}
    locations = None
    if any(location for _channel_id, location in wanted):
        locations = array_literal([location or None for (_channel_id, location), since in wanted.items() for _listing_id in since])
    with connection.cursor() as cursor:
        cursor.execute(
            _UNTOLD.format(lock=_LOCK),
            {
                "handlers": list(handlers.values()),
                "channels": array_literal([channel_id for channel_id, _listing_id in pairs]),
                "listings": array_literal([listing_id for _channel_id, listing_id in pairs]),
                "locations": locations,
                "wait": wait_s,
            },
        )
        untold = {(channel_id, location): listing_ids for channel_id, location, listing_ids in cursor.fetchall()}
    events = [event for where, listing_ids in untold.items() for event in _events(where, listing_ids, wanted[where], more)]
    if wait_s:
        outbox.emit_all_later(wait_s, events)
        return
    outbox.emit_all(events)
    # Whoever looked meanwhile has passed over what is locked.
    heard = {channel_id for channel_id, _location in untold}
    outbox.nudge_after_commit({handler for channel_id, handler in handlers.items() if channel_id not in heard})


def _events(
    where: Where, listing_ids: Sequence[int], since: Mapping[int, Since], more: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    channel_id, location = where
    more = {**more, "location": location} if location else more
    parts = [listing_ids[start : start + EVENT_LISTINGS] for start in range(0, len(listing_ids), EVENT_LISTINGS)]
    return [
        ("channel.stale", {"lane": channel_id, "channel_id": channel_id, **push_log.in_payload({key: since[key] for key in part}), **more})
        for part in parts
    ]


def publish(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    """A step: the numbers of these orders' goods have to be told again, where the shop says which place sends them at that place."""
    numbers = [row.number or row.external_id for row in rows]
    because, at = f"shop's order {', '.join(numbers[:3])}"[:LONGEST_CAUSE], round(time.time(), 3)
    goods: dict[int, set[int]] = {house.pk: set() for house in channel.houses}
    for row in rows:
        for line in row.lines:
            named = channel.locations.get(line.get("location", ""))
            for house_id in [named] if named else goods:
                goods[house_id].update(expansion.sku_ids([line]))
    outbox.emit_all(
        [
            (
                "stock.changed",
                {
                    "warehouse_id": house_id,
                    "sku_ids": sorted(sku_ids),
                    "at": at,
                    "by": [0] * len(sku_ids),
                    "because": [because] * len(sku_ids),
                },
            )
            for house_id, sku_ids in goods.items()
            if sku_ids
        ]
    )
