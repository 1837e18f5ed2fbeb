"""A channel is taken away for good: its shop hears and is heard no more, its keys are gone, and what it was stays readable.

Platforms punish orders that are never sent and parcels that are never told. So it stays connected until neither is left: where its shop is to sell
nothing any more, what it had sold by then still comes in, is sent and told, and the channel ends by itself. Where the shop goes on selling there is
no such end, so it is refused while orders are open.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces import adapters, elsewhere, leaving, stock_sync, strays, subscribing, untold_cancellations
from marketplaces.calling import open_shop
from marketplaces.gone import need_connected
from marketplaces.holding import hold
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart, ToldParcel
from marketplaces.port import Marketplace
from marketplaces.telling import publish
from outbound.clock import OUT
from outbound.models import Order, Parcel
from wms.core import outbox, sealing
from wms.core.errors import WmsError
from wms.core.models import OutboxEvent, User

Status = ChannelOrder.Status
BECAUSE = "disconnected"
FREED_TOGETHER = 500
GOODBYE = "marketplaces.disconnecting.say_goodbye"
# By then whoever ended a channel has said goodbye to its shop, or is dead.
GOODBYE_S = 300.0


class OrdersOpen(WmsError):
    code, status = "orders_open", 409
    message = _("{shop} has {orders} orders that are still to be sent: send or cancel them first.")


class ParcelsUntold(WmsError):
    code, status = "parcels_untold", 409
    message = _("{shop} has not taken the tracking numbers of {parcels} parcels: wait until it has, or say that it need not.")


@dataclass(frozen=True, slots=True)
class Left:
    """What keeps a channel connected: `orders` that are to be sent, or are being taken in at this moment; `parcels` that left, and cancelled orders,
    of which the shop has still to hear; listings that may be `offered`, as the shop has not confirmed 0 since it was to sell nothing.

    `broken_down`: of the cancelled orders those that the shop breaks down at, until somebody gives them up. `untaken`: open orders of the shop's that
    were never taken in. They keep nothing, and are the merchant's to send.
    """

    orders: int
    parcels: int
    broken_down: int
    offered: int
    untaken: int


def of(channel: Channel) -> Left:
    untaken = _untaken(channel).exclude(parts__order__isnull=False).aggregate(count=Count("pk", distinct=True))["count"]
    orders, withdrawn = open_orders(channel).count() + _being_taken_in(channel), untold_cancellations.waiting(channel)
    broken_down = untold_cancellations.shown(channel).filter(channel_order__in=withdrawn).count()
    return Left(orders, _untold_parcels(channel) + len(withdrawn), broken_down, _offered(channel), untaken)


def open_orders(channel: Channel) -> QuerySet[Order]:
    rows = Order.objects.filter(channel_part__channel_order__channel=channel, channel_part__merchants_own=False)
    return rows.exclude(status__in=OUT)


def _being_taken_in(channel: Channel) -> int:
    """Planned, and perhaps with the warehouse already: by a worker that is at it, or has died with it."""
    taken = Order.objects.filter(merchant=channel.merchant_id, reference=OuterRef("reference"), taken_for=OuterRef("pk"), channel_part=None)
    at_it = Q(created_at__gt=timezone.now() - timedelta(seconds=strays.LATEST_S))
    planned = ChannelOrderPart.objects.filter(channel_order__channel=channel, channel_order__shop_state="open", order=None)
    return planned.filter(at_it | Exists(taken)).count()


def _untold_parcels(channel: Channel) -> int:
    """What the shop has refused for good stands on the channel's page, and keeps nothing."""
    settled = ToldParcel.objects.filter(Q(error="") | Q(again_at=None), parcel=OuterRef("pk"))
    part = {"order__channel_part__channel_order__channel": channel, "order__channel_part__merchants_own": False}
    return Parcel.objects.filter(**part, status="shipped").exclude(Exists(settled)).count()


def _offered(channel: Channel) -> int:
    since = channel.paused_at or channel.disconnecting_since
    if not channel.sells_nothing or since is None:
        return channel.listings.to_tell().count()
    told = Q(pushed_quantity=0, pushed_at__gte=since, last_error="") | Q(last_error__startswith="unknown_listing")
    return channel.listings.to_tell().exclude(pk__in=channel.listings.filter(told)).count() + sum(
        place.count for place in leaving.still_selling(channel)
    )


def _untaken(channel: Channel) -> QuerySet[ChannelOrder]:
    return channel.orders.filter(Q(shop_state="open") | Q(held_until__isnull=False), status__in=ChannelOrder.NOT_TAKEN)


def disconnect(*, channel: Channel, by: User, keep: bool = False, untold: bool = False) -> bool:
    """Take the channel away for good, at once or as soon as nothing is left to do; answers whether it is gone. Its shop is asked to push nothing more.

    All its listings are told 0 first, and until the shop has confirmed that it stays connected and takes in what was sold by then. With `keep` it goes
    at once and the shop shows what it was told last. `untold`: the shop need not hear of parcels that it does not know of yet. Raises OrdersOpen,
    ParcelsUntold of one that is to go at once, or is paused and so tells its shop nothing; ChannelGone.
    """
    shop = _opened(channel)
    _disconnect(channel, by, keep=keep, untold=untold)
    if channel.gone:
        _say_goodbye(channel, shop)
    return channel.gone


