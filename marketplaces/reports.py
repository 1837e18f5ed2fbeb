"""What a shop says by itself through our API, its orders and its offers, in documents that its adapter reads; and the offers of its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from marketplaces import by_hand, channels, deliveries, order_asking, order_import, port
from marketplaces.abilities import Reports
from marketplaces.calling import ChannelQuiet, open_shop
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import MessageUnreadable
from wms.core.errors import WmsError

# Of one import: so many orders are locked, committed and answered together.
BATCH = 100
# Some shops show more than they were told whatever they are told.
LOOKED_AT_PAUSE_S = 3600.0


class NotReported(WmsError):
    code, status, message = "channel_reports_nothing", 409, _("{channel} is asked by us for its orders and offers: it sends in none.")


class ChannelPaused(WmsError):
    code, status, message = "channel_paused", 409, _("{channel} is paused. Send it again when it goes on.")


def _reader(channel: Channel) -> Reports:
    shop = open_shop(channel)
    if not isinstance(shop, Reports):
        raise NotReported(channel=channel.name)
    if not channel.active:
        raise ChannelPaused(channel=channel.name)
    return shop


def take_orders(*, channel: Channel, documents: Sequence[Mapping[str, Any]]) -> list[ChannelOrder | MessageUnreadable | None]:
    """Take in what the shop says of these orders now; repeated, late or overtaken, it changes nothing.

    Answers, for each document, the order as it stands now: None where there is nothing to do with it (never seen and not open), an error
    where it makes no sense. Raises NotReported, ChannelPaused.
    """
    shop = _reader(channel)
    answers: list[ChannelOrder | MessageUnreadable | None] = []
    for start in range(0, len(documents), BATCH):
        read = [_read(shop, document) for document in documents[start : start + BATCH]]
        orders = [order for order in read if isinstance(order, port.ChannelOrder)]
        order_import.import_orders(channel, orders)
        with transaction.atomic():  # a shop that asked whether an order can still be cancelled may also want a call that says so
            order_asking.ask_of_wishes(channel.pk, [order.order_id for order in orders if order.cancellation_requested])
        ids = [order.order_id for order in orders]
        rows = {row.external_id: row for row in channel.orders.filter(external_id__in=ids).prefetch_related("parts__order")}
        answers += [rows.get(order.order_id) if isinstance(order, port.ChannelOrder) else order for order in read]
    return answers


def _read(shop: Reports, document: Mapping[str, Any]) -> port.ChannelOrder | MessageUnreadable:
    try:
        return shop.read_order(document)
    except MessageUnreadable as error:
        return error


def take_listings(*, channel: Channel, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write down what the shop sells, tie it to skus, and have told again what shows more than it was told. Answers the listings' ids.

    Raises NotReported, ChannelPaused, MessageUnreadable.
    """
    shop, said_at = _reader(channel), timezone.now()
    listings = [shop.read_listing(document) for document in documents]
    shown = {listing.listing_id: shop.read_shown(document) for listing, document in zip(listings, documents, strict=True)}
    _keep(channel, listings, shown, dict.fromkeys(shown, said_at))
    return [listing.listing_id for listing in listings]


def hear_listings(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `channel.offered` {channel_id, delivery_id}, one channel's events at a time: messages that bring a whole offer each.

    Raises ChannelQuiet for what a paused shop has said: it waits until the channel goes on.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"]).first()
    if channel is None or channel.gone:
        return
    if not channel.active:  # nobody asks it for its offers when it goes on
        raise ChannelQuiet(channel, order_import.PAUSED_S)
    events: dict[str, port.ChannelEvent] = {}  # of two words of one offer the later one, whichever came first
    said: dict[str, datetime] = {}
    for delivery, event in deliveries.events(channel, [payload["delivery_id"] for payload in payloads]):
        if event is None:
            continue
        said_at = event.said_at or delivery.received_at
        if said_at >= said.get(event.listing_id, said_at):
            events[event.listing_id], said[event.listing_id] = event, said_at
    _keep(channel, [event.listing for event in events.values() if event.listing], {key: event.shown for key, event in events.items()}, said)


def look_at(channel: Channel, listings: Sequence[port.ChannelListing], asked_at: datetime) -> None:
    """What the shop has just answered of its offers, each at each of its places. One that shows more again and again is told so once an hour."""
    shown: dict[str, dict[str, int]] = {}
    for listing in listings:
        if listing.quantity is not None:
            shown.setdefault(listing.listing_id, {})[listing.location] = listing.quantity
    _keep(channel, listings, shown, {listing.listing_id: asked_at for listing in listings}, pause_s=LOOKED_AT_PAUSE_S)


def _keep(
    channel: Channel,
    listings: Sequence[port.ChannelListing],
    shown: Mapping[str, Mapping[str, int]],
    said: Mapping[str, datetime],
    pause_s: float = 0.0,
) -> None:
    """Offers are written down and tied to the skus of their codes; what they show is looked at. By their ids: what, and when it was said."""
    with transaction.atomic():
        channels.keep_listings(channel=channel, listings=listings, said=said)
        channels.tie_by_code(channel=channel)
        by_hand.notice(channel, shown, said, pause_s=pause_s)
