"""Shopify, Admin GraphQL API 2026-10."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplaces.abilities import ShopPlace
from marketplaces.adapters.shopify import access, places, webhooks
from marketplaces.adapters.shopify.backorders import Backorders
from marketplaces.adapters.shopify.connection import Connection, gid, number_of
from marketplaces.adapters.shopify.orders import Orders
from marketplaces.adapters.shopify.stock import BATCH_SIZE, Stock
from marketplaces.adapters.shopify.tracking import TrackingDesk
from marketplaces.adapters.shopify.work import WorkList
from marketplaces.port import (
    Allowance,
    Capabilities,
    ChannelEvent,
    ChannelOrder,
    ListingPage,
    Marketplace,
    OrderPage,
    Pace,
    PushResult,
    StockLevel,
    Subscription,
    Tracking,
)

NAME = "Shopify"
# The app's access token and client secret, and the id of the shop's location that the warehouses are, unless each is one of its own.
CREDENTIALS = ("access_token", "client_secret", "location_id")
EXAMPLE = "https://shop.myshopify.com/admin/api/2026-10"
LABELS: dict[str, str | Promise] = {
    "access_token": _("Admin API access token"),
    "client_secret": _("The app's client secret"),
    "location_id": _("Location: the number at the end of its address in the shop's settings"),
}
# What the app has to be allowed. Fulfilment orders that it may not see are simply left out of an order.
SCOPES = (
    "read_products",
    "write_products",
    "read_inventory",
    "write_inventory",
    "read_orders",
    "write_orders",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "write_assigned_fulfillment_orders",
)
# The smallest plan's points (https://shopify.dev/docs/api/usage/limits), and about what our calls are charged.
PACE = Pace(maximum=2000, per_second=100, push=100, rows=BATCH_SIZE, poll=500)
CAPABILITIES = Capabilities(
    batch_size=BATCH_SIZE,
    pace=PACE,
    compare_and_set=True,
    locations=True,
    ship_by=True,
    cancel=True,
    cancellation_requests=True,
    webhooks=True,
)


class Shopify:
    """One location of one shop, or several of them (`at`). Stateless but for its address and keys; threads may share it."""

    most_looked_at = 20  # by the points of such a call

    def __init__(
        self, *, base_url: str, access_token: str, client_secret: str, location_id: str, client: httpx.Client | None = None
    ) -> None:
        self.capabilities = CAPABILITIES
        self._client_secret = client_secret
        self._connection = Connection(base_url=base_url, access_token=access_token, client=client)
        self.own_location = number_of(gid("Location", location_id))
        self._backorders = Backorders(self._connection)
        self._webhooks = webhooks.Webhooks(self._connection)
        self._serve(())

    def _serve(self, locations: Sequence[str]) -> None:
        own = gid("Location", self.own_location)
        self._served = [gid("Location", location) for location in locations] or [own]
        work = WorkList(self._connection, self._served, several=bool(locations))
        self._stock = Stock(self._connection, own, locations)
        self._orders = Orders(self._connection, work)
        self._tracking = TrackingDesk(self._connection, work)

    def tells_apart(self) -> bool:
        return True

    def at(self, locations: Sequence[str]) -> "Shopify":
        there = copy(self)
        there._serve(locations)
        return there

    def places(self) -> list[ShopPlace]:
        return places.every(self._connection)

    @property
    def allowance(self) -> Allowance | None:
        return self._connection.bucket.allowance

    def try_out(self) -> None:
        """The shop says itself what is granted, and whether it has our locations."""
        access.check(self._connection, SCOPES, self._served)

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        return self._stock.push(levels)

    def stop_backorders(self, listing_ids: Sequence[str]) -> dict[str, str]:
        return self._backorders.stop(listing_ids)

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
        self._orders.answer_cancellation(order_id, accepted=accepted)

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """The shop signs with the app's client secret: `secret` is not needed."""
        return self._webhooks.subscribe(url=url)

    def unsubscribe_webhooks(self, *, url: str) -> int:
        return self._webhooks.unsubscribe(url=url)

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        return webhooks.read(headers=headers, body=body, secret=self._client_secret)

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        return webhooks.reread(headers=headers, body=body)

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """Shopify never asks."""
        return None


def connect(*, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    return Shopify(
        base_url=base_url,
        access_token=credentials["access_token"],
        client_secret=credentials["client_secret"],
        location_id=credentials["location_id"],
    )
