"""Orders of the shop: the poll that loses none, and what is the warehouse's part of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplaces.adapters._cursor import Cursor, page_at
from marketplaces.adapters._reading import moment, read_rows
from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, JsonObject, gid, number_of
from marketplaces.adapters.shopify.work import Work, WorkList
from marketplaces.port import (
    ChannelLine,
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    ChannelUnavailable,
    MessageUnreadable,
    NotOnChannel,
    OrderPage,
    ShipTo,
    reasons,
)

# Each poll reads the last minutes again: the shop's search finds an order some time after it was saved.
OVERLAP = timedelta(minutes=2)
# A webhook about a fulfilment order does not name its order.
WORK_PREFIX = "work:"
AWAITS_PAYMENT = {"PENDING", "PARTIALLY_PAID"}
UNPAID = {"PENDING", "EXPIRED", "PARTIALLY_PAID", "VOIDED", "REFUNDED"}


class Orders:
    def __init__(self, connection: Connection, work: WorkList) -> None:
        self._connection = connection
        self._work = work

    def changed(self, *, since: datetime, cursor: str) -> OrderPage:
        position, answer = page_at(Cursor.read(cursor, start=since.astimezone(UTC) - OVERLAP), self._page)
        if answer is None:
            return OrderPage((), str(position), more=True)
        page: Any = answer.get("orders")
        try:
            rows, info = page["nodes"], page["pageInfo"]  # TypeError says that it is none
            changes = [moment(row["updatedAt"]) for row in rows]
            following = str(info["endCursor"] or "") if info["hasNextPage"] else ""
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDERS, error), answered=True) from error
        following = "" if following == position.page else following
        orders, unreadable = read_rows(rows, self._complete, order_id=lambda row: str(row.get("id") or "").rpartition("/")[2])
        next_position, more = position.following(changes, following, overlap=OVERLAP)
        return OrderPage(orders, str(next_position), more, unreadable)

    def _page(self, position: Cursor) -> JsonObject:
        query = f"updated_at:>='{position.after:%Y-%m-%dT%H:%M:%SZ}'"
        if position.until:
            query += f" updated_at:<='{position.until:%Y-%m-%dT%H:%M:%SZ}'"
        return self._connection.call(documents.ORDERS, query=query, after=position.page or None)

    def one(self, order_id: str) -> ChannelOrder:
        return self._complete(self._row(order_id))

    def last_changes(self, order_ids: Sequence[str]) -> dict[str, datetime]:
        """Without those that are made of very many parts."""
        ids = [gid("Order", order_id) for order_id in order_ids]
        try:
            rows = [row for row in self._connection.call(documents.LAST_CHANGES, ids=ids)["nodes"] if row]
            return {
                number_of(row["id"]): _last_change(row, parts["nodes"])
                for row in rows
                if not (parts := row["fulfillmentOrders"])["pageInfo"]["hasNextPage"]
            }
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDERS, error), answered=True) from error

    def cancel(self, order_id: str) -> None:
        """The units are not put back on sale there, the warehouse tells the number; the buyer's money is the merchant's to give back."""
        row = self._row(order_id)
        if row["cancelledAt"]:
            return
        work = self._work.of(row)
        if any(part.shipped for part in work) or any(entry["status"] == "SUCCESS" for entry in row["fulfillments"]):
            raise ChannelRefused(reason=reasons.UNITS_LEFT, channel_code="order_shipped")
        self._answer(work, accepted=True)
        self._connection.write(documents.CANCEL, "orderCancel", errors="orderCancelUserErrors", id=row["id"])

    def answer_cancellation(self, order_id: str, *, accepted: bool) -> None:
        self._answer(self._work.of(self._row(order_id)), accepted=accepted)

    def _answer(self, work: list[Work], *, accepted: bool) -> None:
        for part in work:
            if part.cancellation_requested:
                self._work.answer_cancellation(part, accepted=accepted)

    def _row(self, order_id: str) -> JsonObject:
        if order_id.startswith(WORK_PREFIX):
            found = self._connection.call(documents.ORDER_OF_WORK, id=gid("FulfillmentOrder", order_id.removeprefix(WORK_PREFIX)))
            if not found.get("fulfillmentOrder"):
                raise NotOnChannel(reason=reasons.NO_SUCH_ORDER.format(what=order_id), channel_code="not_found")
            order_id = found["fulfillmentOrder"]["orderId"]
        row = self._connection.call(documents.ORDER, id=gid("Order", order_id)).get("order")
        if row is None:
            raise NotOnChannel(reason=reasons.NO_SUCH_ORDER.format(what=order_id), channel_code="not_found")
        if not isinstance(row, dict):
            raise ChannelUnavailable(reason=reasons.NO_ORDER, answered=True)
        return row

    def _complete(self, row: JsonObject) -> ChannelOrder:
        """Raises MessageUnreadable where something that the warehouse needs is missing or of the wrong kind."""
        try:
            parts = self._work.every(row)
            return read_order(row, self._work.ours(parts), _last_change(row, parts))
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise MessageUnreadable(reason=f"order {row.get('name')}: {type(error).__name__}: {error}") from error


def read_order(row: JsonObject, work: list[Work], changed_at: datetime) -> ChannelOrder:
    """`work`: the fulfilment orders of our locations. Of an order that has none, here or any more, only its end is told, and nothing of its buyer."""
    lines = _lines(work)
    created = moment(row["createdAt"])
    state = _state(row, work, has_lines=bool(lines))
    dues = [part.fulfil_by for part in work if part.ready and part.fulfil_by] or [
        # Of ordinary orders this is when they were placed.
        part.fulfil_at
        for part in work
        if part.ready and part.fulfil_at and part.fulfil_at > created + timedelta(hours=1)
    ]
    return ChannelOrder(
        order_id=number_of(row["id"]),
        number=str(row["name"]).lstrip("#"),
        state=state,
        placed_at=created,
        updated_at=changed_at,
        ship_to=_ship_to(row) if work else ShipTo("", "", "", "", ""),
        lines=lines,
        currency=str(row["currencyCode"]),
        total=Decimal(row["currentTotalPriceSet"]["shopMoney"]["amount"]),
        channel_status=f"{row['displayFulfillmentStatus']} {row['displayFinancialStatus'] or ''}".lower().strip(),
        shipping_method=str((row["shippingLine"] or {}).get("title") or ""),
        note=str(row["note"] or "") if work else "",
        ship_by=min(dues, default=None),
        shipped=_shipped(work),
        awaits_payment=row["displayFinancialStatus"] in AWAITS_PAYMENT,
        cancellation_requested=state is ChannelOrderState.CANCELLED and any(part.cancellation_requested for part in work),
        raw=row if work else {},
    )


def _last_change(row: JsonObject, parts: Sequence[JsonObject]) -> datetime:
    """A hold, a move or a request need not change the order itself. `parts`: all of them, as what has moved away from our locations is none of ours
    any more.
    """
    return max(moment(part["updatedAt"]) for part in [row, *parts])


def _state(row: JsonObject, work: list[Work], *, has_lines: bool) -> ChannelOrderState:
    """What the fulfilment orders say counts: the order's own status is a summary over all locations."""
    if row["cancelledAt"]:
        return ChannelOrderState.CANCELLED
    if not row["fulfillmentOrders"]["nodes"]:  # not made yet, or not shown to us: that says nothing of the goods
        return ChannelOrderState.PENDING
    if has_lines:
        return ChannelOrderState.PENDING if row["displayFinancialStatus"] in UNPAID else ChannelOrderState.OPEN
    if any(part.waiting for part in work):
        return ChannelOrderState.PENDING
    closed = any(part.status == "CLOSED" for part in work) and any(entry["status"] == "SUCCESS" for entry in row["fulfillments"])
    if closed or any(part.shipped for part in work):
        return ChannelOrderState.SHIPPED
    return ChannelOrderState.CANCELLED


