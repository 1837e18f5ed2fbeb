"""Fulfilment orders: the parts of an order that one location is to ship."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from marketplaces.adapters.shopify import documents
from marketplaces.adapters.shopify.connection import Connection, JsonObject, number_of
from marketplaces.port import units

READY = {"OPEN", "IN_PROGRESS"}
WAITING = {"ON_HOLD", "SCHEDULED"}
# The location was asked to leave it, or has declined it.
LEFT_ALONE = {"CANCELLATION_REQUESTED", "CANCELLATION_ACCEPTED", "REJECTED", "CLOSED"}
# The buyer fetches these, or nothing is sent.
NOT_SENT = {"PICK_UP", "RETAIL", "LOCAL", "NONE"}


@dataclass(frozen=True, slots=True)
class WorkLine:
    """`shipped`: how many of this part's units have left, at most: units that were refunded are gone without having left."""

    work_line_id: str
    line_id: str
    inventory_item: str
    sku: str
    title: str
    remaining: int
    shipped: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Work:
    """`location`: the number of the one that sends it, where several are ours."""

    work_id: str
    status: str
    request_status: str
    fulfil_at: datetime | None
    fulfil_by: datetime | None
    lines: tuple[WorkLine, ...]
    location: str = ""

    @property
    def ready(self) -> bool:
        return self.status in READY and self.request_status not in LEFT_ALONE

    @property
    def waiting(self) -> bool:
        return self.status in WAITING and self.request_status not in LEFT_ALONE and self.remaining > 0

    @property
    def cancellation_requested(self) -> bool:
        return self.request_status == "CANCELLATION_REQUESTED"

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)

    @property
    def shipped(self) -> int:
        return sum(line.shipped for line in self.lines)


class WorkList:
    def __init__(self, connection: Connection, locations: Collection[str], *, several: bool) -> None:
        self._connection = connection
        self._locations, self._several = locations, several

    def of(self, order: JsonObject) -> list[Work]:
        """Our locations' parts of an order as `documents.ORDER` reads it, all pages, sent goods only. KeyError, TypeError: unreadable."""
        return self.ours(self.every(order))

    def every(self, order: JsonObject) -> list[JsonObject]:
        """The fulfilment orders of all locations, all pages."""

        def more(cursor: str) -> JsonObject:
            answer = self._connection.call(documents.WORK, id=order["id"], after=cursor)
            page: JsonObject = answer["order"]["fulfillmentOrders"]
            return page

        return list(self._connection.pages(order["fulfillmentOrders"], more))

    def ours(self, rows: Sequence[JsonObject]) -> list[Work]:
        return [self._read(row) for row in rows if self._is_ours(row)]

    def answer_cancellation(self, work: Work, *, accepted: bool) -> None:
        if accepted:
            self._connection.write(documents.ACCEPT_CANCELLATION, "fulfillmentOrderAcceptCancellationRequest", id=work.work_id)
        else:
            self._connection.write(documents.REJECT_CANCELLATION, "fulfillmentOrderRejectCancellationRequest", id=work.work_id)

    def _is_ours(self, row: JsonObject) -> bool:
        location = row["assignedLocation"]["location"] or {}
        return location.get("id") in self._locations and (row["deliveryMethod"] or {}).get("methodType") not in NOT_SENT

    def _read(self, row: JsonObject) -> Work:
        def more(cursor: str) -> JsonObject:
            page: JsonObject = self._connection.call(documents.LINES, id=row["id"], after=cursor)["fulfillmentOrder"]["lineItems"]
            return page

        lines = [_line(line) for line in self._connection.pages(row["lineItems"], more) if line["requiresShipping"]]
        return Work(
            work_id=row["id"],
            status=row["status"],
            request_status=row["requestStatus"],
            fulfil_at=_moment(row["fulfillAt"]),
            fulfil_by=_moment(row["fulfillBy"]),
            lines=tuple(lines),
            location=number_of(row["assignedLocation"]["location"]["id"]) if self._several else "",
        )


def _line(row: JsonObject) -> WorkLine:
    item = row["lineItem"]
    remaining, total, current, unfulfilled = (
        units(there[name], f"{name} of line {item['id']}")
        for there, name in ((row, "remainingQuantity"), (row, "totalQuantity"), (item, "currentQuantity"), (item, "unfulfilledQuantity"))
    )
    options = row["variantTitle"] or ""
    return WorkLine(
        work_line_id=row["id"],
        line_id=number_of(item["id"]),
        # Empty where the shop no longer has the product.
        inventory_item=number_of(row["inventoryItemId"]) if row["inventoryItemId"] else "",
        sku=row["sku"] or "",
        title=" - ".join(part for part in (row["productTitle"], "" if options == "Default Title" else options) if part),
        remaining=remaining,
        shipped=max(0, min(total - remaining, current - unfulfilled)),
        total=Decimal(item["discountedTotalSet"]["shopMoney"]["amount"]),
    )


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if value else None
