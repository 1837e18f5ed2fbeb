"""Cancelling an order at any time before it is shipped."""

from __future__ import annotations

from typing import TypedDict

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from inventory import availability
from outbound import allocation, telling
from outbound.allocation import demand_of, sum_changes
from outbound.interception import break_off, release_promise
from outbound.models import Order
from wms.core import outbox
from wms.core.commands import command
from wms.core.errors import NotFound, WmsError
from wms.core.models import User
from wms.core.transitions import advance


class AlreadyLeft(WmsError):
    code, status, message = "already_left", 409, _("A parcel of order {order} has left already.")


class Cancelled(TypedDict):
    order_id: int
    order_status: str


@command
def cancel(*, order_id: int, by: User, request_id: object = None) -> Cancelled:
    """Cancel an order; cancelling it again changes nothing. Goods on the floor go back to a bin by put-back tasks and stay committed until then.

    Raises NotPossibleNow for an order that was shipped, or of which a parcel was.
    """
    found = Order.objects.visible_to(by).select_related("merchant").filter(pk=order_id)
    order = found.select_for_update(of=("self",), no_key=True).first()
    if order is None:
        raise NotFound(what=str(Order._meta.verbose_name), key=order_id)
    if order.status == Order.Status.CANCELLED:
        return {"order_id": order_id, "order_status": order.status}
    if order.lines.filter(shipped__gt=0).exists():
        raise AlreadyLeft(order=order.reference)
    was = order.status
    demand = demand_of([order.pk]).get(order.pk, {})
    advance([order], Order.Status.CANCELLED, tote=None, updated_at=Now(), cancelled_short=was == Order.Status.SHORT)
    if was == Order.Status.SHORT:
        availability.change(order.warehouse_id, sum_changes([(demand, allocation.GIVE_UP)]), f"cancelled {order.reference}")
    elif was not in (Order.Status.RECEIVED, Order.Status.ON_HOLD):
        release_promise(order, demand, break_off(order), backorder=False)
    outbox.emit_all([("order.cancelled", {"order_id": order_id}), *telling.events("order.cancelled", [order])])
    return {"order_id": order_id, "order_status": order.status}
