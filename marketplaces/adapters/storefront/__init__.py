"""Any shop that takes signed messages and calls our API: our own contract, docs/generic-storefront.md."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from typing import Any

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplaces.abilities import ShopPlace
from marketplaces.adapters.storefront import declaration, messages, places, reading
from marketplaces.adapters.storefront.connection import Connection, JsonObject, opened_secret
from marketplaces.adapters.storefront.declaration import BATCH_SIZE, Declaration
from marketplaces.adapters.storefront.orders import Orders
from marketplaces.adapters.storefront.stock import Stock, unsent
from marketplaces.adapters.storefront.tracking import TrackingDesk
from marketplaces.port import (
    Allowance,
    Capabilities,
    ChannelError,
    ChannelEvent,
    ChannelListing,
    ChannelOrder,
    ChannelRefused,
    CredentialsRefused,
    ListingPage,
    Marketplace,
    NotOnChannel,
    NotUsable,
    OrderPage,
    PushResult,
    StockLevel,
    Subscription,
    Tracking,
    reasons,
)

NAME = _("Generic storefront")
# Signs what we send to the shop and what it sends to us.
CREDENTIALS = ("secret",)
# `location`: which of the shop's locations this channel is. `declaration`: what the shop can do, for one that answers no question.
OPTIONAL = ("location", "declaration")
EXAMPLE = "https://shop.example/wms"
LABELS: dict[str, str | Promise] = {
    "secret": _("Secret (whsec_…)"),
    "location": _("The shop's location that this channel is"),
    "declaration": _("What the shop can do, where it does not answer that itself"),
}
# Of a shop that declares nothing, and what it may declare beyond that.
CAPABILITIES = Capabilities(batch_size=BATCH_SIZE, lists=False)
MAY_DECLARE = ("locations",)
# As the contract has it; so much of a location is remembered.
LONGEST_LOCATION = 100


class Storefront:
    """One shop. Stateless but for its address and secret; what it declares is remembered within the process; threads may share it."""

    def __init__(self, *, base_url: str, secret: str, location: str = "", declared: str = "", client: httpx.Client | None = None) -> None:
        self._location = location.strip()
        if len(self._location) > LONGEST_LOCATION:
            raise NotUsable(reason=reasons.NO_ID.format(what=repr(self._location)), channel_code="bad_id")
        self._connection = Connection(base_url=base_url, secret=secret.strip(), client=client)
        self._signer = opened_secret(secret.strip())
        self._given = declaration.given(declared)
        self._tracking = TrackingDesk(self._connection)
        self._serve(())

    def _serve(self, locations: Sequence[str]) -> None:
        self._at = tuple(locations)
        self._stock = Stock(self._connection, self._location, self._at)
        self._orders = Orders(self._connection, self._location, self._at)

    @property
    def own_location(self) -> str:
        return self._location

    def tells_apart(self) -> bool:
        return self._declared().locations

    def at(self, locations: Sequence[str]) -> "Storefront":
        there = copy(self)
        there._serve(locations)
        return there

    def places(self) -> list[ShopPlace] | None:
        return places.every(self._connection) if self._answers("locations.list") else None

    def _declared(self) -> Declaration:
        return self._given or declaration.asked(self._connection.account, self._ask)

    def _ask(self) -> JsonObject:
        """A shop that knows no such question, or answers everything with 204, has nothing to declare."""
        try:
            return self._connection.call("shop.describe", {}) or {}
        except NotOnChannel:
            return {}
        except ChannelRefused as error:
            if error.channel_code == "unknown_type":
                return {}
            raise

    def _answers(self, kind: str) -> bool:
        return kind in self._declared().answers

    def try_out(self) -> None:
        """The shop is asked what it can do; one whose declaration was given for what it said there that it answers, if that is anything."""
        if self._given is None:
            declaration.forget(self._connection.account)
        if self._answers("listings.list"):
            self._stock.listings("")
        elif self._answers("orders.list"):
            self._orders.changed(since=datetime.now(UTC), cursor="")

    @property
    def capabilities(self) -> Capabilities:
        """As the shop declares them. Asks for them where that was some minutes ago, and raises as every call does."""
        return self._declared().capabilities(location=self._location)

    @property
    def allowance(self) -> Allowance | None:
        return self._connection.allowance

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        try:
            able = self.capabilities
        except CredentialsRefused:
            raise
        except ChannelError as error:
            return unsent(levels, error)
        return self._stock.push(levels, batch_size=able.batch_size, compare_and_set=able.compare_and_set)

    def listings(self, *, cursor: str = "") -> ListingPage:
        return self._stock.listings(cursor) if self._answers("listings.list") else ListingPage((), "")

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        """Nothing, of a shop that lists no orders: all that it ever says it says by itself."""
        return self._orders.changed(since=since, cursor=cursor) if self._answers("orders.list") else OrderPage((), cursor, more=False)

    def order(self, order_id: str) -> ChannelOrder:
        if not self._answers("order.get"):
            raise ChannelRefused(reason=reasons.NO_ANSWERS, channel_code="not_possible")
        return self._orders.one(order_id)

    def send_tracking(self, tracking: Tracking) -> None:
        self._tracking.send(tracking)

    def cancel(self, order_id: str) -> None:
        if not self._answers("order.cancelled"):
            raise ChannelRefused(reason=reasons.TAKES_NO_CANCELLATION, channel_code="not_possible")
        self._orders.cancel(order_id)

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        """A shop that has no message for the answer hears at least that its order is cancelled."""
        if self._answers("cancellation.answer"):
            self._orders.answer_cancellation(order_id, accepted=accepted)
        elif accepted and self._answers("order.cancelled"):
            self._orders.cancel(order_id)

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """The shop signs with the secret that it shares with us, not with `secret`."""
        if not self._answers("hook.set"):
            return []
        self._connection.call("hook.set", {"url": url})
        return [Subscription(url, topic) for topic in ("order.changed", "listing.changed")]

    def unsubscribe_webhooks(self, *, url: str) -> int:
        if not self._answers("hook.remove"):
            return 0
        self._connection.call("hook.remove", {"url": url})
        return 1

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        messages.check(headers=headers, body=body, signer=self._signer)
        return self.reread(headers=headers, body=body)

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        return messages.read(headers=headers, body=body, location=self._location, at=self._at)

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """Nobody asks: the shop knows our answers by its own messages' signatures."""
        return None

    def read_order(self, document: Mapping[str, Any]) -> ChannelOrder:
        return reading.read_order(document, location=self._location, at=self._at)

    def read_listing(self, document: Mapping[str, Any]) -> ChannelListing:
        return reading.read_listing(document)

    def read_shown(self, document: Mapping[str, Any]) -> dict[str, int]:
        return reading.read_shown(document, self._at, location=self._location)


def connect(*, base_url: str, credentials: Mapping[str, str]) -> Marketplace:
    return Storefront(
        base_url=base_url,
        secret=credentials["secret"],
        location=credentials.get("location", ""),
        declared=credentials.get("declaration", ""),
    )
