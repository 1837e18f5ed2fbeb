"""Orders of the shops come in by webhook and by poll. Both only say what the shop says: coming twice, late or out of order is harmless."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import DataError, transaction
from django.db.models import Q
from django.utils import timezone

from marketplaces import opened_again, order_book, pace, port, troubles, wishes
from marketplaces.calling import AGAIN_S, SHOWN_AFTER, Aside, ChannelQuiet, aside_s, calling, keep_busy, open_shop, well_again
from marketplaces.models import Channel, ChannelOrder, WebhookDelivery
from marketplaces.order_asking import Wanted, ask, go_on_later, waiting_for
from marketplaces.port import (
    CallThrottled,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    EventKind,
    Marketplace,
    MessageUnreadable,
    NotOnChannel,
)
from marketplaces.settling import give_up, settle
from marketplaces.tying import adopt
from wms.core import faults, outbox

log = logging.getLogger(__name__)

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
# For longer than this no worker waits for a shop's next call to be free.
LONGEST_NAP_S = 3.0
# What no number, moment or column takes: it fails the same however often it is tried.
UNFIT = (DataError, ArithmeticError, ValueError)
ASKED_TOGETHER = 20
# What a paused shop has said comes back this often, for one that was in hand while the channel went on: resuming hurries all others.
PAUSED_S = 60.0
RETRY_BATCH = 500


def import_orders(channel: Channel, orders: Sequence[port.ChannelOrder], *, asked: bool = False) -> None:
    """Take in what the shop says of these orders now, or has just answered (`asked`). Repeating it changes nothing. One that cannot be written down holds
    up no other: it is shown to people.
    """
    try:
        keys = order_book.record(channel, orders, asked=asked)
    except UNFIT as error:
        if len(orders) > 1:
            for order in orders:
                import_orders(channel, [order], asked=asked)
            return
        log.exception("channel %s: order %s cannot be written down", channel.pk, orders[0].order_id)
        order_book.record_unreadable(channel, [port.UnreadableOrder(orders[0].order_id, faults.of(error))])
        return
    _settle(channel, keys)


def _settle(channel: Channel, keys: Sequence[int]) -> None:
    """As settle(). One that fails whatever is done with it holds up no other, now and at the next poll: it is shown to people, who can try again."""
    try:
        settle(channel, keys)
    except UNFIT as error:
        if len(keys) > 1:
            for key in keys:
                _settle(channel, [key])
            return
        log.exception("channel %s: the order of row %s cannot be taken in", channel.pk, keys[0])
        give_up(channel, keys[0], faults.of(error))


def hear(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.heard` {channel_id and delivery_id, order_ids (failed: how often the shop broke down at these), poll or retry}, one
    channel's events at a time.

    Raises ChannelQuiet where the shop has to be asked and cannot be, and for what a paused one has said: it waits until the channel goes on.
    """
    channel = Channel.objects.select_related("merchant", "user").filter(pk=payloads[0]["channel_id"]).first()
    if channel is None or channel.gone:
        return
    if not channel.active:
        # Resuming polls, but not every shop lists its orders: what it has said was answered, and is never said again.
        if any("delivery_id" in payload or "order_ids" in payload for payload in payloads):
            raise ChannelQuiet(channel, PAUSED_S)
        return
    delivered = [payload["delivery_id"] for payload in payloads if "delivery_id" in payload]
    to_ask, to_poll = _read_deliveries(channel, delivered)
    to_ask = list(dict.fromkeys([*(key for payload in payloads for key in payload.get("order_ids", ())), *to_ask]))
    to_poll = to_poll or any(payload.get("poll") for payload in payloads)
    if retries := [payload.get("after", 0) for payload in payloads if payload.get("retry")]:
        retry_unmapped(channel, after=min(retries))
    if not to_ask and not to_poll:
        return
    left, aside = Wanted(list(to_ask), to_poll), Aside[str]()
    quiet_s = 0.0
    try:
        with calling(channel) as shop:
            _ask_and_poll(channel, shop, left, aside)
    except ChannelQuiet as quiet:
        if not delivered and left == Wanted(to_ask, to_poll):
            raise
        # Of many calls in a row one always fails at a shop that fails now and then: what it has told already is not asked again.
        quiet_s = quiet.retry_after
        go_on_later(channel, left, wait_s=quiet_s)
    for order_id, error in aside.failed.items():
        failed = max((payload.get("failed", 0) for payload in payloads if order_id in payload.get("order_ids", ())), default=0)
        _put_aside(channel, order_id, error, failed, quiet_s)


