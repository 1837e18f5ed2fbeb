"""WooCommerce, REST API wc/v3."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplaces.adapters._http import needing
from marketplaces.adapters.woocommerce import webhooks
from marketplaces.adapters.woocommerce.connection import PER_PAGE, Connection
from marketplaces.adapters.woocommerce.orders import Orders
from marketplaces.adapters.woocommerce.stock import BATCH_SIZE, Stock
from marketplaces.adapters.woocommerce.tracking import TrackingDesk
from marketplaces.port import (
    Allowance,
    Capabilities,
    ChannelEvent,
    ChannelOrder,
    ListingPage,
    Marketplace,
    OrderPage,
    PushResult,
    StockLevel,
    Subscription,
    Tracking,
)

NAME = "WooCommerce"
CREDENTIALS = ("consumer_key", "consumer_secret")
EXAMPLE = "https://shop.example/wp-json/wc/v3"
LABELS: dict[str, str | Promise] = {
    "consumer_key": gettext_lazy("Consumer key"),
    "consumer_secret": gettext_lazy("Consumer secret"),
}
CAPABILITIES = Capabilities(batch_size=BATCH_SIZE, cancel=True, webhooks=True)


class WooCommerce:
    """One shop. Stateless but for its address, its keys and the batch size that it turned out to take; threads may share it."""

    most_looked_at = PER_PAGE

    def __init__(self, *, base_url: str, consumer_key: str, consumer_secret: str, client: httpx.Client | None = None) -> None:
        self.capabilities = CAPABILITIES
        self._connection = connection = Connection(
            base_url=base_url, consumer_key=consumer_key, consumer_secret=consumer_secret, client=client
        )
        self._stock = Stock(connection)
        self._orders = Orders(connection)
        self._tracking = TrackingDesk(connection)
        self._webhooks = webhooks.Webhooks(connection)

    @property
    def allowance(self) -> Allowance | None:
        """WooCommerce itself never says; what stands before it may."""
        return self._connection.allowance

    def try_out(self) -> None:
        """Orders are read, and products changed by a batch that holds none: a key may be for reading alone, which WordPress answers as 401."""
        with needing(_("reading orders")):
            self._connection.get_list("orders", per_page=1)
        with needing(_("changing products"), statuses=(401, 403)):
            self._connection.send("POST", "products/batch", body={"update": []})

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        return self._stock.push(levels)

    def stop_backorders(self, listing_ids: Sequence[str]) -> dict[str, str]:
        return self._stock.stop_backorders(listing_ids)

    def listings(self, *, cursor: str = "") -> ListingPage:
        return self._stock.listings(cursor)

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        return self._orders.changed(since=since, cursor=cursor)

    def order(self, order_id: str) -> ChannelOrder:
        return self._orders.one(order_id)

    def last_changes(self, order_ids: Sequence[str]) -> Mapping[str, datetime]:
        return self._orders.last_changes(order_ids)

    def send_tracking(self, tracking: Tracking) -> None:
        self._tracking.send(tracking)

    def cancel(self, order_id: str) -> None:
        self._orders.cancel(order_id)

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        """WooCommerce never asks: what is cancelled there is cancelled."""

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        return self._webhooks.subscribe(url=url, secret=secret)

    def unsubscribe_webhooks(self, *, url: str) -> int:
        return self._webhooks.unsubscribe(url=url)

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        return webhooks.read(headers=headers, body=body, secret=secret)

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        return webhooks.reread(headers=headers, body=body)

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """WooCommerce never asks."""
        return None


def connect(*, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    return WooCommerce(base_url=base_url, consumer_key=credentials["consumer_key"], consumer_secret=credentials["consumer_secret"])
