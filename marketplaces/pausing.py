"""A shop is paused and goes on: its orders wait meanwhile, and it sells nothing, or what it was told last."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces import cancelled, channels, leaving, order_asking, stock_sync, subscribing, tracking
from marketplaces.gone import need_connected
from marketplaces.holding import hold
from marketplaces.models import Channel
from wms.core import outbox
from wms.core.errors import WmsError
from wms.core.models import User


class BeingDisconnected(WmsError):
    code, status, message = "being_disconnected", 409, _("{shop} is being disconnected, and sells nothing any more. Let it stay first.")


@transaction.atomic(durable=True)
def pause(*, channel: Channel, by: User, reason: str = "", keep: bool = False) -> None:
    """Stop: no orders, no tracking numbers, and no numbers but zeros. Pausing it again changes the reason, and what it may sell. Only the administration
    gives none (Channel.paused_because).

    All its listings are told 0 through its own lane. With `keep` it is not called at all: the shop goes on selling what it was told
    last, while other shops sell the same units. So that is never the default. What it has said by then waits until it goes on.
    Raises ChannelGone, BeingDisconnected.
    """
    hold(channel.pk)
    _need_staying(channel)
    channel.active, channel.sells_nothing = False, not keep
    channel.paused_at, channel.paused_by, channel.pause_reason = timezone.now(), by, reason[:200]
    channel.save(update_fields=["active", "sells_nothing", "paused_at", "paused_by", "pause_reason"])
    if channel.sells_nothing:
        stock_sync.stale_all(channel, "paused")


def _need_staying(channel: Channel) -> None:
    now = Channel.objects.get(pk=channel.pk)
    need_connected(now)
    if now.disconnecting_since is not None:
        raise BeingDisconnected(shop=channel.name)


def resume(*, channel: Channel) -> None:
    """Go on: all numbers are told again, the orders and tracking numbers of the pause are caught up with, what the shop had said before it is heard,
    and what waited for goods is tried again: they may have been tied meanwhile. Its messages
    are switched on again where they lapsed. One that is being disconnected stays. Raises ChannelGone.
    """
    with transaction.atomic():
        hold(channel.pk)
        need_connected(Channel.objects.get(pk=channel.pk))
        channel.active, channel.sells_nothing, channel.failures, channel.quiet_until = True, False, 0, None
        channel.paused_at, channel.paused_by, channel.pause_reason = None, None, ""
        channel.disconnecting_since, channel.disconnected_by = None, None
        fields = ["active", "sells_nothing", "failures", "quiet_until", "paused_at", "paused_by", "pause_reason"]
        channel.save(update_fields=[*fields, "disconnecting_since", "disconnected_by"])
        leaving.go_on(channel)
        stock_sync.stale_all(channel, "resumed")
        order_asking.ask(channel.pk)
        order_asking.try_waiting(channel.pk)
        tracking.catch_up(channel)
        cancelled.catch_up(channel)
        subscribing.ask(channel.pk)
        outbox.hurry(channels.LANES, lane=channel.pk)


def told_nothing(channel: Channel) -> tuple[int, int]:
    """Of a channel that sells nothing, as it is paused or being disconnected: how many of its listings the shop has answered to be
    at 0 since, and how many there are.
    """
    tied = channel.listings.tied()
    counts = tied.aggregate(
        told=Count("pk", filter=Q(pushed_quantity=0, pushed_at__gte=channel.paused_at or channel.disconnecting_since)), total=Count("pk")
    )
    return counts["told"], counts["total"]
