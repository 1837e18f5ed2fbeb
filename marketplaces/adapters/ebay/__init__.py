"""eBay: Sell Inventory, Sell Fulfillment, Commerce Notification, and the post-order interface for cancelling."""

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplaces.abilities import ShopPlace
from marketplaces.adapters._http import needing
from marketplaces.adapters.ebay import connection, messages, places, webhooks
from marketplaces.adapters.ebay.connection import Connection
from marketplaces.adapters.ebay.limits import FULFILMENT, limits_of
from marketplaces.adapters.ebay.orders import Orders
from marketplaces.adapters.ebay.stock import BATCH_SIZE, DAILY_REVISIONS, DAY, Stock
from marketplaces.adapters.ebay.tracking import TrackingDesk
from marketplaces.port import (
    Allowance,
    CallThrottled,
    Capabilities,
    ChannelEvent,
    ChannelOrder,
    ChannelThrottled,
    ListingPage,
    Marketplace,
    OrderPage,
    Pace,
    PushError,
    PushResult,
    StockLevel,
    Subscription,
    Tracking,
    reasons,
)
from marketplaces.rules import Measure, Rule

NAME = "eBay"
# The application's keys (App ID, Cert ID), and what the seller granted it.
CREDENTIALS = ("client_id", "client_secret", "refresh_token")
SELLER = ("refresh_token",)
EXAMPLE = "https://api.ebay.com"
LABELS: dict[str, str | Promise] = {
    "client_id": gettext_lazy("App ID (client ID)"),
    "client_secret": gettext_lazy("Cert ID (client secret)"),
    "refresh_token": gettext_lazy("Refresh token of the seller's consent"),
}
# What the seller has to grant. The notification API also takes the application's own token, which has the first.
SCOPES = (
    "https://api.ebay.com/oauth/api_scope",
    "https://api.ebay.com/oauth/api_scope/sell.inventory",
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
    "https://api.ebay.com/oauth/api_scope/commerce.notification.subscription",
)
# Seller standards of level Above Standard: no more than 7 % and 7 orders late, 2 % and 4 defects, of which the books know orders that
# the seller cancelled. Top Rated asks for 3 % and 5, and for 0.5 % and 3. Three months for sellers with 400 sales in them, else twelve.
# From eBay's help pages, which differ by country: the levels of each seller are put in by hand.
RULES = (Rule(Measure.LATE, 90, Decimal(7), at_least=8), Rule(Measure.CANCELLED, 90, Decimal(2), at_least=5))
CAPABILITIES = Capabilities(
    batch_size=BATCH_SIZE,
    locations=True,
    whole_listings=True,
    ship_by=True,
    cancel=True,
    cancellation_requests=True,
    webhooks=True,
    daily_revisions=DAILY_REVISIONS,
    day_zone=DAY.key,
    # How many calls there are only eBay says; lists of orders are counted elsewhere.
    pace=Pace(rows=BATCH_SIZE, poll=0),
)


class EBay:
    """One seller's account. What it remembers (tokens, offers, the platform's keys) is shared within the process; threads may share it."""

    def __init__(
        self, *, base_url: str, client_id: str, client_secret: str, refresh_token: str, client: httpx.Client | None = None
    ) -> None:
        self.capabilities = CAPABILITIES
        self._connection = Connection(
            base_url=base_url, client_id=client_id, client_secret=client_secret, refresh_token=refresh_token, client=client
        )
        self._limits = limits_of(hashlib.sha256(repr((self._connection.base_url, client_id)).encode()).hexdigest())
        self._allowance: Allowance | None = None
        self._account = hashlib.sha256(repr((self._connection.base_url, refresh_token)).encode()).hexdigest()
        self._stock = Stock(self._connection, self._account)
        self._orders = Orders(self._connection)
        self._tracking = TrackingDesk(self._connection)
        self._webhooks = webhooks.Webhooks(self._connection)

    @property
    def own_location(self) -> str:
        """A number without a location replaces those of all."""
        return ""

    def tells_apart(self) -> bool:
        return True

    def at(self, locations: Sequence[str]) -> "EBay":
        there = copy(self)
        there._stock = Stock(self._connection, self._account, locations)
        return there

    def places(self) -> list[ShopPlace]:
        return places.every(self._connection)

    @property
    def allowance(self) -> Allowance | None:
        """Where eBay has just been asked: its other answers do not say how many calls are left."""
        return self._allowance

    def try_out(self) -> None:
        """Each of them needs a scope of its own."""
        with needing(_("reading and changing the inventory")):
            self._connection.get(f"{connection.INVENTORY}/inventory_item", limit=1)
        with needing(_("reading orders")):
            self._orders.changed(since=datetime.now(UTC) - timedelta(hours=1), cursor="")

    def seller(self) -> str:
        return self._orders.seller()

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        if not levels:
            return []
        results = self._stock.push(levels)
        if any(result.error == PushError.THROTTLED for result in results):
            self._limits.doubt()
        self._allowance = self._limits.read(self._connection)
        return results

    def listings(self, *, cursor: str = "") -> ListingPage:
        return self._stock.listings(cursor)

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        self._not_spent()
        try:
            page = self._orders.changed(since=since, cursor=cursor)
        except ChannelThrottled:
            self._limits.doubt()
            self._allowance = self._limits.read(self._connection)
            self._not_spent()
            raise
        self._allowance = self._limits.read(self._connection)
        return page

    def _not_spent(self) -> None:
        """A day without calls for orders is no day without stock."""
        if spent_s := self._limits.spent_s(FULFILMENT):
            raise CallThrottled(reason=reasons.NO_CALLS_TODAY, retry_after=spent_s, answered=True)

    def order(self, order_id: str) -> ChannelOrder:
        return self._orders.one(order_id)

    def send_tracking(self, tracking: Tracking) -> None:
        self._tracking.send(tracking)

    def cancel(self, order_id: str) -> None:
        self._orders.cancel(order_id)

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        self._orders.answer_cancellation(order_id, accepted=accepted)

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """`secret` is the token by which the hook proves itself; eBay signs its messages with keys of its own."""
        return self._webhooks.subscribe(url=url, secret=secret)

    def unsubscribe_webhooks(self, *, url: str) -> int:
        return self._webhooks.unsubscribe(url=url)

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        return messages.read(headers=headers, body=body, connection=self._connection)

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        return messages.reread(body=body)

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        return messages.challenge(query, url=url, token=secret)


def connect(*, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    return EBay(
        base_url=base_url,
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        refresh_token=credentials["refresh_token"],
    )
