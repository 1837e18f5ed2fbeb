"""Orders that lack their goods: which event took the last units, and when each shop was told."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplaces import oversold as oversales
from marketplaces.models import ChannelOrder, ChannelOrderPart
from outbound.models import Order
from wms.core import desk
from wms.core.errors import NotFound


@desk.page
def oversold(request: HttpRequest) -> HttpResponse:
    """Orders of shops that are short, or were until they were cancelled, here or there; the newest first."""
    desk.need(request, "outbound.view_order")
    shops = ChannelOrder.objects.visible_to(request.user)
    rows = ChannelOrderPart.objects.filter(channel_order__in=shops, merchants_own=False).filter(
        Q(order__status=Order.Status.SHORT) | Q(order__cancelled_short=True)
    )
    rows = rows.select_related("channel_order__channel", "channel_order__merchant", "order")
    return render(request, "marketplaces/desk/oversold.html", {"page": desk.Newest(rows, request)})


@desk.page
def order_oversold(request: HttpRequest, order_id: int) -> HttpResponse:
    desk.need(request, "outbound.view_order")
    order = Order.objects.visible_to(request.user).select_related("merchant", "warehouse").filter(pk=order_id).first()
    if order is None:
        raise NotFound(what=str(Order._meta.verbose_name), key=order_id)
    desk.clock(order.warehouse.zone_info)
    return render(request, "marketplaces/desk/order_oversold.html", {"order": order, "stories": oversales.explain(order)})
