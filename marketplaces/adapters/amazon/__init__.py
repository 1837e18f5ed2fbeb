"""Amazon, Selling Partner API: what the seller ships himself."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketplaces.abilities import QueuedMessage
from marketplaces.adapters._http import needing
from marketplaces.adapters.amazon import notifications
from marketplaces.adapters.amazon.connection import Connection
from marketplaces.adapters.amazon.feeds import BATCH_SIZE
from marketplaces.adapters.amazon.limits import PLANS
from marketplaces.adapters.amazon.listings import Listings
from marketplaces.adapters.amazon.notifications import Notifications
from marketplaces.adapters.amazon.orders import Orders
from marketplaces.adapters.amazon.sqs import Queue
from marketplaces.adapters.amazon.stock import MOST_PATCHES, Stock
from marketplaces.adapters.amazon.tracking import TrackingDesk
from marketplaces.port import (
    Allowance,
    Capabilities,
    ChannelEvent,
    ChannelOrder,
    ChannelRefused,
    ListingPage,
    Marketplace,
    MessageUnreadable,
    NotUsable,
    OrderPage,
    Pace,
    PushResult,
    SignatureInvalid,
    StockLevel,
    Subscription,
    Tracking,
    reasons,
)
from marketplaces.rules import Measure, Rule

NAME = "Amazon"
# The app's keys, the seller's token for it and his id, and where he sells: ids with commas between them.
CREDENTIALS = ("client_id", "client_secret", "refresh_token", "seller_id", "marketplace_ids")
# Those that say where: a listing that is left there is told nothing any more.
ACCOUNT = ("seller_id", "marketplace_ids")
# Without a queue orders come by polling alone. The last two are for other addresses than Amazon's own.
OPTIONAL = ("queue_arn", "aws_access_key_id", "aws_secret_access_key", "token_url", "queue_endpoint")
EXAMPLE = "https://sellingpartnerapi-eu.amazon.com"
LABELS: dict[str, str | Promise] = {
    "client_id": gettext_lazy("LWA client ID of the app"),
    "client_secret": gettext_lazy("LWA client secret of the app"),
    "refresh_token": gettext_lazy("Refresh token of the app's authorisation"),
    "seller_id": gettext_lazy("Merchant token (seller ID)"),
    "marketplace_ids": gettext_lazy("Marketplace IDs, with commas between them"),
    "queue_arn": gettext_lazy("ARN of the SQS queue"),
    "aws_access_key_id": gettext_lazy("AWS access key ID"),
    "aws_secret_access_key": gettext_lazy("AWS secret access key"),
    "token_url": gettext_lazy("Address for tokens, if it is not Amazon's own"),
    "queue_endpoint": gettext_lazy("Address of the queue service, if it is not Amazon's own"),
}
# Seller Central, "Shipping performance" of seller-fulfilled orders: late shipment rate under 4 % over 10 and over 30 days, cancellation rate
# under 2.5 % over 7 days, valid tracking rate over 95 % over 30 days. The windows there follow Amazon's own calendar.
RULES = (
    Rule(Measure.LATE, 10, Decimal(4)),
    Rule(Measure.LATE, 30, Decimal(4)),
    Rule(Measure.CANCELLED, 7, Decimal("2.5")),
    Rule(Measure.UNTRACKED, 30, Decimal(5)),
)
# Amazon's Data Protection Policy: personal data no longer than 30 days after the delivery. When it left is known for every order.
KEEP_BUYERS_DAYS = 30
# Patches of single listings; feeds and lists of orders have buckets of their own.
PACE = Pace(maximum=PLANS["patchListingsItem"][1], per_second=PLANS["patchListingsItem"][0], bulk=MOST_PATCHES + 1, poll=0)
CAPABILITIES = Capabilities(batch_size=BATCH_SIZE, ship_by=True, webhooks=True, poll_every_s=1 / PLANS["searchOrders"][0], pace=PACE)


class Amazon:
    """One seller in one region. Stateless but for its address and keys; threads may share it."""

    def __init__(self, *, base_url: str, keys: Mapping[str, str], client: httpx.Client | None = None) -> None:
        self.capabilities = CAPABILITIES
        self._seller_id = keys["seller_id"].strip()
        self._marketplace_ids = [part for text in keys["marketplace_ids"].split(",") if (part := text.strip())]
        if not self._marketplace_ids or not all(part.isalnum() for part in self._marketplace_ids):
            raise NotUsable(reason=reasons.NO_MARKETPLACES.format(what=repr(keys["marketplace_ids"])), channel_code="bad_id")
        self._connection = Connection(
            base_url=base_url,
            token_url=keys.get("token_url", ""),
            client_id=keys["client_id"],
            client_secret=keys["client_secret"],
            refresh_token=keys["refresh_token"],
            client=client,
        )
        self._queue = _queue(keys)
        self._stock = Stock(self._connection, self._seller_id, self._marketplace_ids)
        self._listings = Listings(self._connection, self._seller_id, self._marketplace_ids)
        self._orders = Orders(self._connection, self._marketplace_ids)
        self._tracking = TrackingDesk(self._connection, self._orders, self._marketplace_ids)

    @property
    def allowance(self) -> Allowance | None:
        return self._connection.limits.allowance("patchListingsItem")

    def try_out(self) -> None:
        """Each needs a role of its own. Changing listings needs the one that reads them."""
        with needing(_("reading listings")):
            self._listings.page("")
        with needing(_("reading orders")):
            self._orders.changed(since=datetime.now(UTC) - timedelta(hours=1), cursor="")

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        return self._stock.push(levels)

    def outcome(self, ticket: str, levels: Sequence[StockLevel]) -> list[PushResult]:
        return self._stock.feeds.outcome(ticket, levels)

    def listings(self, *, cursor: str = "") -> ListingPage:
        return self._listings.page(cursor)

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        return self._orders.changed(since=since, cursor=cursor)

    def order(self, order_id: str) -> ChannelOrder:
        return self._orders.one(order_id)

    def send_tracking(self, tracking: Tracking) -> None:
        self._tracking.send(tracking)

    def cancel(self, order_id: str) -> None:
        raise ChannelRefused(reason=reasons.NOT_BY_API, channel_code="not_possible")

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        """Amazon asks the merchant, who answers in Seller Central: by cancelling, or by shipping."""

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """Amazon pushes into a queue: neither `url` nor `secret` is needed."""
        if self._queue is None:
            raise ChannelRefused(reason=reasons.NO_QUEUE_NAMED, channel_code="no_queue")
        return Notifications(self._connection, self._queue.arn).subscribe()

    def unsubscribe_webhooks(self, *, url: str) -> int:
        return Notifications(self._connection, self._queue.arn).unsubscribe() if self._queue else 0

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        """Amazon sends nothing to an address: whatever came there is not from it."""
        raise SignatureInvalid

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        raise MessageUnreadable(reason=reasons.SENDS_NOTHING)

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """Amazon never asks."""
        return None

    def heard(self, *, wait_s: float) -> list[QueuedMessage]:
        messages = self._queue.receive(wait_s) if self._queue else []
        return [QueuedMessage(message.message_id, message.receipt, message.body, self._read(message.body)) for message in messages]

    def _read(self, body: str) -> ChannelEvent | None:
        try:
            return notifications.read(body, seller_id=self._seller_id, marketplace_ids=self._marketplace_ids)
        except MessageUnreadable:
            return None

    def take_off(self, message: QueuedMessage) -> None:
        if self._queue is not None:
            self._queue.delete(message.receipt)


def _queue(keys: Mapping[str, str]) -> Queue | None:
    if not keys.get("queue_arn"):
        return None
    return Queue(
        arn=keys["queue_arn"].strip(),
        key_id=keys.get("aws_access_key_id", ""),
        secret=keys.get("aws_secret_access_key", ""),
        endpoint=keys.get("queue_endpoint", ""),
    )


def connect(*, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    return Amazon(base_url=base_url, keys=credentials)
