"""A merchant's shop is connected, and its offers are tied to skus and bundles."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku, Warehouse
from marketplaces import (
    adapters,
    leaving,
    mapping,
    nothing_to_ship,
    order_asking,
    places,
    same_shop,
    shop_address,
    standings,
    stock_sync,
    subscribing,
)
from marketplaces.abilities import Reports
from marketplaces.calling import calling, keep_busy, need_lists
from marketplaces.gone import need_connected
from marketplaces.holding import hold
from marketplaces.models import Bundle, Channel, Listing
from marketplaces.port import ChannelListing
from marketplaces.telling import publish
from wms.core import outbox, sealing
from wms.core.errors import InvalidInput, WmsError
from wms.core.models import Merchant, User

log = logging.getLogger(__name__)

# What waits in a channel's lane for its shop to be asked, in the order of the routes.
LANES = (
    "channel.stale",
    "channel.shown",
    "channel.left",
    "channel.submitted",
    "channel.heard",
    "channel.offered",
    "channel.queued",
    "channel.lapsed",
    "channel.aged",
    "parcel.left",
    "order.withdrawn",
)


class SandboxHasNoShops(WmsError):
    code, status, message = "sandbox_has_no_shops", 409, _("{merchant} is in the sandbox: no shop is connected to it.")


def connect(
    *,
    merchant: Merchant,
    warehouse: Warehouse,
    further: Sequence[Warehouse] = (),
    routing: str = Channel.Routing.FALLBACK,
    adapter: str,
    base_url: str,
    credentials: Mapping[str, str],
    name: str,
    code: str = "",
    buffer: int | None = None,
    share_percent: int | None = None,
    cap: int | None = None,
    alone: bool = False,
) -> Channel:
    """Remember a shop, with nothing sent to it (marketplaces.trying does) but the question who sells there, where that has to be known.

    `code` begins its orders' references; without one it is made from the name.
    `further` warehouses come after the first one; `routing` is a Channel.Routing. `alone`: no other channel of the merchant's may be this shop.

    Raises ShopIsConnected, UnknownMarketplace, CredentialsMissing, ChannelRefused for an address that is none, InvalidInput for a code that is
    taken, SandboxHasNoShops.
    """
    if merchant.sandbox:
        raise SandboxHasNoShops(merchant=merchant.code)
    adapters.connect(adapter, base_url=base_url, credentials=credentials)
    code = code or _new_code(merchant, re.sub(r"[^A-Z0-9]+", "", name.upper())[:12] or "SHOP")
    if Channel.objects.filter(merchant=merchant, code=code).exists():
        raise InvalidInput([{"path": ["code"], "message": str(_("The merchant has a channel with this code."))}])
    shop: dict[str, Any] = {"merchant": merchant, "adapter": adapter, "base_url": base_url, "credentials": credentials}
    seller = same_shop.who_sells(**shop) if alone else ""
    with transaction.atomic():
        if alone:
            same_shop.need_another(**shop, seller=seller)
        user = User.objects.create_user(f"channel-{secrets.token_hex(8)}", first_name=name[:150], merchant=merchant)
        channel = Channel.objects.create(
            merchant=merchant,
            routing=routing,
            user=user,
            code=code,
            name=name,
            adapter=adapter,
            base_url=base_url,
            seller=seller[:100],
            credentials=sealing.seal(dict(credentials)),
            webhook_secret=sealing.seal({"secret": secrets.token_urlsafe(32)}),
            buffer=buffer,
            share_percent=share_percent,
            cap=cap,
        )
        places.place(channel, dict.fromkeys([warehouse, *further], ""))
        standings.set_rules(channel)
        return channel


def _new_code(merchant: Merchant, wanted: str) -> str:
    """That of a channel that was disconnected goes on beginning the references of its orders: whoever connects it again has another one."""
    used = dict(Channel.objects.filter(merchant=merchant, code__startswith=wanted).values_list("code", "disconnected_at"))
    if used.get(wanted) is None:
        return wanted
    return next(code for number in count(2) if (code := f"{wanted}{number}") not in used)


def change_credentials(*, channel: Channel, credentials: Mapping[str, str], base_url: str | None = None) -> bool:
    """New keys or a new address: the shop is tried again at once, with all that waits for it, and told all its numbers: they may lead to another
    account or place, which was told none of them. The place that is left is told 0.

    Answers whether it is another address or account, and the old one may have been told numbers: nobody tells it 0.
    Raises CredentialsMissing, ChannelRefused, ChannelGone, ShopIsConnected.
    """
    base_url = base_url or channel.base_url
    now = leaving.own_location(adapters.connect(channel.adapter, base_url=base_url, credentials=credentials))
    there: dict[str, Any] = {"merchant": channel.merchant, "adapter": channel.adapter, "base_url": base_url, "credentials": credentials}
    seller = same_shop.who_sells(**there, channel=channel)
    with transaction.atomic():
        same_shop.need_another(**there, seller=seller, channel=channel)
        hold(channel.pk)
        # As they are by now: somebody else may have changed them, too, and what he left is told 0 as well.
        known = Channel.objects.get(pk=channel.pk)
        need_connected(known)
        before, after = (adapters.account(channel.adapter, keys) for keys in (known.opened_credentials(), credentials))
        moved = (shop_address.of(known.base_url), before) != (shop_address.of(base_url), after)
        channel.credentials, channel.base_url = sealing.seal(dict(credentials)), base_url
        channel.seller = seller[:100]
        channel.failures, channel.quiet_until, channel.last_error = 0, None, ""
        channel.save(update_fields=["credentials", "base_url", "seller", "failures", "quiet_until", "last_error"])
        if moved:
            leaving.leave_shop(known)
        else:
            leaving.leave(known, leaving.place_of(known), now)
        stock_sync.stale_all(channel, "all")
        subscribing.ask(channel.pk)
        outbox.hurry(LANES, lane=channel.pk)
    return moved and channel.listings.exists()


_KEEP_LISTINGS = """
INSERT INTO marketplaces_listing AS known
    (channel_id, merchant_id, external_id, external_sku, external_barcode, title, last_error, sells_without_stock, said_at)
