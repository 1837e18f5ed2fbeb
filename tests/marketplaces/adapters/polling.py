"""What a channel's worker does with a shop of any platform: page by page, on from where it stood."""

from datetime import datetime, timedelta

from marketplaces.port import ChannelError, ChannelOrder, Marketplace
from tests.marketplaces.adapters.clock import NOON, Clock


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


def poll_again_and_again(
    shop: Marketplace,
    clock: Clock,
    *,
    since: datetime = NOON - timedelta(hours=1),
    times: int = 200,
    wait: timedelta = timedelta(hours=1),
) -> list[str]:
    """The ids of all orders that come in, each once, though calls fail: the next one is made after so long, with the cursor of the last
    page that was read.
    """
    found: dict[str, None] = {}
    cursor = ""
    for _time in range(times):
        try:
            page = shop.orders(since=since, cursor=cursor)
        except ChannelError:
            clock.now += wait
            continue
        found |= dict.fromkeys(order.order_id for order in page.orders)
        cursor = page.cursor
        if not page.more:
            break
    return list(found)
