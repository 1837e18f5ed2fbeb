"""Orders of the seller: the poll that loses none, and cancelling.

Cancelling goes through the post-order interface (https://developer.ebay.com/Devzone/post-order), the only one that does it.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from marketplaces.adapters._reading import moment, read_rows
from marketplaces.adapters.ebay.connection import FULFILMENT, POST_ORDER, Connection, JsonObject, object_of, rows_of, segment
from marketplaces.adapters.ebay.reading import (
    CANCELLED,
    IN_PROGRESS,
    NONE_REQUESTED,
    NOT_STARTED,
    open_requests,
    read_order,
    stamp,
)
from marketplaces.port import (
    ChannelOrder,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    MessageUnreadable,
    NotOnChannel,
    OrderPage,
    reasons,
)

# Each poll reads the last minutes again: the platform's search finds an order some time after it was saved.
OVERLAP = timedelta(minutes=5)
# An answer is dated when it leaves, some time after its rows were looked up.
SETTLED = timedelta(seconds=10)
PER_PAGE = 50
# The search looks no further back than two years.
OLDEST = timedelta(days=700)
OUT_OF_STOCK = "OUT_OF_STOCK_OR_CANNOT_FULFILL"
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a poll stands: read what changed since `after`, on from row `offset`; `seen` is the youngest change so far.

    After the first page the window is closed at `until`. What changes then leaves it, and moves the rows behind up: `total`, the
    window's rows when it was read last, tells.
    """

    after: datetime
    until: datetime | None
    offset: int
    total: int
    seen: datetime

    @classmethod
    def read(cls, text: str, *, since: datetime) -> "Cursor":
        if not text:
            start = since.astimezone(UTC) - OVERLAP
            return cls(after=start, until=None, offset=0, total=0, seen=start)
        data = json.loads(text)
        until = datetime.fromisoformat(data["until"]) if data["until"] else None
        return cls(datetime.fromisoformat(data["after"]), until, data["offset"], data["total"], datetime.fromisoformat(data["seen"]))

    def __str__(self) -> str:
        until = self.until.isoformat() if self.until else ""
        data = {"after": self.after.isoformat(), "until": until, "offset": self.offset, "total": self.total, "seen": self.seen.isoformat()}
        return json.dumps(data)

    @property
    def filter(self) -> str:
        after = max(self.after, datetime.now(UTC) - OLDEST)
        return f"lastmodifieddate:[{stamp(after)}..{stamp(self.until) if self.until else ''}]"

    def following(self, changes: list[datetime], total: int, now: datetime) -> tuple["Cursor", bool]:
        """Where to go on, and whether at once."""
        # A time in the future, made by a wrong clock, must not hide what changes until then.
        seen = max([self.seen, *(min(change, now) for change in changes)])
        if self.until and total < self.total:
            return replace(self, offset=0, total=total, seen=seen), True
        offset = self.offset + len(changes)
        if offset < total:
            until = self.until or max(now - SETTLED, self.after + timedelta(seconds=1))
            return Cursor(self.after, until, offset, total, seen), True
        return Cursor(max(self.after, seen - OVERLAP), None, 0, 0, seen), False


