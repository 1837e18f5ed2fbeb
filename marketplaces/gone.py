"""A channel that was disconnected is there to be read, and nothing else (marketplaces.disconnecting)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from marketplaces.models import Channel, ChannelOrder
from wms.core.errors import WmsError


class ChannelGone(WmsError):
    code, status, message = "channel_gone", 409, _("{shop} is disconnected: its history can be read, and nothing else.")


def need_connected(channel: Channel) -> None:
    """Raises ChannelGone."""
    if channel.gone:
        raise ChannelGone(shop=channel.name)


def taken_before() -> Exists:
    """Of an order of the shop's: an earlier channel of the same merchant, that is disconnected or about to be, has taken it in. It is not sent twice.

    Earlier is one that was to be disconnected before this one was connected. Of those that were connected side by side, as places of one shop, each
    sends what is its own of an order.
    It is the same order where the platform, its id and the moment of its placing are the same: shops move to another address, and one that is set up
    anew counts its orders from 1 again. What was cancelled here and in the shop is not sent, so one that is opened again is taken in.
    """
    before = ChannelOrder.objects.filter(
        channel__merchant=OuterRef("channel__merchant"),
        channel__adapter=OuterRef("channel__adapter"),
        channel__disconnecting_since__lte=OuterRef("channel__orders_since"),
        external_id=OuterRef("external_id"),
        placed_at=OuterRef("placed_at"),
        parts__order__isnull=False,
        parts__merchants_own=False,
    )
    return Exists(before.exclude(channel=OuterRef("channel")).exclude(status=ChannelOrder.Status.CANCELLED, shop_state="cancelled"))