def _put_aside(channel: Channel, order_id: str, error: ChannelUnavailable, failed: int, quiet_s: float = 0.0) -> None:
    """The shop broke down at this one order: it is asked for again, later and later. While the shop is in trouble as a whole that says nothing; one at
    which it does so again and again is shown to people. It waits once: polls list it every minute.
    """
    waiting = waiting_for(channel.pk, order_id)
    if not failed and waiting.exists():
        return
    failed += not quiet_s
    if failed == SHOWN_AFTER:
        order_book.record_unreadable(channel, [port.UnreadableOrder(order_id, troubles.kept(error))])
    about = {"lane": channel.pk, "channel_id": channel.pk, "order_ids": [order_id], "failed": failed}
    with transaction.atomic():
        waiting.delete()
        outbox.emit_all_later(aside_s(failed, quiet_s), [("channel.heard", about)], tried=1)


def _ask_and_poll(channel: Channel, shop: Marketplace, wanted: Wanted, aside: Aside[str]) -> None:
    """For one turn; takes off `wanted` what need not be asked again, and puts `aside` what the shop breaks down at.

    The poll comes after the first few orders: behind all of them it would never have its turn at a busy shop that fails now and then.
    """
    until = time.monotonic() + BUDGET_S
    while wanted.order_ids or wanted.poll:
        if wanted.order_ids and time.monotonic() > until:
            go_on_later(channel, wanted)
            return
        broken: ChannelUnavailable | None = None
        try:
            if wanted.order_ids:
                _ask_for(channel, shop, wanted.order_ids, aside)
        except ChannelUnavailable as error:
            if not wanted.poll or not error.answered:
                raise
            broken = error  # at these orders; a list of all may be had
        if wanted.poll:
            _poll_in_turn(channel, shop, until, wanted)
            aside.worked()
        if broken is not None:
            raise broken
    aside.end()


def _poll_in_turn(channel: Channel, shop: Marketplace, until: float, wanted: Wanted) -> None:
    """Where the shop grants no list of orders yet, single ones need not wait for it."""
    try:
        catch_up(channel, shop, until, paced=True)
    except CallThrottled as throttled:
        if not wanted.order_ids:
            raise
        go_on_later(channel, Wanted([], poll=True), wait_s=throttled.retry_after or AGAIN_S)
    wanted.poll = False


def _read_deliveries(channel: Channel, keys: Sequence[int]) -> tuple[list[str], bool]:
    """Import the orders that webhooks brought whole; answers the ids of those that the shop must be asked for, and whether to poll."""
    if not keys:
        return [], False
    shop = open_shop(channel)
    orders: list[port.ChannelOrder] = []
    to_ask: dict[str, None] = {}
    deliveries = list(WebhookDelivery.objects.filter(pk__in=keys).select_related("raw").order_by("pk"))
    to_poll = len(deliveries) < len(set(keys))  # erased meanwhile
    for delivery in deliveries:
        raw = delivery.raw.opened() if delivery.raw else {}
        if not raw:  # erased meanwhile
            to_poll = True
            continue
        try:
            event = shop.reread(headers=raw["headers"], body=raw["body"].encode())
        except MessageUnreadable as error:  # it was read when it came
            log.warning("channel %s: a message that was kept cannot be read any more: %s", channel.pk, error)
            to_poll = True
            continue
        if event.order is not None:
            orders.append(event.order)
        if event.order is not None and event.order.cancellation_requested:
            to_ask[event.order_id] = None  # the shop waits for an answer, if it still does
        elif event.order is None and event.kind in (EventKind.ORDER, EventKind.ORDER_DELETED):
            to_ask[event.order_id] = None
    import_orders(channel, orders)
    return list(to_ask), to_poll


def _ask_for(channel: Channel, shop: Marketplace, waiting: list[str], aside: Aside[str]) -> None:
    """Ask for the first few orders and take them off `waiting`. What the shop could still tell before it failed is imported all the same; an order that
    it breaks down at is put `aside`.

    One whose buyer wants to cancel it stays there until that is answered.
    """
    orders: list[port.ChannelOrder] = []
    asked: set[str] = set()
    try:
        for order_id in waiting[:ASKED_TOGETHER]:
            with aside.trying(order_id):
                order = _ask_one(channel, shop, order_id)
                if order is not None:
                    orders.append(order)
                asked.add(order_id)
                keep_busy(channel)
    finally:
        import_orders(channel, orders, asked=True)
        wishing = {order.order_id for order in orders if order.cancellation_requested}
        waiting[:] = [key for key in waiting if (key not in asked or key in wishing) and key not in aside.failed]
    aside.failed |= wishes.answer(channel, shop, orders)
    waiting[:] = [key for key in waiting if key not in wishing]


