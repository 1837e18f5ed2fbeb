"""Goods that shops have sold and nobody has tied to a sku yet: told once, every order that waits for them and every later one is taken in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from inventory.models import Sku
from marketplaces import channels, nothing_to_ship, order_asking
from marketplaces.holding import hold
from marketplaces.models import Bundle, Channel, Listing
from marketplaces.port import ChannelListing
from wms.core.errors import InvalidInput, NotFound
from wms.core.models import User

MOST = 100


@dataclass(frozen=True, slots=True)
class Goods:
    """`listing_id` is the shop's own id, "" where its orders name the goods by `sku` alone and no listing has that sku; `units` are waited for."""

    listing_id: str
    sku: str
    title: str
    orders: int
    units: int

    def __str__(self) -> str:
        return self.sku or self.listing_id


# An order's line names its goods by the listing, else by the shop's sku: of several listings with that sku the first stands for it.
_WAITING = """
SELECT coalesce(g.external_id, l.listing_id, ''), coalesce(nullif(l.sku, ''), g.external_sku, ''), coalesce(max(g.title), max(l.title), ''),
       count(DISTINCT o.id), sum(l.quantity)::bigint
FROM marketplaces_channelorder o
CROSS JOIN LATERAL jsonb_to_recordset(o.lines) AS l (listing_id text, sku text, title text, components jsonb, ships boolean, quantity bigint)
LEFT JOIN LATERAL (
    SELECT external_id, external_sku, title FROM marketplaces_listing
    WHERE channel_id = o.channel_id AND (external_id = l.listing_id OR coalesce(l.listing_id, '') = '' AND l.sku <> '' AND external_sku = l.sku)
    ORDER BY id LIMIT 1
) g ON true
WHERE o.channel_id = %s AND o.problem <> '' AND o.status = 'unmapped' AND o.shop_state = 'open' AND jsonb_array_length(coalesce(l.components, '[]')) = 0
  AND l.ships IS DISTINCT FROM FALSE
GROUP BY 1, 2 ORDER BY 4 DESC, 2, 1 LIMIT %s
"""


def waiting(channel: Channel) -> list[Goods]:
    """What the channel's open orders wait for, most orders first. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [channel.pk, MOST])
        return [Goods(*row) for row in cursor.fetchall()]


def tie(*, channel: Channel, listing_id: str, sku: Sku | None = None, bundle: Bundle | None = None) -> None:
    """Tie goods that an order waits for to a sku or a bundle of the merchant, also where the shop has not listed them yet. Raises NotFound, InvalidInput."""
    goods = next((goods for goods in waiting(channel) if goods.listing_id == listing_id), None) if listing_id else None
    if goods is None:
        raise NotFound(what=str(Listing._meta.verbose_name), key=listing_id)
    with transaction.atomic():
        if not channel.listings.filter(external_id=listing_id).exists():
            channels.keep_listings(
                channel=channel, listings=[ChannelListing(listing_id=listing_id, sku=goods.sku, title="", quantity=None)]
            )
        channels.tie(listing=channel.listings.get(external_id=listing_id), sku=sku, bundle=bundle)


@transaction.atomic(durable=True)
def say_nothing_to_ship(*, channel: Channel, listing_id: str, sku: str, by: User) -> None:
    """Of an untied listing, by the shop's id, or of what an order waits for and names by the shop's `sku` alone: it is nothing that anybody ships.

    Raises NotFound, and InvalidInput for what is tied by now.
    """
    hold(channel.pk)
    if nothing_to_ship.is_said(channel, listing_id, sku):
        return
    listing = channel.listings.filter(external_id=listing_id).select_related("sku", "bundle").first() if listing_id else None
    if listing is not None:
        if (ours := listing.sku or listing.bundle) is not None:
            raise InvalidInput([{"path": ["listing"], "message": tied_already(listing, ours)}])
        nothing_to_ship.note(channel, listing_id, listing.external_sku, by)
        return
    found = (goods for goods in waiting(channel) if goods.listing_id == listing_id and (listing_id or goods.sku == sku))
    if (goods := next(found, None)) is None:
        raise NotFound(what=str(Listing._meta.verbose_name), key=listing_id or sku)
    nothing_to_ship.note(channel, listing_id, goods.sku, by)


def tied_already(listing: Listing, ours: Sku | Bundle) -> str:
    """For who would have said something else of it."""
    return _("%(key)s is tied to %(code)s already: untie it first.") % {"key": listing, "code": ours.code}


def entered(merchant_ids: Collection[int]) -> None:
    """Skus or bundles of these merchants are known now: listings of the same code are tied, and orders that waited for the goods are tried again.

    A step where the caller has a transaction. Also of paused channels: one may go on in this very moment, before what was entered is there.
    """
    for channel in Channel.objects.filter(merchant__in=merchant_ids, disconnected_at=None).order_by("pk"):
        with transaction.atomic():
            channels.tie_by_code(channel=channel)
            order_asking.goods_are_known(channel)


def skus_entered(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `sku.entered` {merchant_id}."""
    entered({payload["merchant_id"] for payload in payloads})
