"""Orders that the seller ships himself: the poll that loses none, and what is left to ship of them (Orders API 2026-01-01)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from marketplaces.adapters._cursor import Cursor, page_at
from marketplaces.adapters._reading import moment, read_rows
from marketplaces.adapters.amazon.connection import Connection, JsonObject
from marketplaces.port import (
    ChannelLine,
    ChannelOrder,
    ChannelOrderState,
    ChannelUnavailable,
    MessageUnreadable,
    NotOnChannel,
    OrderPage,
    ShipTo,
    reasons,
    units,
)

PATH = "/orders/2026-01-01/orders"
# Each poll reads the last minutes again: Amazon's search finds an order some time after it was changed.
OVERLAP = timedelta(minutes=5)
INCLUDED = "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT"
STATES = {
    "PENDING_AVAILABILITY": ChannelOrderState.PENDING,
    "PENDING": ChannelOrderState.PENDING,
    "UNSHIPPED": ChannelOrderState.OPEN,
    "PARTIALLY_SHIPPED": ChannelOrderState.OPEN,
    "SHIPPED": ChannelOrderState.SHIPPED,
    "CANCELLED": ChannelOrderState.CANCELLED,
    "UNFULFILLABLE": ChannelOrderState.CANCELLED,
}


class Orders:
    def __init__(self, connection: Connection, marketplace_ids: list[str]) -> None:
        self._connection = connection
        self._marketplaces = ",".join(marketplace_ids)

    def changed(self, *, since: datetime, cursor: str) -> OrderPage:
        position, answer = page_at(Cursor.read(cursor, start=since.astimezone(UTC) - OVERLAP), self._search)
        if answer is None:
            return OrderPage((), str(position), more=True)
        try:
            rows = answer["orders"]
            token = str((answer.get("pagination") or {}).get("nextToken") or "")
            changes = [moment(row["lastUpdatedTime"]) for row in rows]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ChannelUnavailable(reason=reasons.unreadable(reasons.ORDERS, error), answered=True) from error
        token = "" if token == position.page else token
        ours = [row for row in rows if not _by_amazon(row)]
        orders, unreadable = read_rows(ours, read_order, order_id=lambda row: str(row.get("orderId") or ""))
        following, more = position.following(changes, token, overlap=OVERLAP)
        return OrderPage(orders, str(following), more, unreadable)

    def _search(self, position: Cursor) -> JsonObject:
        params = {
            "lastUpdatedAfter": _stamp(position.after),
            "marketplaceIds": self._marketplaces,
            "fulfilledBy": "MERCHANT",
            "includedData": INCLUDED,
        }
        params |= {"lastUpdatedBefore": _stamp(position.until)} if position.until else {}
        params |= {"paginationToken": position.page} if position.page else {}
        return self._connection.call("searchOrders", "GET", PATH, params=params)

    def one(self, order_id: str) -> ChannelOrder:
        """Raises NotOnChannel also for what Amazon ships."""
        return read_order(self.row(order_id, INCLUDED))

    def row(self, order_id: str, included: str) -> JsonObject:
        answer = self._connection.call("getOrder", "GET", f"{PATH}/{quote(order_id, safe='')}", params={"includedData": included})
        row = answer.get("order")
        if not isinstance(row, dict) or row.get("orderId") != order_id:
            raise ChannelUnavailable(reason=reasons.NO_ORDER, answered=True)
        if _by_amazon(row):
            raise NotOnChannel(reason=reasons.BY_AMAZON.format(what=order_id), channel_code="by_amazon")
        return row


def _by_amazon(row: JsonObject) -> bool:
    return isinstance(row, dict) and isinstance(told := row.get("fulfillment"), dict) and told.get("fulfilledBy") == "AMAZON"


def read_order(row: JsonObject) -> ChannelOrder:
    """Raises MessageUnreadable where something that the warehouse needs is missing or of the wrong kind."""
    try:
        return _order(row)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"order {_name(row)}: {type(error).__name__}: {error}") from error


def _name(row: Any) -> str:
    return str(row.get("orderId")) if isinstance(row, dict) else "?"


def _order(row: JsonObject) -> ChannelOrder:
    fulfilment, items = row["fulfillment"], row["orderItems"]
    lines = tuple(line for item in items if (line := _line(item)).quantity > 0)
    shipped = {item["orderItemId"]: left for item in items if (left := _shipped(item))}
    state = STATES[fulfilment["fulfillmentStatus"]]
    if state is ChannelOrderState.OPEN and not lines:
        state = ChannelOrderState.SHIPPED if shipped else ChannelOrderState.CANCELLED
    asked = state is ChannelOrderState.OPEN and any(_cancellation_asked(item) for item in items)
    grand = (row.get("proceeds") or {}).get("grandTotal") or {}
    due = (fulfilment.get("shipByWindow") or {}).get("latestDateTime")
    delivery = (row.get("recipient") or {}).get("deliveryPreference") or {}
    return ChannelOrder(
        order_id=str(row["orderId"]),
        number=str(row["orderId"]),
        state=state,
        placed_at=moment(row["createdTime"]),
        updated_at=moment(row["lastUpdatedTime"]),
        ship_to=_ship_to(row),
        lines=lines,
        currency=str(grand.get("currencyCode") or ""),
        total=Decimal(grand["amount"]) if grand else sum((line.total for line in lines), Decimal(0)),
        channel_status=f"{fulfilment['fulfillmentStatus'].lower()}{', the buyer asks to cancel' if asked else ''}",
        shipping_method=str(fulfilment.get("fulfillmentServiceLevel") or ""),
        note=str(delivery.get("addressInstruction") or delivery.get("dropOffLocation") or ""),
        ship_by=moment(due) if due else None,
        shipped=shipped,
        cancellation_requested=asked,
        raw=row,
    )


def _cancellation_asked(item: JsonObject) -> bool:
    cancellation = item.get("cancellation") or {}
    return bool(cancellation.get("cancellationRequest")) and not cancellation.get("cancellationExecution") and unshipped(item) > 0


def _shipped(item: JsonObject) -> int:
    return units((item.get("fulfillment") or {}).get("quantityFulfilled") or 0, f"quantityFulfilled of item {item['orderItemId']}")


def unshipped(item: JsonObject) -> int:
    """Units of an order's item that are still to be shipped. Raises ValueError."""
    left = (item.get("fulfillment") or {}).get("quantityUnfulfilled")
    if left is not None:
        return units(left, f"quantityUnfulfilled of item {item['orderItemId']}")
    if (item.get("cancellation") or {}).get("cancellationExecution"):
        return 0
    return units(item["quantityOrdered"], f"quantityOrdered of item {item['orderItemId']}")


