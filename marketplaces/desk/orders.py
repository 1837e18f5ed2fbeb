"""A channel's orders that a person must look at, and what he says of them."""

from __future__ import annotations

from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django.utils.translation import gettext as _

from marketplaces import order_book, tying, untold_cancellations
from marketplaces.models import Channel, ChannelOrder
from wms.core import desk

SHOWN = 100


def to_look_at(channel: Channel, asked_for: int = 0) -> QuerySet[ChannelOrder]:
    """The youngest ones, with their parts; the one that was asked for (its key) first, however old."""
    rows = channel.orders.exclude(problem="").prefetch_related("parts__order")
    return rows.order_by(Case(When(pk=asked_for, then=0), default=1), "-pk")[:SHOWN]


def dismiss(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    order_book.dismiss(channel, _key(request))
    return _("Taken off the list. It comes back if the shop changes the order again.")


def recognise(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    tying.recognise(channel, _key(request))
    return _("Our order follows the shop's from now on.")


def tell_cancelled(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    untold_cancellations.tell_again(channel=channel, key=_key(request))
    return _("The shop is told of the cancellation again soon.")


def give_up(channel: Channel, request: HttpRequest) -> str:
    """Field: order (the id of its row)."""
    untold_cancellations.give_up(channel=channel, key=_key(request), by=desk.actor(request))
    return _("The shop is not told of this cancellation any more.")


def _key(request: HttpRequest) -> int:
    return desk.whole_number(request.POST.get("order"), most=2**62)
