"""What a channel's worker does with a shop of any platform: page by page, on from where it stood."""

from datetime import datetime, timedelta

from marketplaces.port import ChannelOrder, Marketplace
from tests.marketplaces.adapters.clock import NOON


def poll(
    shop: Marketplace, cursor: str = "", *, since: datetime = NOON - timedelta(hours=1), pages: int = 40
) -> tuple[list[ChannelOrder], str]:
    """The orders of all pages until there are no more, and where the next poll goes on."""
    found: list[ChannelOrder] = []
    for _page in range(pages):
        page = shop.orders(since=since, cursor=cursor)
        found, cursor = [*found, *page.orders], page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the poll never ends")
