"""The sign of an order that waits for somebody's decision (outbound.holds): the reason, and what whoever stands there does meanwhile."""

from __future__ import annotations

from django.utils.translation import gettext as _

from outbound.holds import Hold
from outbound.models import Order
from wms.core.floor.screens import Screen


def show(screen: Screen, hold: Hold, order: str, meanwhile: str) -> None:
    """`meanwhile`: what to do, "" = nothing."""
    told = _("{order} is for the desk to decide on. {shop}: {reason}.").format(order=order, shop=hold.shop, reason=hold.reason)
    screen.warning = f"{told} {meanwhile}".rstrip()
    screen.hints |= {"hold": hold.channel_order_id}


def on_the_walk(tote: str, *, in_hand: bool = False) -> str:
    """`tote` "" = the order has none yet. `in_hand`: its picker holds goods that no scan has booked out of their bin."""
    goods = _("Put its goods back into the bin.") if in_hand else _("Leave its goods in the bin.")
    return f"{goods} {aside(tote)}".rstrip()


def aside(tote: str) -> str:
    return _("Set tote {tote} aside.").format(tote=tote) if tote else ""


def wherever_it_is(order: Order) -> str:
    """What somebody does who comes upon the order, with its tote read already."""
    if order.status == Order.Status.RELEASED:
        return on_the_walk("")
    if order.status == Order.Status.PACKED:
        return _("Set its parcels aside.")
    return aside(order.tote.code if order.tote else "")
