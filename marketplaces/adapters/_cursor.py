"""Where a poll of orders stands, and that it begins anew where the shop refuses its own cursor: too old, perhaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self, TypeVar

from marketplaces.port import ChannelRefused, CredentialsRefused

# A shop that refuses every cursor that it has given just before is in trouble, and not asked for its first page over and over.
ANEW_EVERY = timedelta(minutes=1)


class Position(Protocol):
    def anew(self, now: datetime) -> Self | None:
        """The same reading from its first page on; None where it stands there, or that was done just now."""


P = TypeVar("P", bound=Position)
Page = TypeVar("Page")


def page_at(position: P, read: Callable[[P], Page]) -> tuple[P, Page]:
    """What the shop answers at `position`, or else at the beginning of the same reading; says at which of them."""
    try:
        return position, read(position)
    except CredentialsRefused:
        raise
    except ChannelRefused:
        anew = position.anew(datetime.now(UTC))
        if anew is None:
            raise
        return anew, read(anew)


def just_now(anew_at: datetime, now: datetime) -> bool:
    return now - anew_at < ANEW_EVERY


def youngest(seen: datetime, changes: Iterable[datetime], now: datetime) -> datetime:
    """A time in the future, made by a wrong clock, must not hide what changes until then."""
    return max([seen, *(min(change, now) for change in changes)])


@dataclass(frozen=True, slots=True)
class Cursor:
    """Read what changed since `after`, on from the shop's own cursor `page`; `seen` is the youngest change so far.

    `anew_at`: when this reading began anew.
    """

    after: datetime
    page: str
    seen: datetime
    anew_at: datetime | None = None

    @classmethod
    def read(cls, text: str, *, start: datetime) -> Cursor:
        if not text:
            return cls(after=start, page="", seen=start)
        data = json.loads(text)
        page = data["page"] if "page" in data else data["token"]  # as Amazon's were kept before
        anew_at = datetime.fromisoformat(data["anew_at"]) if data.get("anew_at") else None
        return cls(datetime.fromisoformat(data["after"]), page, datetime.fromisoformat(data["seen"]), anew_at)

    def __str__(self) -> str:
        anew = {"anew_at": self.anew_at.isoformat()} if self.anew_at else {}
        return json.dumps({"after": self.after.isoformat(), "page": self.page, "seen": self.seen.isoformat(), **anew})

    def anew(self, now: datetime) -> Cursor | None:
        if not self.page or (self.anew_at and just_now(self.anew_at, now)):
            return None
        return Cursor(self.after, "", self.after, now)

    def following(self, changes: Iterable[datetime], page: str, *, overlap: timedelta) -> Cursor:
        """After the last page the next reading begins so much before the youngest change."""
        seen = youngest(self.seen, changes, datetime.now(UTC))
        return Cursor(self.after, page, seen, self.anew_at) if page else Cursor(max(self.after, seen - overlap), "", seen)
