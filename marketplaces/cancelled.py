"""What the warehouse cancelled by itself is told to the shops that want to hear of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from marketplaces import untold_cancellations
from marketplaces.calling import SHOWN_AFTER, Turn, aside_s, one_by_one
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart, UntoldCancellation
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, Marketplace
from marketplaces.telling import publish
from outbound.models import Order
from wms.core import outbox
from wms.core.models import OutboxEvent

log = logging.getLogger(__name__)

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
EVENT_ORDERS = 100

# All parts of it: what is still to come, or has left, is not cancelled; nor is it with the merchant's own order of that number. One that is cancelled
# in the shop as well is where it came from, and so is one that the shop has opened again while ours was being cancelled for it.
_CHANNELS = """
SELECT c.channel_id, array_agg(DISTINCT c.id ORDER BY c.id) FROM marketplaces_channelorder c
JOIN marketplaces_channelorderpart p ON p.channel_order_id = c.id JOIN outbound_order o ON o.id = p.order_id AND o.status = 'cancelled'
WHERE c.shop_state = 'open' AND c.status <> 'cancelling' AND (o.id = ANY(%(orders)s) OR c.channel_id = %(channel)s) AND NOT EXISTS (
    SELECT FROM marketplaces_channelorderpart x LEFT JOIN outbound_order y ON y.id = x.order_id
    WHERE x.channel_order_id = c.id AND (y.status IS DISTINCT FROM 'cancelled' OR x.merchants_own)
)
GROUP BY 1
"""


def tell_shops(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `order.cancelled` {order_id}: one event for each shop that has to hear. No network here."""
    with transaction.atomic():
        _tell([payload["order_id"] for payload in payloads], None)


def tell_of(order_ids: Sequence[int]) -> None:
    """A step: have the shops of these orders told of those that are cancelled."""
    _tell(order_ids, None)


def catch_up(channel: Channel) -> None:
    """A step: have the shop told of all that it still takes for open."""
    _tell([], channel.pk)


def _tell(order_ids: Sequence[int], channel_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS, {"orders": list(order_ids), "channel": channel_id})
        found = cursor.fetchall()
    outbox.emit_all([event for key, rows in found for event in _events(key, rows)])


def _events(channel_id: int, keys: Sequence[int], **more: Any) -> list[tuple[str, dict[str, Any]]]:
    parts = [list(keys[start : start + EVENT_ORDERS]) for start in range(0, len(keys), EVENT_ORDERS)]
    return [("order.withdrawn", {"lane": channel_id, "channel_id": channel_id, "rows": part, **more}) for part in parts]


def tell(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `order.withdrawn` {channel_id, rows, failed: how often the shop broke down at these, since: when it did first}, one channel's
    events at a time.

    Raises ChannelQuiet: try again later.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"], active=True).first()
    if channel is None:  # resuming catches up
        return
    wanted = {key for payload in payloads for key in payload["rows"]}
    aside = {payload["rows"][0]: payload for payload in payloads if "failed" in payload}
    rows = list(_to_tell(channel, wanted))
    untold_cancellations.forget(wanted - {row.pk for row in rows})
    turn = one_by_one(channel, rows, lambda shop, row: _cancel(channel, shop, row), BUDGET_S)
    with transaction.atomic():
        later = _events(channel.pk, [row.pk for row in turn.left])
        outbox.emit_all_later(turn.wait_s, later, tried=1) if turn.wait_s else outbox.emit_all(later)
        for row, error in turn.failed.items():
            _put_aside(channel, row, error, aside.get(row.pk, {}), turn)


def _to_tell(channel: Channel, keys: set[int]) -> QuerySet[ChannelOrder]:
    gone = Q(order__status=Order.Status.CANCELLED, merchants_own=False)
    others = ChannelOrderPart.objects.exclude(gone).filter(channel_order=OuterRef("pk"))
    given_up = UntoldCancellation.objects.current().filter(channel_order=OuterRef("pk"), given_up_at__isnull=False)
    found = channel.orders.filter(~Exists(others), ~Exists(given_up), pk__in=keys, shop_state="open", parts__isnull=False)
    return found.exclude(status=ChannelOrder.Status.CANCELLING).distinct().order_by("pk")


def _put_aside(channel: Channel, row: ChannelOrder, error: ChannelUnavailable, before: dict[str, Any], turn: Turn[ChannelOrder]) -> None:
    """A step: what the shop breaks down at holds up no other, and waits once. While the shop is in trouble as a whole that says nothing; one at which it
    does so again and again is shown to people, and told on.
    """
    waiting = OutboxEvent.objects.filter(
        handler=f"{untold_cancellations.HANDLER}:{channel.pk}", dead_at=None, lease_until=None, payload__rows=[row.pk]
    )
    # Where it is told beside that, as all of a channel that goes on are, what waits remembers.
    known = [before, *waiting.values_list("payload", flat=True)]
    failed = max(payload.get("failed", 0) for payload in known) + turn.well
    since = min((payload["since"] for payload in known if "since" in payload), default=timezone.now().isoformat())
    if failed >= SHOWN_AFTER or (turn.well and untold_cancellations.is_shown(row)):
        untold_cancellations.note(row, error, since=datetime.fromisoformat(since))
    waiting.delete()
    outbox.emit_all_later(aside_s(failed, turn.wait_s), _events(channel.pk, [row.pk], failed=failed, since=since), tried=1)


def _cancel(channel: Channel, shop: Marketplace, row: ChannelOrder) -> None:
    if not shop.capabilities.hears_cancellations:
        return
    try:
        shop.cancel(row.external_id)
    except (ChannelUnavailable, CredentialsRefused):
        raise
    except ChannelRefused as refusal:  # useless to repeat: shipped or deleted there, which the shop will say, or for a person to look at
        log.warning("channel %s: order %s cannot be cancelled there: %s", channel.pk, row.external_id, refusal)
        if not refusal.over:
            untold_cancellations.note(row, refusal, since=timezone.now())
    else:
        untold_cancellations.forget([row.pk])
    # It may have put the goods back on sale beside the number that it was told when they became free.
    with transaction.atomic():
        publish(channel, [row])