SELECT %(channel)s, %(merchant)s, l.external_id, l.external_sku, l.external_barcode, l.title, '', l.sells_without_stock, l.said_at
FROM unnest(%(ids)s::text[], %(skus)s::text[], %(barcodes)s::text[], %(titles)s::text[], %(unlimited)s::bool[], %(said)s::timestamptz[])
  AS l (external_id, external_sku, external_barcode, title, sells_without_stock, said_at)
ON CONFLICT (channel_id, external_id) DO UPDATE
SET external_sku = EXCLUDED.external_sku, external_barcode = EXCLUDED.external_barcode, title = EXCLUDED.title,
    sells_without_stock = EXCLUDED.sells_without_stock, said_at = coalesce(EXCLUDED.said_at, known.said_at)
WHERE (known.external_sku, known.external_barcode, known.title, known.sells_without_stock, coalesce(EXCLUDED.said_at, known.said_at))
      IS DISTINCT FROM (EXCLUDED.external_sku, EXCLUDED.external_barcode, EXCLUDED.title, EXCLUDED.sells_without_stock, known.said_at)
  AND coalesce(EXCLUDED.said_at >= known.said_at, TRUE)
"""


def fetch_listings(*, channel: Channel) -> int:
    """Read what the shop sells and tie it to skus and bundles; answers how many offers there are. What a person tied stays tied.

    Raises CannotBeAsked, ChannelQuiet.
    """
    cursor, fetched = "", set[str]()
    with calling(channel) as shop:
        need_lists(shop, channel)
        while True:
            asked_at = timezone.now()
            page = shop.listings(cursor=cursor)
            keep_busy(channel)
            said = {listing.listing_id: asked_at for listing in page.listings} if isinstance(shop, Reports) else None
            keep_listings(channel=channel, listings=page.listings, said=said)
            fetched.update(listing.listing_id for listing in page.listings)  # of several places each comes several times
            if not page.cursor or page.cursor == cursor:
                break
            cursor = page.cursor
    tie_by_code(channel=channel)
    return len(fetched)


def keep_listings(*, channel: Channel, listings: Iterable[ChannelListing], said: Mapping[str, datetime] | None = None) -> None:
    """Write down what the shop sells; of two with one id the last counts. `said`: when it said so, by the listings' ids, where it says so by
    itself: what it has said of a listing since stays.
    """
    kept = {listing.listing_id: listing for listing in listings if listing.listing_id}
    with transaction.atomic(), connection.cursor() as cursor:
        hold(channel.pk)
        cursor.execute(
            _KEEP_LISTINGS,
            {
                "channel": channel.pk,
                "merchant": channel.merchant_id,
                "ids": list(kept),
                "skus": [listing.sku[:100] for listing in kept.values()],
                "barcodes": [listing.barcode[:80] for listing in kept.values()],
                "titles": [listing.title[:300] for listing in kept.values()],
                "unlimited": [listing.sells_without_stock for listing in kept.values()],
                "said": [said.get(key) if said else None for key in kept],
            },
        )


_NOTHING = """EXISTS (
    SELECT FROM marketplaces_nothingtoship n WHERE n.channel_id = l.channel_id
      AND (n.external_id = l.external_id OR n.external_id = '' AND n.external_sku = l.external_sku)
)"""
_TIE = f"""
UPDATE marketplaces_listing l SET sku_id = s.id FROM inventory_sku s
WHERE l.channel_id = %s AND l.sku_id IS NULL AND l.bundle_id IS NULL AND NOT l.untied AND l.external_sku <> ''
  AND s.merchant_id = l.merchant_id AND s.code = l.external_sku AND s.active AND NOT {_NOTHING}