class Orders:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def changed(self, *, since: datetime, cursor: str) -> OrderPage:
        position = Cursor.read(cursor, since=since)
        params: dict[str, str | int] = {"filter": position.filter, "limit": PER_PAGE, "offset": position.offset}
        response = self._connection.send("GET", f"{FULFILMENT}/order", params=params)
        page = object_of(response)
        rows = rows_of(page, "orders")
        try:
            changes = [moment(row["lastModifiedDate"]) for row in rows]
            total = int(page["total"])
        except UNREADABLE as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDERS, error), answered=True) from error
        if not rows and position.offset < total:
            raise ChannelUnavailable(reason=reasons.PAGE_LEFT_OUT, answered=True)
        orders, unreadable = read_rows(rows, self._listed, order_id=lambda row: str(row.get("orderId") or ""))
        following, more = position.following(changes, total, _now_there(response))
        return OrderPage(orders, str(following), more, unreadable)

    def seller(self) -> str:
        """Who sold any order that eBay still lists (`sellerId`), "" where there is none: no other interface of these scopes names him."""
        ever = f"lastmodifieddate:[{stamp(datetime.now(UTC) - OLDEST)}..]"
        rows = rows_of(self._connection.get(f"{FULFILMENT}/order", filter=ever, limit=1), "orders")
        return str(rows[0].get("sellerId") or "") if rows else ""

    def _listed(self, row: JsonObject) -> ChannelOrder:
        """As _complete; that a part of it is not there holds up no other order either."""
        try:
            return self._complete(row)
        except NotOnChannel as error:
            raise MessageUnreadable(reason=error.details["reason"]) from error

    def one(self, order_id: str) -> ChannelOrder:
        return self._read(self._row(order_id))

    def cancel(self, order_id: str) -> None:
        """Where the buyer has asked for it that is granted, else it is the seller's own wish."""
        row = self._row(order_id)
        state = _cancel_state(row)
        if state == CANCELLED:
            return
        if row.get("orderFulfillmentStatus") != NOT_STARTED:
            raise ChannelRefused(reason=reasons.UNITS_LEFT, channel_code="order_shipped")
        if requests := _requests(row):
            self._answer(row, requests, accepted=True)
        elif state == NONE_REQUESTED:
            self._cancel(row)

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        row = self._row(order_id)
        # Units that somebody else has sent cannot be called back either.
        self._answer(row, _requests(row), accepted=accepted and row.get("orderFulfillmentStatus") == NOT_STARTED)

    def _cancel(self, row: JsonObject) -> None:
        wish: JsonObject = {"legacyOrderId": row["orderId"], "cancelReason": OUT_OF_STOCK, "buyerPaid": False}
        if paid := [
            payment["paymentDate"] for payment in (row.get("paymentSummary") or {}).get("payments") or [] if payment.get("paymentDate")
        ]:
            wish |= {"buyerPaid": True, "buyerPaidDate": {"value": paid[0]}}
        answer = object_of(self._post_order(row, "/cancellation", wish))
        if not answer.get("cancelId"):
            failure = (answer.get("orderEligibilityResult") or {}).get("failureReason") or "eBay does not let the order be cancelled"
            raise ChannelRefused(reason=str(failure)[:500], channel_code="not_eligible")

    def _answer(self, row: JsonObject, requests: list[JsonObject], *, accepted: bool) -> None:
        for request in requests:
            path = f"/cancellation/{segment(str(request['cancelRequestId']))}"
            if accepted:
                self._post_order(row, f"{path}/approve", None)
            else:
                self._post_order(row, f"{path}/reject", {})

    def _post_order(self, row: JsonObject, path: str, body: JsonObject | None) -> httpx.Response:
        """This older interface has a word of its own for the token, and wants to know the site.

        The order was read with the same keys: where they do not do here, they do for all the rest.
        """
        lines = row.get("lineItems") or [{}]
        headers = {"X-EBAY-C-MARKETPLACE-ID": str(lines[0].get("purchaseMarketplaceId") or "EBAY_US")}
        try:
            return self._connection.send("POST", f"{POST_ORDER}{path}", body=body, headers=headers, scheme="IAF")
        except CredentialsRefused as error:
            raise ChannelRefused(reason=error.details["reason"], channel_code=error.channel_code, http_status=error.http_status) from error

    def _row(self, order_id: str) -> JsonObject:
        return self._connection.get(f"{FULFILMENT}/order/{segment(order_id)}")

    def _complete(self, row: JsonObject) -> ChannelOrder:
        """The list leaves the requests to cancel out: an order that has any is asked for alone."""
        if _cancel_state(row) != NONE_REQUESTED:
            row = self._row(str(row.get("orderId") or ""))
        return self._read(row)

    def _read(self, row: JsonObject) -> ChannelOrder:
        """Raises MessageUnreadable where something that the warehouse needs is missing or of the wrong kind."""
        try:
            fulfilments: list[JsonObject] = []
            if any(line.get("lineItemFulfillmentStatus") == IN_PROGRESS for line in row["lineItems"]):
                path = f"{FULFILMENT}/order/{segment(row['orderId'])}/shipping_fulfillment"
                fulfilments = rows_of(self._connection.get(path), "fulfillments")
            return read_order(row, fulfilments)
        except UNREADABLE as error:
            raise MessageUnreadable(reason=f"order {row.get('orderId')}: {type(error).__name__}: {error}") from error


def _cancel_state(row: JsonObject) -> str:
    status = row.get("cancelStatus")
    state = status.get("cancelState") if isinstance(status, dict) else None
    if not isinstance(state, str):
        raise MessageUnreadable(reason=f"order {row.get('orderId')}: KeyError: 'cancelState'")
    return state


def _requests(row: JsonObject) -> list[JsonObject]:
    try:
        return open_requests(row)
    except UNREADABLE as error:
        raise ChannelUnavailable(reason=reasons.unreadable(reasons.CANCELLATIONS, error), answered=True) from error


def _now_there(response: httpx.Response) -> datetime:
    """The platform's clock, which refuses a window that ends in its future; ours where that is behind or the answer says nothing."""
    now = datetime.now(UTC)
    try:
        return min(now, parsedate_to_datetime(response.headers["Date"]))
    except (KeyError, ValueError, TypeError):  # TypeError: a date without a zone
        return now
