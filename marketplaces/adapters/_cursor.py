"""Where a poll of orders stands, and how it goes on where the shop refuses its own cursor.

One that is too old is given up, and its list read anew. A shop that refuses them all would never show more than the first page of a list: it is
asked for the orders of ever shorter times, until those of one fit on a page; then for the times that follow, as long as that one,
or longer where nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self, TypeVar

from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, CursorsRefused

# A shop that refuses every cursor that it has given just before is in trouble, and not asked for its first page over and over.
ANEW_EVERY = timedelta(minutes=1)
# What changed is in the shop's list by then, so that a time that ends before is read once. Amazon wants two minutes.
SETTLED = timedelta(minutes=5)
# Platforms read times in whole seconds.
SHORTEST = timedelta(seconds=1)


class Position(Protocol):
    @property
    def page(self) -> str:
        """The shop's own cursor; empty on the first page."""

    def anew(self, now: datetime) -> tuple[Self, ...]:
        """Where to read instead if the shop refuses to go on here, in turn; none where there is no other place, or one was tried just now."""


P = TypeVar("P", bound=Position)
Page = TypeVar("Page")


def page_at(position: P, read: Callable[[P], Page]) -> tuple[P, Page | None]:
    """What the shop answers at `position`, or else at the first place instead that it does not refuse; says at which. None where it can be asked at
    that place only later: it is to be kept, as a shop that grants one call at a time would else refuse the same cursor for ever.

    Raises CursorsRefused.
    """
    instead = position.anew(datetime.now(UTC))
    for place in (position, *instead):
        try:
            return place, read(place)
        except CredentialsRefused:
            raise
        except ChannelRefused as error:
            refusal = error
        except ChannelUnavailable:
            if place is position:
                raise
            return place, None
    if position.page and not instead:
        raise CursorsRefused(reason=refusal.details["reason"], answered=True) from refusal
    raise refusal


def just_now(anew_at: datetime, now: datetime) -> bool:
    return now - anew_at < ANEW_EVERY


def youngest(seen: datetime, changes: Iterable[datetime], now: datetime) -> datetime:
    """A time in the future, made by a wrong clock, must not hide what changes until then."""
    return max([seen, *(min(change, now) for change in changes)])


def first_half(after: datetime, until: datetime | None, now: datetime) -> datetime | None:
    """Where the first half ends of the time from `after` to `until`, or now; None where there is none that is settled."""
    end = min(until or now, now - SETTLED)
    half = (after + (end - after) / 2).replace(microsecond=0)
    return half if half - after >= SHORTEST else None


def next_end(after: datetime, until: datetime, now: datetime, *, quiet: bool) -> datetime | None:
    """Where the time ends that follows, as long as that from `after` to `until`, or twice as long if that was quiet; None where it is open, as it is
    not settled.
    """
    end = until + (until - after) * (2 if quiet else 1)
    return end if end <= now - SETTLED else None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Read what changed since `after`, on from the shop's own cursor `page`; `seen` is the youngest change so far.

    `anew_at`: when this reading began anew. `until`: only what changed until then is read at first.
    """

    after: datetime
    page: str
    seen: datetime
    anew_at: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, text: str, *, start: datetime) -> Cursor:
        if not text:
            return cls(after=start, page="", seen=start)
        data = json.loads(text)
        page = data["page"] if "page" in data else data["token"]  # as Amazon's were kept before
        anew_at, until = (datetime.fromisoformat(data[name]) if data.get(name) else None for name in ("anew_at", "until"))
        return cls(datetime.fromisoformat(data["after"]), page, datetime.fromisoformat(data["seen"]), anew_at, until)

    def __str__(self) -> str:
        more = {name: moment.isoformat() for name, moment in (("anew_at", self.anew_at), ("until", self.until)) if moment}
        return json.dumps({"after": self.after.isoformat(), "page": self.page, "seen": self.seen.isoformat(), **more})

    def anew(self, now: datetime) -> tuple[Cursor, ...]:
        if not self.page:
            return (replace(self, until=None),) if self.until else ()
        if self.anew_at is None:  # it may only be too old
            return (replace(self, page="", seen=self.after, anew_at=now),)
        if just_now(self.anew_at, now):
            return ()
        whole = Cursor(self.after, "", self.after, now)
        half = first_half(self.after, self.until, now)
        return (replace(whole, until=half), whole) if half else (whole,)

    def following(self, changes: Iterable[datetime], page: str, *, overlap: timedelta) -> tuple[Cursor, bool]:
        """Where to read on, and whether at once. After the last page the next reading begins so much before the youngest change."""
        now = datetime.now(UTC)
        seen = youngest(self.seen, changes, now)
        if page:
            return replace(self, page=page, seen=seen), True
        if self.until:
            end = next_end(self.after, self.until, now, quiet=seen == self.after)
            return Cursor(self.until, "", self.until, until=end), True
        return Cursor(max(self.after, seen - overlap), "", seen), False
