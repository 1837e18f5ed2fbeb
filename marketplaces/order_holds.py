"""Which orders of ours nobody sends before a person has decided on what their shop says by now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from marketplaces.models import ChannelOrder
from marketplaces.strays import TAKEN_FOR
from outbound.clock import OUT
from outbound.holds import Hold
from outbound.models import Order
from wms.core import outbox
from wms.core.prepared import Prepared

# What the shop cannot tell us may be that its order is cancelled. Of orders beside the merchant's own one that stands in its place is a problem only
# where the shop has changed it as well. The other problems do not concern an order that can still be sent.
_TO_DECIDE = """
NOT (c.problem = '') AND (c.problem IN ('changed', 'unpaid', 'closed', 'unreadable') OR c.problem = 'other_content' AND NOT (c.problem_detail = ''))
"""
# What is cancelled in the shop and not here yet is about to be.
_TO_CANCEL = "(c.status = 'imported' AND c.shop_state = 'cancelled' OR c.status = 'cancelling')"
# Of one that is taken in and not tied yet all that the shop has said since its first word stands on its own row alone: nobody has looked at it.
# Materialized so that all are found once, and not once for each order that is open.
_FIND = f"""
WITH held AS MATERIALIZED (
    SELECT p.order_id, p.channel_order_id FROM marketplaces_channelorderpart p
    JOIN marketplaces_channelorder c ON c.id = p.channel_order_id JOIN outbound_order o ON o.id = p.order_id
    WHERE NOT p.merchants_own AND {{held}} AND {{wanted}}
    UNION ALL
    SELECT o.id, p.channel_order_id FROM marketplaces_channelorderpart p
    JOIN marketplaces_channelorder c ON c.id = p.channel_order_id JOIN outbound_order o ON o.merchant_id = c.merchant_id AND {TAKEN_FOR}
    WHERE p.order_id IS NULL AND (c.cancellation_requested OR NOT (c.problem = '') OR c.shop_state <> 'open') AND {{wanted}}
      AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
)
SELECT {{told}} FROM held
JOIN outbound_order o ON o.id = held.order_id JOIN marketplaces_channelorder c ON c.id = held.channel_order_id
JOIN marketplaces_channel h ON h.id = c.channel_id
WHERE o.status NOT IN ({", ".join(f"'{status}'" for status in sorted(OUT))}) ORDER BY o.ship_by, o.id
"""
_TOLD = "h.name, c.channel_id, c.id, c.problem, c.problem_detail, c.lines, c.cancellation_requested"
_OF_ANY = f"({_TO_DECIDE} OR {_TO_CANCEL})"
# Of one order for every parcel that is packed or shipped: its plan costs ten times what it does.
_OF_ORDERS: Final = Prepared("order_holds", _FIND.format(told=f"o.id, {_TOLD}", held=_OF_ANY, wanted="o.id = ANY(%(orders)s::bigint[])"))
# Each of the two by an index of its own (channel_order_to_look_at, channel_order_to_cancel). They stand in an array so that they are found first: the
# planner takes them for many, as most orders are imported, and would read all parts that there ever were.
_OF_ALL = f"""
p.channel_order_id = ANY(ARRAY(
    SELECT c.id FROM marketplaces_channelorder c WHERE {_TO_DECIDE} UNION SELECT c.id FROM marketplaces_channelorder c WHERE {_TO_CANCEL}
))
"""
_IN_WAREHOUSE = _FIND.format(told=f"o.id, {_TOLD}", held=_OF_ALL, wanted="o.warehouse_id = %(warehouse)s AND o.status = ANY(%(statuses)s)")


def find(
    *, order_ids: Sequence[int] | None = None, warehouse_id: int | None = None, statuses: Sequence[Order.Status] = ()
) -> dict[int, Hold]:
    """settings.ORDER_HOLDS: by order id, soonest ship-by first, of these orders or of a warehouse's in these statuses.

    As long as the problem stands among the orders to look at of its channel: until a person has dealt with it or the shop takes it back. Or until an
    order that is cancelled in the shop is cancelled here, too.
    """
    with connection.cursor() as cursor:
        if order_ids is None:
            told = {"warehouse": warehouse_id, "statuses": [str(status) for status in statuses]}
            cursor.execute(_IN_WAREHOUSE, told)
        else:
            _OF_ORDERS.execute(cursor, {"orders": list(order_ids)})
        return {order_id: _hold(*told) for order_id, *told in cursor.fetchall()}


def column(order: str) -> str:
    """settings.ORDER_HOLDS: SQL that read() takes, NULL where nothing holds the order whose id `order` is there. Not for an `order` of a table that
    is called p, c, o, x, h or held.
    """
    told = "json_build_array(h.name, c.channel_id, c.id, c.problem, c.problem_detail, c.lines::text, c.cancellation_requested)::text"
    return f"({_FIND.format(told=told, held=_OF_ANY, wanted=f'o.id = {order}')} LIMIT 1)"


def read(told: str) -> Hold:
    """settings.ORDER_HOLDS: what column() found."""
    return _hold(*json.loads(told))


def _hold(shop: str, channel_id: int, key: int, problem: str, detail: str, lines: str, wish: bool) -> Hold:
    if problem:
        reason = ChannelOrder.Problem(problem).in_words(detail, json.loads(lines))
    else:
        reason = _("the buyer wants to cancel") if wish else _("cancelled in the shop, and about to be here")
    said = hashlib.sha256(json.dumps([problem, detail, wish]).encode()).hexdigest()[:16]
    return Hold(shop, reason, channel_id, key, f"{key}:{said}", bool(problem))


def tell(rows: Iterable[ChannelOrder]) -> None:
    """A step: the floor hears that orders of ours may be held now. `rows` are what the shop has just spoken of, with their parts loaded."""
    with_problem = [row for row in rows if row.problem]
    ours = [part.order_id for row in with_problem for part in row.parts.all() if part.order_id is not None and not part.merchants_own]
    if ours:
        outbox.emit("order.held", order_ids=ours)
