"""What only some marketplaces can do beyond the port: the sync asks a shop with isinstance, never which platform it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from marketplaces.port import ChannelEvent, ChannelListing, ChannelOrder, Marketplace, PushResult, StockLevel


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message out of the platform's queue, as it came. `receipt` takes it off the queue. `event` is None where it makes no sense."""

    message_id: str
    receipt: str
    body: str
    event: ChannelEvent | None


@runtime_checkable
class Submits(Protocol):
    """A shop that takes numbers now and says later what became of them."""

    def outcome(self, ticket: str, levels: Sequence[StockLevel]) -> list[PushResult]:
        """One result for each level that was taken under `ticket`, in their order; all are pending while the shop works on them.

        Only CredentialsRefused is raised; all else is in the rows.
        """


@dataclass(frozen=True, slots=True)
class ShopPlace:
    """A place of the shop's own that keeps goods; `name` is for people."""

    location: str
    name: str


@runtime_checkable
class HasPlaces(Protocol):
    """A shop each of whose places has numbers of its own."""

    @property
    def own_location(self) -> str:
        """The place that a number without a location is told to; empty where such a number stands for all places."""

    def tells_apart(self) -> bool:
        """Whether a number at one place leaves the others as they are. Raises ChannelUnavailable, CredentialsRefused, ChannelRefused."""

    def at(self, locations: Sequence[str]) -> Marketplace:
        """The same shop, whose listings and orders are read at these places."""

    def places(self) -> list[ShopPlace] | None:
        """Those that can keep goods; None where the shop cannot be asked. Raises ChannelUnavailable, CredentialsRefused, ChannelRefused."""


@runtime_checkable
class FillsQueue(Protocol):
    """A shop whose messages wait in a queue until they are fetched."""

    def heard(self, *, wait_s: float) -> list[QueuedMessage]:
        """Some of what is in the queue, waiting up to `wait_s` seconds for the first; [] where there is nothing, or no queue.

        What is not taken off in time comes again. Raises ChannelUnavailable, CredentialsRefused, ChannelRefused: of the queue alone.
        """

    def take_off(self, message: QueuedMessage) -> None:
        """The message is kept here: it need not come again. Raises as `heard` does."""


@runtime_checkable
class Reports(Protocol):
    """A shop that sends its orders and offers through our API by itself, in documents that its adapter reads."""

    def read_order(self, document: Mapping[str, Any]) -> ChannelOrder:
        """Raises MessageUnreadable."""

    def read_listing(self, document: Mapping[str, Any]) -> ChannelListing:
        """Raises MessageUnreadable."""

    def read_shown(self, document: Mapping[str, Any]) -> dict[str, int]:
        """What it says that the listing shows, by location; under "" as a whole. Raises MessageUnreadable."""


@runtime_checkable
class StopsBackorders(Protocol):
    """A shop that can be told to sell nothing that it does not have."""

    def stop_backorders(self, listing_ids: Sequence[str]) -> dict[str, str]:
        """Switch selling without stock off; answers why not for those that refused. Raises ChannelUnavailable, CredentialsRefused."""


@runtime_checkable
class NamesSeller(Protocol):
    """A shop whose keys do not say who sells there: two consents of one seller are two keys."""

    def seller(self) -> str:
        """As the platform calls him, "" where it cannot say yet. Raises ChannelUnavailable, CredentialsRefused, ChannelRefused."""


@runtime_checkable
class TellsLastChanges(Protocol):
    """A shop whose list of changed orders leaves something out, such as that one was deleted: it says of many in one call whether they moved."""

    most_looked_at: int

    def last_changes(self, order_ids: Sequence[str]) -> Mapping[str, datetime]:
        """When each of these orders was changed last, however that was; without those that it has no more. Up to `most_looked_at` of them."""
