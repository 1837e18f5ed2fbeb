"""Orders that nobody sends before a person has decided: their shop says something else of them by now, such as that the buyer wants to cancel.

What shops say is known above (settings.ORDER_HOLDS); here it is a reason by order. It is asked for whenever an order would go a step further by
itself, and kept nowhere (docs/adr/0015): the hold begins and ends with its cause. It leaves an order's status and its goods alone, so it is not
the status `on_hold`, whose goods are promised to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from outbound.models import Order
from wms.core.errors import WmsError


@dataclass(frozen=True, slots=True)
class Hold:
    """`reason` is in the reader's language. It is decided on the page of a channel, whose name is `shop`, at the shop's order `channel_order_id`.

    Not `listed`: nothing stands there yet, or ever will; what can be done meanwhile is done on the page of our order. `word` tells one reason from
    another, in every language: at most 40 characters.
    """

    shop: str
    reason: str
    channel_id: int
    channel_order_id: int
    word: str
    listed: bool


class ToBeDecided(WmsError):
    """`word` is the hold's."""

    code, status = "to_be_decided", 409
    message = _("{shop}: {reason}. Set {order} aside until the desk has decided. Ship it all the same?")

    @classmethod
    def of(cls, hold: Hold, reference: str) -> ToBeDecided:
        return cls(shop=hold.shop, reason=hold.reason, order=reference, word=hold.word)


def require_decided(order_id: int, reference: str, despite: set[str]) -> Hold | None:
    """The order's hold, of whose word a person has said that it is sent all the same. In one statement. Raises ToBeDecided for another word."""
    hold = of_orders([order_id]).get(order_id)
    if hold is not None and hold.word not in despite:
        raise ToBeDecided.of(hold, reference)
    return hold


def of_orders(order_ids: Sequence[int]) -> dict[int, Hold]:
    """By order id, in one statement; orders that are out of the house, or cancelled, are not held any more."""
    return _find(order_ids=order_ids) if order_ids else {}


def in_warehouse(warehouse_id: int, *statuses: Order.Status) -> dict[int, Hold]:
    """By order id, soonest ship-by first, in one statement: those of the warehouse in one of these statuses."""
    return _find(warehouse_id=warehouse_id, statuses=statuses)


def column(order: str) -> str:
    """For a statement that is asked too often for one more: a column that is NULL where nothing holds the order whose id `order` is in SQL, else
    what read() takes. `order` may be of no table that is called p, c, o, x, h or held.
    """
    sql: str = _known("column")(order)
    return sql


def read(told: str) -> Hold:
    hold: Hold = _known("read")(told)
    return hold


def _find(
    *, order_ids: Sequence[int] | None = None, warehouse_id: int | None = None, statuses: Sequence[Order.Status] = ()
) -> dict[int, Hold]:
    found: dict[int, Hold] = _known("find")(order_ids=order_ids, warehouse_id=warehouse_id, statuses=statuses)
    return found


def _known(name: str) -> Callable[..., Any]:
    known: Callable[..., Any] = import_string(f"{settings.ORDER_HOLDS}.{name}")
    return known
