"""Orders of the shops come in by webhook and by poll. Both only say what the shop says: coming twice, late or out of order is harmless."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import DataError, transaction
from django.db.models import Q
from django.utils import timezone

from marketplaces import deliveries, opened_again, order_book, pace, port, troubles, wishes
from marketplaces.calling import AGAIN_S, Aside, ChannelQuiet, calling, keep_busy, well_again
from marketplaces.models import Channel, ChannelOrder
from marketplaces.order_asking import Wanted, ask, go_on_later, put_aside
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
    """Outbox handler of `channel.heard` {channel_id and delivery_id, order_ids (failed: how often the shop broke down at these; wished: it waits to hear
    whether they can be cancelled), poll or retry}, one channel's events at a time.

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
    wanted = Wanted.of(payloads)
    wanted.add(_read_deliveries(channel, delivered))
    if retries := [payload.get("after", 0) for payload in payloads if payload.get("retry")]:
        retry_unmapped(channel, after=min(retries))
    if not wanted.ids and not wanted.poll:
        return
    left, aside = replace(wanted), Aside[str]()
    quiet_s = 0.0
    try:
        with calling(channel) as shop:
            _ask_and_poll(channel, shop, left, aside)
    except ChannelQuiet as quiet:
        if not delivered and left == wanted:
            raise
        # Of many calls in a row one always fails at a shop that fails now and then: what it has told already is not asked again.
        quiet_s = quiet.retry_after
        go_on_later(channel, left, wait_s=quiet_s)
    for order_id, error in aside.failed.items():
        failed = max((payload.get("failed", 0) for payload in payloads if order_id in payload.get("order_ids", ())), default=0)
        put_aside(channel, order_id, error, failed=failed, quiet_s=quiet_s, wished=order_id in wanted.wished)


def _ask_and_poll(channel: Channel, shop: Marketplace, wanted: Wanted, aside: Aside[str]) -> None:
    """For one turn; takes off `wanted` what need not be asked again, and puts `aside` what the shop breaks down at.

    The poll comes after the first few orders: behind all of them it would never have its turn at a busy shop that fails now and then.
    """
    until = time.monotonic() + BUDGET_S
    while wanted.ids or wanted.poll:
        if wanted.ids and time.monotonic() > until:
            go_on_later(channel, wanted)
            return
        broken: ChannelUnavailable | None = None
        try:
            if wanted.ids:
                _ask_for(channel, shop, wanted, aside)
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
        if not wanted.ids:
            raise
        go_on_later(channel, Wanted([], poll=True), wait_s=throttled.retry_after or AGAIN_S)
    wanted.poll = False


def _read_deliveries(channel: Channel, keys: Sequence[int]) -> Wanted:
    """Import the orders that webhooks brought whole; answers what the shop must be asked for."""
    heard = Wanted([], poll=False)
    if not keys:
        return heard
    said = [event for _delivery, event in deliveries.events(channel, keys)]
    events = [event for event in said if event is not None]
    heard.poll = len(events) < len(set(keys))  # erased meanwhile
    import_orders(channel, [event.order for event in events if event.order is not None])
    for event in events:
        if event.order is not None and event.order.cancellation_requested:
            heard.wished.append(event.order_id)  # the shop waits for an answer, if it still does
        elif event.order is None and event.kind in (EventKind.ORDER, EventKind.ORDER_DELETED):
            heard.order_ids.append(event.order_id)
    return heard


def _ask_for(channel: Channel, shop: Marketplace, wanted: Wanted, aside: Aside[str]) -> None:
    """Ask for the first few orders and take them off `wanted`. What the shop could still tell before it failed is imported all the same; an order that
    it breaks down at is put `aside`.

    One whose buyer wants to cancel it stays there until that is answered.
    """
    orders: list[port.ChannelOrder] = []
    asked: set[str] = set()
    # By what was asked for, which may be a part of it, the order's own id.
    wishing: dict[str, str] = {}
    try:
        for order_id in wanted.ids[:ASKED_TOGETHER]:
            with aside.trying(order_id):
                order, wishes_it = _ask_one(channel, shop, order_id, wanted)
                if order is not None:
                    orders.append(order)
                if wishes_it:
                    wishing[order_id] = order.order_id if order is not None else order_id
                asked.add(order_id)
                keep_busy(channel)
    finally:
        import_orders(channel, orders, asked=True)
        wanted.without((asked - wishing.keys()) | aside.failed.keys())
    aside.failed |= wishes.answer(channel, shop, set(wishing.values()))
    wanted.without(wishing)


def _ask_one(channel: Channel, shop: Marketplace, order_id: str, wanted: Wanted) -> tuple[port.ChannelOrder | None, bool]:
    """The order, None where there is none any more, or none that can be read, which is noted; and whether the shop waits to hear whether it can be
    cancelled.
    """
    try:
        order = shop.order(order_id)
    except NotOnChannel:
        settle(channel, order_book.record_deleted(channel, order_id))
    except CredentialsRefused:
        raise
    except (MessageUnreadable, ChannelRefused) as error:  # of this one order: the others are not held up by it
        if isinstance(error, ChannelRefused) and error.not_possible:
            return None, _go_by_its_word(channel, order_id, wanted)
        reason = troubles.kept(error) if isinstance(error, ChannelRefused) else error.details["reason"]
        order_book.record_unreadable(channel, [port.UnreadableOrder(order_id, reason)])
    else:
        return order, order.cancellation_requested
    return None, False


def _go_by_its_word(channel: Channel, order_id: str, wanted: Wanted) -> bool:
    """Of an order whose shop cannot be asked what it is now, what it said last counts, if that is kept; what cannot be read is shown to people.

    Answers whether the shop waits to hear whether it can be cancelled: its last word may be that its buyer does not want that any more.
    """
    wishing = order_book.as_good_as_cancelled(channel, order_id) if order_id in wanted.wished else []
    _settle(channel, wishing)
    if order_id in wanted.order_ids:
        if kept := opened_again.take_in(channel, order_id):
            _settle(channel, kept)
        else:
            order_book.record_unreadable(channel, [port.UnreadableOrder(order_id, troubles.CANNOT_SAY)])
    return bool(wishing)


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
        for order_id, error in wishes.answer(
            channel, shop, [order.order_id for order in page.orders if order.cancellation_requested]
        ).items():
            put_aside(channel, order_id, error, wished=True)
        order_book.record_unreadable(channel, [order for order in page.unreadable if not order.again])
        for order in page.unreadable:
            if order.again:  # asked for alone
                put_aside(channel, order.order_id, ChannelUnavailable(reason=order.reason, answered=True))
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
        raise CallThrottled(reason=port.reasons.NO_CALLS, retry_after=wait_s, answered=True)


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
