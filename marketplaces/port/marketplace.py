"""What every adapter can be asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from marketplaces.port.limits import Allowance, Capabilities
from marketplaces.port.messages import ChannelEvent, Subscription
from marketplaces.port.orders import ChannelOrder, OrderPage, Tracking
from marketplaces.port.stock import ListingPage, PushResult, StockLevel


class Marketplace(Protocol):
    """One shop of one merchant.

    Every call may raise ChannelUnavailable, ChannelThrottled, CredentialsRefused or ChannelRefused; retrying is the caller's job, and
    every call that writes may be repeated safely.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def allowance(self) -> Allowance | None:
        """What the platform said last of how much it may be asked. None: it has not, or never does."""

    def try_out(self) -> None:
        """Ask in the way in which the warehouse will ask, so that wrong keys and missing rights show; nothing changes there.

        Raises RightsMissing too.
        """

    def push_stock(self, levels: Sequence[StockLevel]) -> list[PushResult]:
        """Tell the shop these numbers, any count of them: one result for each level, in their order.

        Only CredentialsRefused is raised; all else is in the rows.
        """

    def listings(self, *, cursor: str = "") -> ListingPage:
        """What the shop sells, a page at a time, with the numbers that it shows."""

    def orders(self, *, since: datetime, cursor: str = "") -> OrderPage:
        """Orders changed after `since`, or after the cursor of an earlier page, oldest change first."""

    def order(self, order_id: str) -> ChannelOrder:
        """One order as it is now. Raises NotOnChannel, MessageUnreadable."""

    def send_tracking(self, tracking: Tracking) -> None:
        """Tell the shop and its buyer that a parcel left. Raises NotOnChannel, and ChannelRefused for an order that is cancelled there."""

    def cancel(self, order_id: str) -> None:
        """Cancel an unshipped order there. Raises NotOnChannel, and ChannelRefused where it has shipped."""

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        """Say whether an order could still be cancelled. Nothing happens where nobody asked. Raises NotOnChannel, ChannelRefused."""

    def subscribe_webhooks(self, *, url: str, secret: str) -> list[Subscription]:
        """Have the shop push its changes to `url`, signed with `secret`. Mends what is there already."""

    def unsubscribe_webhooks(self, *, url: str) -> int:
        """Stop the pushes to `url`; answers how many subscriptions went."""

    def webhook(self, *, headers: Mapping[str, str], body: bytes, secret: str) -> ChannelEvent:
        """Check and read a pushed message. Raises SignatureInvalid, MessageUnreadable.

        `received-at` among the headers is our own word on when it came; without it, it came just now.
        The shop is asked for nothing but the key that signed the message, once for each key: where it cannot say, ChannelError comes out.
        """

    def reread(self, *, headers: Mapping[str, str], body: bytes) -> ChannelEvent:
        """Read a message that `webhook` believed when it came, whatever has become of its keys since. Raises MessageUnreadable."""

    def challenge(self, query: Mapping[str, str], *, url: str, secret: str) -> str | None:
        """The JSON by which the hook at `url` proves itself to a shop that asks before it pushes; None where `query` asks nothing."""
