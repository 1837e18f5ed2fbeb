"""A shop's own messages are switched on, and stay so: a shop switches off by itself what was not taken a few times, and says so to nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from marketplaces import shop_address
from marketplaces.calling import SENSELESS, calling, senseless
from marketplaces.gone import ChannelGone
from marketplaces.models import Channel
from marketplaces.port import ChannelError, ChannelRefused, ChannelThrottled, ChannelUnavailable, Marketplace, Subscription, reasons
from marketplaces.troubles import kept
from wms.core import outbox
from wms.core.errors import WmsError
from wms.core.models import OutboxEvent

log = logging.getLogger(__name__)

HANDLER = "marketplaces.subscribing.renew"
# What a shop breaks down at is tried again after so long; what it refuses, the next night.
AGAIN_S = 3600


class TakesNoAddress(WmsError):
    code, status, message = "takes_no_address", 409, _("{shop} takes no address from here. Enter it in the shop itself: {url}")


class _NotRenewed(Exception):
    """`error` is about the messages: of the shop as a whole it says nothing."""

    def __init__(self, error: ChannelError) -> None:
        self.error = error


def subscribe(*, channel: Channel, url: str) -> list[Subscription]:
    """Have the shop push its changes to `url`, the public address of this channel's hook, from now on, and to no earlier one.

    Of what breaks off half-way the rest is made within the hour. What the shop refuses it is not asked again, and what it has made of it by then is
    taken back. Raises TakesNoAddress, ChannelQuiet, ChannelRefused, ChannelGone.
    """
    with calling(channel) as shop:
        if not shop.capabilities.webhooks:
            raise TakesNoAddress(shop=channel.name, url=url)
        if (before := channel.hook_url) not in ("", url):
            shop.unsubscribe_webhooks(url=before)
        _remember(channel, url)
        with _taken_back_if_gone(channel, shop):
            try:
                made = shop.subscribe_webhooks(url=url, secret=channel.opened_secret())
            except ChannelRefused:
                if before != url:
                    end(channel, shop)
                _forget(channel)
                raise
        _forget(channel)
        Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(hook_error="")
    return made


@transaction.atomic
def _remember(channel: Channel, url: str) -> None:
    """Before the shop hears of it: whoever disconnects the channel has to know what may be there. Of a worker that dies another one goes on."""
    if not Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(hook_url=url):
        raise ChannelGone(shop=channel.name)
    channel.hook_url = url
    outbox.emit_all_later(AGAIN_S, [("channel.lapsed", {"lane": channel.pk, "channel_id": channel.pk})], tried=1)


def _forget(channel: Channel) -> None:
    _waiting(channel.pk).filter(lease_until=None).delete()


def _waiting(channel_id: int) -> QuerySet[OutboxEvent]:
    return OutboxEvent.objects.filter(handler=f"{HANDLER}:{channel_id}", dead_at=None)


def under_way(channel: Channel) -> bool:
    """Whether somebody has the messages switched on at this moment, or has died with it, or is about to."""
    return _waiting(channel.pk).exists()


@contextmanager
def _taken_back_if_gone(channel: Channel, shop: Marketplace) -> Iterator[None]:
    """Whoever disconnects the channel while its shop is asked may have said goodbye before: then what was made since is ended. Whoever does after this
    has looked ends it himself.
    """
    try:
        yield
    finally:
        if Channel.objects.filter(pk=channel.pk, disconnected_at__isnull=False).exists():
            end(channel, shop)


def end(channel: Channel, shop: Marketplace) -> None:
    """Have the shop of a channel that is disconnected push nothing any more. `shop`: as it was opened while its keys were there.

    What it refuses holds up nothing, and stands on the channel with the address that a person has to take out there. A platform may know only one
    subscription for all channels of an account: the others' are made anew.
    """
    try:
        shop.unsubscribe_webhooks(url=channel.hook_url)
    except ChannelError as error:
        _is_left(channel, error)
        return
    except SENSELESS as error:
        log.exception("channel %s: what its shop answers about messages makes no sense", channel.pk)
        _is_left(channel, senseless(error))
        return
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(hook_url="", hook_error="")
        for other in shop_address.channels_at(channel.adapter, channel.base_url, but=channel, active=True):
            ask(other.pk)


def _is_left(channel: Channel, error: ChannelError) -> None:
    log.warning("channel %s: its shop still pushes to %s: %s", channel.pk, channel.hook_url, error)
    Channel.objects.filter(pk=channel.pk).update(hook_url=channel.hook_url, hook_error=kept(error))


def ask_all() -> int:
    """Nightly; answers how many channels were asked for."""
    with transaction.atomic():
        return sum(ask(key) for key in Channel.objects.exclude(hook_url="").filter(active=True).order_by("pk").values_list("pk", flat=True))


def ask(channel_id: int) -> bool:
    """A step: have the messages renewed, once, of a channel that has subscribed to them."""
    if (
        _waiting(channel_id).filter(lease_until=None).exists()
        or not Channel.objects.filter(pk=channel_id, active=True).exclude(hook_url="").exists()
    ):
        return False
    outbox.emit("channel.lapsed", lane=channel_id, channel_id=channel_id)
    return True


def renew(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.lapsed` {channel_id}, one channel's events at a time.

    What the shop does not switch on again is shown on its channel and costs nothing else: the shop may be well, and its orders are polled.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"], active=True).exclude(hook_url="").first()
    if channel is None:
        return
    error: ChannelError | None = None
    try:
        with calling(channel) as shop, _taken_back_if_gone(channel, shop):
            _renew(shop, channel)
    except _NotRenewed as failed:
        error = failed.error
        log.warning("the messages of channel %s are not renewed: %s", channel.pk, error)
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk, disconnected_at=None).update(hook_error=kept(error) if error else "")
        if isinstance(error, ChannelUnavailable):
            outbox.emit_later(AGAIN_S, "channel.lapsed", lane=channel.pk, channel_id=channel.pk)


def _renew(shop: Marketplace, channel: Channel) -> None:
    """Keys that are refused here may lack this one right: the next call shows whether they are no use at all."""
    if not shop.capabilities.webhooks:
        raise _NotRenewed(ChannelRefused(reason=reasons.TAKES_NO_ADDRESS.format(what=channel.hook_url)))
    try:
        shop.subscribe_webhooks(url=channel.hook_url, secret=channel.opened_secret())
    except ChannelUnavailable as error:
        if isinstance(error, ChannelThrottled) or not error.answered:
            raise
        raise _NotRenewed(error) from error
    except ChannelRefused as error:
        raise _NotRenewed(error) from error
    except SENSELESS as error:
        log.exception("channel %s: what its shop answers about messages makes no sense", channel.pk)
        raise _NotRenewed(senseless(error)) from error
