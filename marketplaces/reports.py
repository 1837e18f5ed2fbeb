"""What a shop says by itself through our API: its orders and its offers, in documents that its adapter reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from marketplaces import channels, order_import, port, stock_sync
from marketplaces.abilities import Reports
from marketplaces.calling import open_shop
from marketplaces.models import Channel, ChannelOrder
from marketplaces.port import MessageUnreadable
from wms.core import outbox
from wms.core.errors import WmsError

# Of one import: so many orders are locked, committed and answered together.
BATCH = 100


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
        _have_answered(channel, orders)
        ids = [order.order_id for order in orders]
        rows = {row.external_id: row for row in channel.orders.filter(external_id__in=ids).prefetch_related("parts__order")}
        answers += [rows.get(order.order_id) if isinstance(order, port.ChannelOrder) else order for order in read]
    return answers


def _have_answered(channel: Channel, orders: Sequence[port.ChannelOrder]) -> None:
    """A shop that asked whether an order can still be cancelled may also want a call that says so."""
    asked = [order.order_id for order in orders if order.cancellation_requested]
    if asked:
        with transaction.atomic():
            outbox.emit("channel.heard", lane=channel.pk, channel_id=channel.pk, order_ids=asked)


def _read(shop: Reports, document: Mapping[str, Any]) -> port.ChannelOrder | MessageUnreadable:
    try:
        return shop.read_order(document)
    except MessageUnreadable as error:
        return error


def take_listings(*, channel: Channel, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write down what the shop sells, tie it to skus, and have told again what shows more than it was told. Answers the listings' ids.

    Raises NotReported, ChannelPaused, MessageUnreadable.
    """
    shop = _reader(channel)
    listings = [shop.read_listing(document) for document in documents]
    shown = {listing.listing_id: shop.read_shown(document) for listing, document in zip(listings, documents, strict=True)}
    with transaction.atomic():
        channels.keep_listings(channel=channel, listings=listings)
        channels.tie_by_code(channel=channel)
        stock_sync.notice(channel, shown)
    return [listing.listing_id for listing in listings]