def _ask_one(channel: Channel, shop: Marketplace, order_id: str) -> port.ChannelOrder | None:
    """None where there is none any more, or none that can be read, which is noted."""
    try:
        return shop.order(order_id)
    except NotOnChannel:
        settle(channel, order_book.record_deleted(channel, order_id))
    except CredentialsRefused:
        raise
    except (MessageUnreadable, ChannelRefused) as error:  # of this one order: the others are not held up by it
        cannot_say = isinstance(error, ChannelRefused) and error.not_possible
        if kept := opened_again.take_in(channel, order_id) if cannot_say else []:
            _settle(channel, kept)
        else:
            reason = troubles.CANNOT_SAY if cannot_say else troubles.kept(error) if isinstance(error, ChannelRefused) else str(error)
            order_book.record_unreadable(channel, [port.UnreadableOrder(order_id, reason)])
    return None


def catch_up(channel: Channel, shop: Marketplace, until: float, *, paced: bool = False) -> bool:
    """Import all that changed, a page at a time, within a call that is under way: the cursor moves when its page is safely in. False where the time
    did not suffice; then it goes on by itself.

    A poll is `paced`: it waits for its turn at a shop that grants few calls. What a push has to know first is not, or neither would come.
    """
    done = True
    while True:
        if paced:
            _take_turn(channel, shop)
        page = _changed(channel, shop)
        well_again(channel)
        import_orders(channel, page.orders, asked=True)
        failed = wishes.answer(channel, shop, page.orders)
        order_book.record_unreadable(channel, [order for order in page.unreadable if not order.again])
        failed |= {order.order_id: ChannelUnavailable(reason=order.reason, answered=True) for order in page.unreadable if order.again}
        for order_id, error in failed.items():  # asked for alone, and then answered
            _put_aside(channel, order_id, error, 0)
        stuck = page.cursor == channel.order_cursor
        channel.order_cursor, channel.last_poll_at = page.cursor, timezone.now()
        channel.busy_since = channel.last_poll_at
        channel.save(update_fields=["order_cursor", "last_poll_at", "busy_since"])
        if not page.more or stuck:
            break
        if time.monotonic() > until:
            with transaction.atomic():
                ask(channel.pk)
            done = False
            break
    _settle(channel, [*order_book.unsettled(channel).values_list("pk", flat=True)[:RETRY_BATCH], *adopt(channel)])
    return done


def _take_turn(channel: Channel, shop: Marketplace) -> None:
    """Raises CallThrottled where the next call is free later than in a moment."""
    wait_s = pace.for_poll(channel, shop.capabilities)
    if 0 < wait_s <= LONGEST_NAP_S:
        time.sleep(wait_s)
        wait_s = pace.for_poll(channel, shop.capabilities)
    if wait_s:
        raise CallThrottled(reason="the calls that it grants are used up", retry_after=wait_s, answered=True)


def _changed(channel: Channel, shop: Marketplace) -> port.OrderPage:
    """The next page. A shop that refuses to list its orders is in trouble as a whole: shown on its channel, and tried again for ever."""
    try:
        return shop.orders(since=channel.orders_since, cursor=channel.order_cursor)
    except CredentialsRefused:
        raise
    except ChannelRefused as refusal:
        raise ChannelUnavailable(reason=refusal.details["reason"], answered=True) from refusal


def retry_unmapped(channel: Channel, *, after: int = 0) -> None:
    """Try again what waited for its goods to be known, was refused, or for the shop to say what it is now: so many rows after a key, and then the next
    ones by themselves.
    """
    wanted = Q(shop_state="open") | Q(held_until__isnull=False)
    waiting = channel.orders.filter(wanted, status__in=ChannelOrder.NOT_TAKEN, pk__gt=after).order_by("pk")
    keys = list(waiting[:RETRY_BATCH].values_list("pk", flat=True))
    _settle(channel, keys)
    unheard = list(channel.orders.filter(pk__in=keys, word_hash=ChannelOrder.UNHEARD).values_list("external_id", flat=True))
    if unheard:
        go_on_later(channel, Wanted(unheard, poll=False))
    if len(keys) == RETRY_BATCH:
        with transaction.atomic():
            outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, retry=True, after=keys[-1])