def _lines(work: list[Work]) -> tuple[ChannelLine, ...]:
    """What is ready to be shipped, by the order's own lines and the locations: one may be spread over fulfilment orders."""
    lines: dict[tuple[str, str], ChannelLine] = {}
    for part in work:
        for line in part.lines if part.ready else ():
            if line.remaining > 0:
                before = lines.get((line.line_id, part.location))
                lines[line.line_id, part.location] = ChannelLine(
                    line_id=line.line_id,
                    listing_id=line.inventory_item,
                    sku=line.sku,
                    title=line.title,
                    quantity=line.remaining + (before.quantity if before else 0),
                    total=line.total,
                    location=part.location,
                )
    return tuple(lines.values())


def _shipped(work: list[Work]) -> dict[str, int]:
    units: dict[str, int] = {}
    for part in work:
        for line in part.lines:
            if line.shipped:
                units[line.line_id] = units.get(line.line_id, 0) + line.shipped
    return units


def _ship_to(row: JsonObject) -> ShipTo:
    address = row["shippingAddress"] or {}

    def text(*names: str) -> str:
        return next((value for name in names if (value := str(address.get(name) or "").strip())), "")

    return ShipTo(
        name=text("name") or f"{text('firstName')} {text('lastName')}".strip() or text("company"),
        company=text("company"),
        line1=text("address1", "address2"),
        line2=text("address2") if text("address1") else "",
        city=text("city"),
        region=text("provinceCode", "province"),
        postcode=text("zip"),
        country=text("countryCodeV2"),
        phone=text("phone") or str(row["phone"] or ""),
        email=str(row["email"] or ""),
    )
