"""The board's clock: how each channel stands with its platform, what has to be released now, and what the shops have not heard of yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Min

from inventory.models import Warehouse
from marketplaces import deadlines, standings
from marketplaces.deadlines import Due
from marketplaces.models import Channel, SellerRule
from outbound.models import Order
from wms.core.models import User

NOTHING = Due(0, 0, None)


@dataclass(frozen=True, slots=True)
class Row:
    """One channel: its narrowest rule on late orders (None where its platform has none), and its open orders."""

    channel: Channel
    rule: SellerRule | None
    due: Due

    @property
    def over(self) -> int:
        return max(0, -(self.rule.room or 0)) if self.rule else 0

    @property
    def rate(self) -> Decimal | None:
        return self.rule.rate_percent if self.rule else None

    @property
    def loud(self) -> bool:
        return bool(self.due.late) or self.over > 0


def clock(warehouse: Warehouse, user: User, now: datetime, until: datetime, held: Collection[int]) -> dict[str, Any]:
    """Late channels first, then those with the least headroom, then those with the next deadline; at most a dozen, in a constant count of statements.

    `held`: the orders that wait for somebody's decision.
    """
    open_orders = deadlines.due(warehouse_id=warehouse.pk, now=now, until=until)
    rules: dict[int, SellerRule] = {}
    for rule in standings.late_rules():
        rules.setdefault(rule.channel_id, rule)
    channels = Channel.objects.visible_to(user).filter(places__warehouse=warehouse, disconnected_at=None, pk__in={*open_orders, *rules})
    rows = [Row(channel, rules.get(channel.pk), open_orders.get(channel.pk, NOTHING)) for channel in channels.select_related("merchant")]
    far = now + timedelta(days=10_000)

    def order(row: Row) -> tuple[Any, ...]:
        room = row.rule.room if row.rule and row.rule.room is not None else 10**9
        return -row.due.late, room, row.due.next_at or far, row.channel.pk

    return {
        "rows": sorted(rows, key=order)[:12],
        "untold": deadlines.untold(warehouse_id=warehouse.pk, now=now, until=until),
        "to_release": to_release(warehouse, now, held),
    }


def to_release(warehouse: Warehouse, now: datetime, held: Collection[int]) -> dict[str, Any] | None:
    """Orders that are ready, are not `held` and are late by the time the floor has shipped them, unless they are released now; None where
    there are none.
    """
    until = now + timedelta(minutes=settings.FLOOR_MINUTES)
    found = Order.objects.filter(warehouse=warehouse, status=Order.Status.READY, ship_by__gte=now, ship_by__lte=until)
    totals = found.exclude(pk__in=held).aggregate(orders=Count("pk"), first=Min("ship_by"))
    return {**totals, "until": until} if totals["orders"] else None