@transaction.atomic(durable=True)
def _disconnect(channel: Channel, by: User, *, keep: bool, untold: bool) -> None:
    hold(channel.pk)
    channel.refresh_from_db()
    need_connected(channel)
    channel.disconnected_by = by
    if keep or not channel.active:
        left = of(channel)
        if left.orders:
            raise OrdersOpen(shop=channel.name, orders=left.orders)
        if left.parcels and not untold:
            raise ParcelsUntold(shop=channel.name, parcels=left.parcels)
    if not keep and not (channel.sells_nothing and not _offered(channel)):
        channel.sells_nothing, channel.disconnecting_since = True, channel.disconnecting_since or timezone.now()
        stock_sync.stale_all(channel, BECAUSE)
    channel.save(update_fields=["sells_nothing", "disconnecting_since", "disconnected_by"])
    if keep or _is_done(channel, untold=untold):
        _end(channel)


def _opened(channel: Channel) -> Marketplace | None:
    """Its shop while its keys are there; None of keys that are no use any more, or erased."""
    try:
        return open_shop(channel)
    except WmsError:
        return None


def _say_goodbye(channel: Channel, shop: Marketplace | None) -> None:
    """After the commit, as nothing may be missed before it. Of whoever dies in between another worker does it. Whoever has the messages switched on
    at this moment ends them himself, but may die before: then it is said once more.
    """
    elsewhere.forget(channel)
    if shop is not None and channel.hook_url:
        subscribing.end(channel, shop)
    if not subscribing.under_way(channel):
        OutboxEvent.objects.filter(handler=f"{GOODBYE}:{channel.pk}").delete()


def _promise_goodbye(channel: Channel) -> None:
    """A step, while the channel has its keys: they go along with the promise, sealed as they are, and are erased with it."""
    keys = base64.b64encode(bytes(channel.credentials)).decode()
    outbox.emit_later(GOODBYE_S, "channel.gone", lane=channel.pk, channel_id=channel.pk, keys=keys, hook_url=channel.hook_url)


def say_goodbye(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.gone` {channel_id, keys, hook_url}: whoever ended the channel has died, or is very slow. Doing it twice is harmless."""
    for payload in payloads:
        channel = Channel.objects.get(pk=payload["channel_id"])
        channel.hook_url = channel.hook_url or payload.get("hook_url", "")  # an earlier version did not say it
        try:
            keys = sealing.open_sealed(base64.b64decode(payload["keys"]))
            shop = adapters.connect(channel.adapter, base_url=channel.base_url, credentials=keys)
        except WmsError:  # no use any more: the address stands on the channel
            shop = None
        _say_goodbye(channel, shop)


def finish_all() -> int:
    """End those of which nothing is left to do; answers how many."""
    wanted = Channel.objects.filter(disconnecting_since__isnull=False, disconnected_at=None)
    return sum(_finish(key) for key in wanted.order_by("pk").values_list("pk", flat=True))


def _finish(channel_id: int) -> bool:
    with transaction.atomic():
        hold(channel_id)
        channel = Channel.objects.get(pk=channel_id)
        if channel.disconnecting_since is None or channel.gone or not _is_done(channel):
            return False
        shop = _opened(channel)
        _end(channel)
    _say_goodbye(channel, shop)
    return True


def _is_done(channel: Channel, *, untold: bool = False) -> bool:
    left = of(channel)
    return not (left.orders or left.offered or (left.parcels and not untold))


def _end(channel: Channel) -> None:
    """A step, with the channel held."""
    _promise_goodbye(channel)
    now = timezone.now()
    channel.sold_at = leaving.place_of(channel)
    channel.active = channel.sells_nothing = False
    channel.credentials = channel.webhook_secret = b""
    channel.disconnecting_since, channel.disconnected_at = channel.disconnecting_since or now, now
    channel.last_error, channel.failures, channel.quiet_until, channel.order_cursor = "", 0, None, ""
    channel.hook_error = ""
    fields = ["active", "sells_nothing", "credentials", "webhook_secret", "disconnecting_since", "disconnected_at", "sold_at"]
    channel.save(update_fields=[*fields, "last_error", "failures", "quiet_until", "order_cursor", "hook_error"])
    _leave_to_the_shop(channel)


def _leave_to_the_shop(channel: Channel) -> None:
    """What was never taken in is no longer sold here: its units are free for other shops."""
    while rows := list(_untaken(channel).select_for_update(of=("self",), no_key=True).order_by("pk")[:FREED_TOGETHER]):
        for row in rows:
            row.status, row.held_until, row.problem, row.problem_detail = Status.LEFT, None, "", ""
        ChannelOrder.objects.bulk_update(rows, ["status", "held_until", "problem", "problem_detail"])
        publish(channel, rows)