RETURNING l.id
"""
_TIE_BUNDLES = f"""
UPDATE marketplaces_listing l SET bundle_id = b.id FROM marketplaces_bundle b
WHERE l.channel_id = %s AND l.sku_id IS NULL AND l.bundle_id IS NULL AND NOT l.untied AND l.external_sku <> ''
  AND b.merchant_id = l.merchant_id AND b.code = l.external_sku AND NOT {_NOTHING}
RETURNING l.id
"""


def tie_by_code(*, channel: Channel) -> int:
    """Tie offers to the skus, else to the bundles with the same code; answers how many were tied. The others stay on the list of the unmapped, and
    so does what a person untied, or said is nothing to ship.
    """
    with transaction.atomic():
        hold(channel.pk)
        tied: list[int] = []
        with connection.cursor() as cursor:
            for statement in (_TIE, _TIE_BUNDLES):
                cursor.execute(statement, [channel.pk])
                tied += [key for (key,) in cursor.fetchall()]
        have_tied(channel, tied)
    return len(tied)


# What nobody ever tied waits for a sku of its code also after somebody saved its form.
_WAS_TIED = Q(untied=True) | Q(sku__isnull=False) | Q(bundle__isnull=False)


def tie(*, listing: Listing, sku: Sku | None = None, bundle: Bundle | None = None) -> None:
    """Tie one offer to a sku or to a bundle by hand; without either untie it: then its shop is told 0, once.

    What was untied stays so until it is tied by hand again.
    """
    if sku is not None and sku.merchant_id != listing.merchant_id:
        raise InvalidInput([{"path": ["sku"], "message": str(_("Unknown sku."))}])
    if bundle is not None and bundle.merchant_id != listing.merchant_id:
        raise InvalidInput([{"path": ["bundle"], "message": str(_("Unknown bundle."))}])
    if sku is not None and bundle is not None:
        raise InvalidInput([{"path": ["bundle"], "message": str(_("A listing is tied to a sku or to a bundle, not to both."))}])
    with transaction.atomic():
        hold(listing.channel_id)
        listing.sku, listing.bundle = sku, bundle
        Listing.objects.filter(pk=listing.pk).update(sku=sku, bundle=bundle, untied=False if sku or bundle else _WAS_TIED)
        have_tied(listing.channel, [listing.pk])


def have_tied(channel: Channel, listing_ids: Sequence[int]) -> None:
    """A step, with the channel held, where these are tied to others now: shops are told, and what waits for them is tried again.

    Also while it is paused, whose lanes drop it: it may go on in this very moment, and tell what it finds tied.
    """
    if not listing_ids:
        return
    nothing_to_ship.forget(channel, listing_ids)
    publish(channel, mapping.count_waiting(channel, listing_ids))
    stock_sync.stale(channel.pk, listing_ids, "tied")
    order_asking.goods_are_known(channel)
