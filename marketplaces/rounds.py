"""One turn of telling a shop its numbers: what is stale at which of its places, what of it is urgent, and what is left for later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from marketplaces import telling
from marketplaces.models import Channel
from marketplaces.numbers import Told
from marketplaces.push_log import Answered, Since
from marketplaces.telling import Where
from marketplaces.together import Key


@dataclass(frozen=True, slots=True)
class Round:
    """Since when the listings are stale, at which `places`, by location, those that are not so everywhere, whether all places of a listing go out
    and come back `whole`, when this has to end (time.monotonic), and where answers go.
    """

    channel: Channel
    since: Mapping[int, Since]
    places: Mapping[int, Mapping[str, Since]]
    whole: bool
    until: float
    note: Callable[[Sequence[Answered]], None]

    def key_of(self, row: Told) -> Key:
        """Of what the shop's bucket and a batch count as one."""
        return row.listing_id, "" if self.whole else row.location

    def since_at(self, listing_id: int, location: str) -> Since:
        """Of the place itself, where it is known; else of the listing, whose number moved it along."""
        return self.places.get(listing_id, {}).get(location) or self.since[listing_id]

    def due(self, rows: list[Told]) -> list[Told]:
        """What has to be told: a stale listing's number at the places where it is stale, and at those where the same event changed it, or a cap
        that they share; at all of them, where the platform wants them together.
        """
        if not self.places or not self.channel.located:
            return rows
        named = [row for row in rows if row.location in self.places.get(row.listing_id, (row.location,)) or row.moved]
        if self.whole:
            whole = {row.listing_id for row in named}
            return [row for row in rows if row.listing_id in whole]
        return named

    def leave(self, keys: Iterable[Key], wait_s: float = 0.0, waits: str = "") -> None:
        """Somebody else goes on with these, in `wait_s` seconds; `waits` says what for."""
        wanted: dict[Where, dict[int, Since]] = {}
        for listing_id, location in keys:
            wanted.setdefault((self.channel.pk, location), {})[listing_id] = self.since_at(listing_id, location)
        with transaction.atomic():
            telling.have_told(wanted, wait_s, waits=waits)


def most_urgent_first(rows: Sequence[Told], key_of: Callable[[Told], Key]) -> tuple[list[Key], int]:
    """What falls before what rises, and little before much; and how many of them fall. A number that is too high sells what is not there."""
    urgent = sorted(rows, key=lambda row: (not _falls(row), row.quantity, row.listing_id))
    return list(dict.fromkeys(key_of(row) for row in urgent)), len({key_of(row) for row in rows if _falls(row)})


def _falls(row: Told) -> bool:
    """Also what was never told: nobody knows what is shown."""
    return row.pushed_quantity is None or row.quantity < row.pushed_quantity
