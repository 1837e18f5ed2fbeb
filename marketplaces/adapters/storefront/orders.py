"""Orders that the shop lists: the poll behind its messages, for those that got lost.

Two readings: what changed since the last time, with overlap, and from time to time all that is open: some shops do not move an order's
`updated_at` when it is paid, and a reading by change would never see it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from marketplaces.adapters._cursor import first_half, just_now, next_end, page_at, youngest
from marketplaces.adapters._reading import read_rows
from marketplaces.adapters.storefront.connection import Connection, message_id
from marketplaces.adapters.storefront.reading import read_order
from marketplaces.adapters.storefront.stock import page_of
from marketplaces.port import (
    ChannelOrder,
    ChannelRefused,
    ChannelUnavailable,
    OrderPage,
    reasons,
)

# Each poll reads the last minutes again: an order saved by a slow transaction becomes visible after younger ones.
OVERLAP = timedelta(minutes=2)
OPEN_ONES_EVERY = timedelta(minutes=10)
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a poll stands. Times as ISO texts: read what changed after `after`, `page` is the shop's own cursor, `seen` the youngest change.

    `open_at`: when all open orders were read last; `open`: they are being read now. `last` is a digest of the page before, to notice a
    shop that answers the same page for ever. `anew_at`: when this reading began anew, as the shop refused its cursor. `until`: only what changed until
    then is read at first (_cursor.py).
    """

    after: str
    seen: str
    page: str = ""
    open: bool = False
    open_at: str = ""
    last: str = ""
    anew_at: str = ""
    until: str = ""

    @classmethod
    def read(cls, text: str, *, since: datetime) -> Cursor:
        if text:
            return cls(**json.loads(text))
        start = since.astimezone(UTC) - OVERLAP
        return cls(after=start.isoformat(), seen=start.isoformat())

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def anew(self, now: datetime) -> tuple[Cursor, ...]:
        if not self.page:
            return (replace(self, until=""),) if self.until else ()
        anew = replace(self, page="", last="", anew_at=now.isoformat())
        if not self.anew_at:  # it may only be too old
            return (anew,)
        if just_now(datetime.fromisoformat(self.anew_at), now):
            return ()
        if self.open:  # what is open has no times: what changed has its turn
            return (self._done(now),)
        whole = replace(anew, until="")
        half = first_half(datetime.fromisoformat(self.after), self._until, now)
        return (replace(anew, until=half.isoformat()), whole) if half else (whole,)

    @property
    def _until(self) -> datetime | None:
        return datetime.fromisoformat(self.until) if self.until else None

    def _done(self, now: datetime) -> Cursor:
        """What is open has been read, as far as that can be."""
        return Cursor(after=(datetime.fromisoformat(self.seen) - OVERLAP).isoformat(), seen=self.seen, open_at=now.isoformat())

    def following(self, changes: list[datetime], *, page: str, digest: str, now: datetime) -> tuple[Cursor, bool]:
        """Where to read on, and whether at once."""
        seen = self.seen if self.open else youngest(datetime.fromisoformat(self.seen), changes, now).isoformat()
        if page and page != self.page and digest != self.last:
            return replace(self, seen=seen, page=page, last=digest), True
        done = Cursor(after=self.after, seen=seen, open_at=self.open_at)
        if until := self._until:
            end = next_end(datetime.fromisoformat(self.after), until, now, quiet=not changes and not self.page)
            return replace(done, after=self.until, until=end.isoformat() if end else ""), True
        if self.open:
            return self._done(now), False
        if not self.open_at or now - datetime.fromisoformat(self.open_at) >= OPEN_ONES_EVERY:
            return replace(done, open=True), True
        return replace(done, after=(datetime.fromisoformat(seen) - OVERLAP).isoformat()), False


class Orders:
    def __init__(self, connection: Connection, location: str, at: Sequence[str] = ()) -> None:
        """`location`, `at`: as read_order takes them."""
        self._connection = connection
        self._read = partial(read_order, location=location, at=at)

    def changed(self, *, since: datetime, cursor: str) -> OrderPage:
        position, answer = page_at(Cursor.read(cursor, since=since), self._list)
        if answer is None:
            return OrderPage((), str(position), more=True)
        items, page = answer
        orders, unreadable = read_rows(items, self._read, order_id=lambda row: str(row.get("id", "")) if isinstance(row, dict) else "")
        digest = hashlib.sha256(repr(items).encode()).hexdigest()[:16]
        changes = [order.updated_at for order in orders]
        following, more = position.following(changes, page=page, digest=digest, now=datetime.now(UTC))
        return OrderPage(orders, str(following), more, unreadable)

    def _list(self, position: Cursor) -> tuple[list[Any], str]:
        wanted = {"state": "open"} if position.open else {"updated_after": position.after}
        wanted |= {"updated_until": position.until} if position.until else {}
        return page_of(self._connection.call("orders.list", {**wanted, "cursor": position.page, "limit": PER_PAGE}))

    def one(self, order_id: str) -> ChannelOrder:
        answer: Any = (self._connection.call("order.get", {"order_id": order_id}) or {}).get("order")
        if not isinstance(answer, dict):
            raise ChannelUnavailable(reason=reasons.NO_ORDER, answered=True)
        order = self._read(answer)
        if order.order_id != order_id:
            raise ChannelRefused(reason=reasons.OTHER_ORDER.format(what=order_id, other=order.order_id), channel_code="other_order")
        return order

    def cancel(self, order_id: str) -> None:
        self._connection.call("order.cancelled", {"order_id": order_id}, uid=message_id("order.cancelled", order_id))

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        data = {"order_id": order_id, "accepted": accepted}
        self._connection.call("cancellation.answer", data)
