"""A channel's orders that a person must look at, and what he says of them."""

from __future__ import annotations

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest
from django.utils.translation import gettext as _

from inventory.models import Warehouse
from marketplaces import order_book, tying
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart, ChannelWarehouse
from wms.core import desk

SHOWN = 100


def to_look_at(channel: Channel, asked_for: int = 0) -> QuerySet[ChannelOrder]:
    """The youngest ones, with their parts; the one that was asked for (its key) first, however old."""
    rows = channel.orders.exclude(problem="").prefetch_related("parts__order")
    return rows.order_by(Case(When(pk=asked_for, then=0), default=1), "-pk")[:SHOWN]


def for_people(warehouse: Warehouse) -> QuerySet[ChannelOrder]:
    """What only a person can settle, of orders of which this warehouse has a part, or would have the first as nobody has one yet."""
    parts = ChannelOrderPart.objects.filter(channel_order=OuterRef("pk"))
    first = ChannelWarehouse.objects.filter(channel=OuterRef("channel")).order_by("rank", "pk").values("warehouse")[:1]
    # ~Q(problem="") word for word as in the index channel_order_to_look_at.
    rows = ChannelOrder.objects.filter(~Q(problem=""), problem__in=order_book.FOR_PEOPLE).alias(first=Subquery(first))
    return rows.filter(Exists(parts.filter(warehouse=warehouse)) | ~Exists(parts) & Q(first=warehouse.pk))


def dismiss(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    order_book.dismiss(channel, _key(request))
    return _("Taken off the list. It comes back if the shop changes the order again.")


def recognise(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    tying.recognise(channel, _key(request))
    return _("Our order follows the shop's from now on.")


def _key(request: HttpRequest) -> int:
    return desk.whole_number(request.POST.get("order"), most=2**62)