def _line(item: JsonObject) -> ChannelLine:
    product = item["product"]
    sku = str(product.get("sellerSku") or "")
    total = ((item.get("proceeds") or {}).get("proceedsTotal") or {}).get("amount")
    return ChannelLine(
        line_id=str(item["orderItemId"]),
        listing_id=sku,
        sku=sku,
        title=str(product.get("title") or ""),
        quantity=unshipped(item),
        total=Decimal(total) if total is not None else Decimal(0),
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ship_to(row: JsonObject) -> ShipTo:
    """Amazon's first address line may be empty though the second is not; where it says no city it says the district."""
    address = (row.get("recipient") or {}).get("deliveryAddress") or {}

    def text(*names: str) -> str:
        return next((value for name in names if (value := str(address.get(name) or "").strip())), "")

    streets = [street for name in ("addressLine1", "addressLine2", "addressLine3") if (street := text(name))]
    return ShipTo(
        name=text("name", "companyName"),
        company=text("companyName"),
        line1=streets[0] if streets else "",
        line2=", ".join(streets[1:]),
        city=text("city", "municipality", "districtOrCounty"),
        region=text("stateOrRegion"),
        postcode=text("postalCode"),
        country=text("countryCode"),
        phone=text("phone"),
        email=str((row.get("buyer") or {}).get("buyerEmail") or ""),
    )
