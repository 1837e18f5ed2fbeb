"""Orders of the shop: the poll that loses none, and what they mean to the warehouse."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from marketplaces.adapters._reading import read_rows
from marketplaces.adapters.woocommerce.connection import Connection, JsonObject, plain
from marketplaces.adapters.woocommerce.stock import listing_id
from marketplaces.port import (
    ChannelLine,
    ChannelOrder,
    ChannelOrderState,
    ChannelRefused,
    MessageUnreadable,
    NotUsable,
    OrderPage,
    ShipTo,
    reasons,
    units,
)

# Each poll reads the last minutes again: an order saved by a slow transaction becomes visible after younger ones.
OVERLAP = timedelta(minutes=2)

# Carts: nobody has ordered yet.
DRAFTS = {"checkout-draft", "auto-draft"}
STATES = {
    "pending": ChannelOrderState.PENDING,
    # Waits for a bank transfer, a cheque or the merchant's own look: what is to be sent becomes "processing".
    "on-hold": ChannelOrderState.PENDING,
    "checkout-draft": ChannelOrderState.PENDING,
    "auto-draft": ChannelOrderState.PENDING,
    "processing": ChannelOrderState.OPEN,
    "completed": ChannelOrderState.SHIPPED,
    "cancelled": ChannelOrderState.CANCELLED,
    "refunded": ChannelOrderState.CANCELLED,
    "failed": ChannelOrderState.CANCELLED,
    "trash": ChannelOrderState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a poll stands: read what changed after `after`, `page` by page; `seen` is the youngest change so far.

    `ordered` falls with the first page of a round that is not in order; `last` is a digest of the page before, to notice a shop (or a
    cache before it) that answers the same page for ever.
    """

    after: datetime
    page: int
    seen: datetime
    ordered: bool = True
    last: str = ""

    @classmethod
    def read(cls, text: str, *, since: datetime) -> "Cursor":
        if not text:
            start = since.astimezone(UTC) - OVERLAP
            return cls(after=start, page=1, seen=start)
        data = json.loads(text)
        return cls(
            after=datetime.fromisoformat(data["after"]),
            page=data["page"],
            seen=datetime.fromisoformat(data["seen"]),
            ordered=data["ordered"],
            last=data["last"],
        )

    def __str__(self) -> str:
        data = {"after": self.after.isoformat(), "page": self.page, "seen": self.seen.isoformat()}
        return json.dumps({**data, "ordered": self.ordered, "last": self.last})

    def following(self, changes: list[datetime], *, more: bool, digest: str) -> "Cursor":
        """Where to read on. `changes`: the times of the page just read, in its order.

        By the last change rather than by page number: an order that changes meanwhile moves to the end, and the first one of the next
        page would slip into the page just read. Only where time does not advance, or the shop ignores the order, the number has to do.
        """
        # A time in the future, made by a plug-in or a wrong clock, must not hide what changes until then.
        seen = max([self.seen, *(min(change, datetime.now(UTC)) for change in changes)])
        if not more:
            return Cursor(after=seen - OVERLAP, page=1, seen=seen)
        ordered = self.ordered and changes == sorted(changes)
        step = changes[-1] - timedelta(seconds=1) if ordered and changes else self.after
        if step > self.after:
            return Cursor(after=step, page=1, seen=seen, last=digest)
        return Cursor(after=self.after, page=self.page + 1, seen=seen, ordered=ordered, last=digest)


class Orders:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def changed(self, *, since: datetime, cursor: str) -> OrderPage:
        position = Cursor.read(cursor, since=since)
        rows, more = self._connection.page(
            "orders",
            page=position.page,
            # Without a zone: WordPress would shift a time that ends in Z to the site's own zone.
            modified_after=position.after.strftime("%Y-%m-%dT%H:%M:%S"),
            dates_are_gmt=True,
            orderby="modified",
            order="asc",
        )
        changes: list[datetime] = []

        def read(row: JsonObject) -> ChannelOrder:
            order = self._complete(row)
            changes.append(order.updated_at)
            return order

        orders, unreadable = read_rows(rows, read, order_id=lambda row: str(row.get("id", "")))
        digest = hashlib.sha256(repr([(row.get("id"), row.get("date_modified_gmt")) for row in rows]).encode()).hexdigest()[:16]
        # Only by number: going on by time may rightly answer the same page once more, where it is full of one second.
        more = more and (position.page == 1 or digest != position.last)
        following = position.following(changes, more=more, digest=digest)
        return OrderPage(orders, str(following), more, unreadable)

    def one(self, order_id: str) -> ChannelOrder:
        return self._complete(self._connection.get_object(f"orders/{path_id(order_id)}"))

    def last_changes(self, order_ids: Sequence[str]) -> dict[str, datetime]:
        """Without those in the bin, too: the shop lists them only where it is asked for nothing else."""
        ids = [order_id for order_id in order_ids if _is_id(order_id)]
        if not ids:  # an empty list would mean all
            return {}
        rows, _more = self._connection.page("orders", page=1, include=",".join(ids))
        return {str(row.get("id")): at for row in rows if (at := moment(row.get("date_modified_gmt"))) is not None}

    def cancel(self, order_id: str) -> None:
        row = self._connection.get_object(f"orders/{path_id(order_id)}")
        state = state_of(row)
        if state is ChannelOrderState.CANCELLED:
            return
        if state is ChannelOrderState.SHIPPED:
            # The shop would put the units back on sale though they are on their way to the buyer.
            raise ChannelRefused(reason=reasons.COMPLETED, channel_code="order_completed")
        self._connection.write("PUT", f"orders/{path_id(order_id)}", {"status": "cancelled"})

    def _complete(self, row: JsonObject) -> ChannelOrder:
        refunded: Mapping[int, int] = {}
        if row.get("refunds") and state_of(row) is ChannelOrderState.OPEN:
            refunded = self._refunded(str(row["id"]))
        return read_order(row, refunded)

    def _refunded(self, order_id: str) -> Mapping[int, int]:
        """Units given up per order line. An order keeps its first quantities; only its refunds say what is no longer to be shipped."""
        given_up: dict[int, int] = defaultdict(int)
        refunds = list(self._connection.every(f"orders/{order_id}/refunds"))
        try:
            for line in (line for refund in refunds for line in refund.get("line_items") or []):
                for meta in line.get("meta_data") or []:
                    if meta.get("key") == "_refunded_item_id":
                        given_up[int(meta["value"])] += abs(int(line.get("quantity") or 0))
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise MessageUnreadable(reason=f"order {order_id}, refund: {type(error).__name__}: {error}") from error
        return given_up


