"""What a storefront shows is looked at a few pages at a time, all day round: a number that somebody raised there by hand, and the shop never spoke of, is
told again long before the night's comparison of all of them, and the shop is asked no more often than for its orders.
"""

from __future__ import annotations

from django.utils import timezone

from marketplaces import reports
from marketplaces.abilities import Reports
from marketplaces.calling import calling, keep_busy, open_shop
from marketplaces.models import Channel
from marketplaces.port import ChannelRefused, CredentialsRefused, ListingPage, Marketplace

PAGES = 5


def look(channel: Channel) -> int:
    """Look at the next pages of what the shop lists, and after the last one at the first again; answers how many listings that were.

    Nothing happens at a shop that lists nothing, or has its numbers' changes pushed by its platform. Raises ChannelQuiet, UnknownMarketplace.
    """
    if not isinstance(open_shop(channel), Reports):
        return 0
    count = 0
    with calling(channel) as shop:
        if not shop.capabilities.lists:
            return 0
        for _number in range(PAGES):
            asked_at = timezone.now()
            page = _next(shop, channel.shown_cursor)
            keep_busy(channel)
            reports.look_at(channel, page.listings, asked_at)
            count += len(page.listings)
            channel.shown_cursor = page.cursor
            channel.save(update_fields=["shown_cursor"])
            if not page.cursor:
                break
    return count


def _next(shop: Marketplace, cursor: str) -> ListingPage:
    """From the first page on where the shop refuses its cursor: it may be too old."""
    try:
        return shop.listings(cursor=cursor)
    except CredentialsRefused:
        raise
    except ChannelRefused:
        if not cursor:
            raise
        return shop.listings()
