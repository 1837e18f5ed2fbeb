"""Which orders of ours nobody sends before a person has decided on what their shop says by now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from marketplaces.models import ChannelOrder, ChannelOrderPart
from outbound.clock import OUT
from outbound.holds import Hold
from outbound.models import Order
from wms.core import outbox

Problem = ChannelOrder.Problem

# What the shop cannot tell us may be that its order is cancelled. Of orders beside the merchant's own one that stands in its place is a problem only
# where the shop has changed it as well. The others do not concern an order that can still be sent.
HOLDING = Q(channel_order__problem__in=[Problem.CHANGED, Problem.UNPAID, Problem.CLOSED, Problem.UNREADABLE]) | Q(
    channel_order__problem=Problem.OTHER_CONTENT
) & ~Q(channel_order__problem_detail="")


def find(
    *, order_ids: Sequence[int] | None = None, warehouse_id: int | None = None, statuses: Sequence[Order.Status] = ()
) -> dict[int, Hold]:
    """settings.ORDER_HOLDS: by order id, soonest ship-by first, of these orders or of a warehouse's in these statuses.

    As long as the problem stands among the orders to look at of its channel: until a person has dealt with it or the shop takes it back.
    """
    wanted = Q(order__in=order_ids) if order_ids is not None else Q(order__warehouse=warehouse_id, order__status__in=statuses)
    # ~Q(problem="") word for word as in the index channel_order_to_look_at.
    parts = ChannelOrderPart.objects.filter(HOLDING, ~Q(channel_order__problem=""), wanted, merchants_own=False)
    parts = parts.exclude(order__status__in=OUT)
    found = parts.select_related("channel_order__channel").order_by("order__ship_by", "order")
    return {part.order_id: _hold(part.channel_order) for part in found if part.order_id is not None}


def _hold(row: ChannelOrder) -> Hold:
    return Hold(row.channel.name, row.words, row.channel_id, row.pk)


def tell(rows: Iterable[ChannelOrder]) -> None:
    """A step: the floor hears that orders of ours may be held now. `rows` are what the shop has just spoken of, with their parts loaded."""
    with_problem = [row for row in rows if row.problem]
    ours = [part.order_id for row in with_problem for part in row.parts.all() if part.order_id is not None and not part.merchants_own]
    if ours:
        outbox.emit("order.held", order_ids=ours)