def path_id(order_id: str) -> str:
    """An id as it goes into an address. Anything but digits never came from this shop."""
    if not _is_id(order_id):
        raise NotUsable(reason=reasons.NO_ID.format(what=repr(order_id)), channel_code="bad_id")
    return order_id


def _is_id(order_id: str) -> bool:
    return order_id.isascii() and order_id.isdecimal()


def state_of(row: JsonObject) -> ChannelOrderState:
    """Statuses added by plug-ins are left alone until the order reaches one that we know."""
    return STATES.get(str(row.get("status")), ChannelOrderState.PENDING)


def read_order(row: JsonObject, refunded: Mapping[int, int]) -> ChannelOrder:
    """Raises MessageUnreadable where something that the warehouse needs is missing or of the wrong kind."""
    try:
        created, modified = moment(row.get("date_created_gmt")), moment(row.get("date_modified_gmt"))
        updated_at = modified or created
        if updated_at is None:
            raise ValueError(reasons.NO_DATE)
        lines = tuple(line for item in row["line_items"] if (line := _line(item, refunded)).quantity > 0)
        return ChannelOrder(
            order_id=str(int(row["id"])),
            number=str(row.get("number") or row["id"]),
            state=state_of(row) if lines or not refunded else ChannelOrderState.CANCELLED,
            placed_at=created or updated_at,
            updated_at=updated_at,
            ship_to=_ship_to(row.get("shipping") or {}, row.get("billing") or {}),
            lines=lines,
            currency=str(row["currency"]),
            total=Decimal(row["total"]),
            channel_status=str(row["status"]),
            awaits_payment=row["status"] not in DRAFTS,
            shipping_method=next((plain(str(line.get("method_title") or "")) for line in row.get("shipping_lines") or []), ""),
            note=plain(str(row.get("customer_note") or "")),
            raw=row,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"order {row.get('id')}: {type(error).__name__}: {error}") from error


def moment(value: Any) -> datetime | None:
    """WooCommerce's *_gmt times carry no zone."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None


def _line(item: JsonObject, refunded: Mapping[int, int]) -> ChannelLine:
    quantity = units(item["quantity"], f"the quantity of line {item['id']}")
    return ChannelLine(
        line_id=str(int(item["id"])),
        listing_id=listing_id(int(item.get("product_id") or 0), int(item.get("variation_id") or 0)),
        sku=str(item.get("sku") or ""),
        title=plain(str(item.get("name") or "")),
        quantity=quantity - refunded.get(int(item["id"]), 0),
        total=Decimal(item.get("total") or "0"),
    )


def _ship_to(shipping: Mapping[str, Any], billing: Mapping[str, Any]) -> ShipTo:
    """The billing address where the buyer gave no other one; e-mail is only ever there."""
    address = shipping if shipping.get("address_1") or shipping.get("address_2") or shipping.get("city") else billing

    def text(name: str) -> str:
        return plain(str(address.get(name) or ""))

    person = f"{text('first_name')} {text('last_name')}".strip()
    return ShipTo(
        name=person or text("company"),
        company=text("company"),
        line1=text("address_1") or text("address_2"),
        line2=text("address_2") if text("address_1") else "",
        city=text("city"),
        region=text("state"),
        postcode=text("postcode"),
        country=text("country").upper(),
        phone=plain(str(address.get("phone") or billing.get("phone") or "")),
        email=plain(str(billing.get("email") or "")),
    )
