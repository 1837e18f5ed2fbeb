"""The shop's documents, as they come in a message, in a list that it answers, or through our API: what they mean to the warehouse.

`docs/generic-storefront.openapi.json` says their shapes. Fields that we do not know are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketplaces.adapters._reading import moment
from marketplaces.port import (
    MOST_UNITS,
    ChannelLine,
    ChannelListing,
    ChannelOrder,
    ChannelOrderState,
    MessageUnreadable,
    ShipTo,
    reasons,
    storable,
    units,
)

LONGEST_ID = 100


def read_order(document: Mapping[str, Any], *, location: str = "", at: Sequence[str] = ()) -> ChannelOrder:
    """Raises MessageUnreadable where something that the warehouse needs is missing or of the wrong kind.

    Only what `location` is to send counts, where the channel is one of the shop's locations; of one that is several, what those `at` which its
    warehouses are have to send, each line with its own.
    """
    ours = tuple(at) or ((location,) if location else ())
    order_id = "?"
    try:
        order_id = read_id(document["id"])
        updated_at = moment(document["updated_at"])
        placed = document.get("placed_at")
        due = document.get("ship_by")
        rows = [row for row in document.get("lines") or [] if not ours or row.get("location") in (None, "", *ours)]
        elsewhere = len(document.get("lines") or []) - len(rows)
        lines = tuple(line for row in rows if (line := _line(row, several=bool(at))).quantity > 0)
        said = ChannelOrderState(document["state"])
        state = _state(said, rows, lines, moved=bool(elsewhere and not rows))
        # It is as good as cancelled, if the warehouse still can.
        wished = document.get("cancellation_requested") is True and state in (ChannelOrderState.PENDING, ChannelOrderState.OPEN)
        return ChannelOrder(
            order_id=order_id,
            number=_text(document.get("number")) or order_id,
            state=ChannelOrderState.CANCELLED if wished else state,
            placed_at=moment(placed) if placed else updated_at,
            updated_at=updated_at,
            ship_to=_ship_to(document.get("ship_to") or {}),
            lines=lines,
            currency=_text(document.get("currency")),
            total=Decimal(document.get("total") or "0"),
            channel_status=said.value,
            shipping_method=_text(document.get("shipping_method")),
            note=_text(document.get("note")),
            ship_by=moment(due) if due else None,
            shipped={read_id(row["id"]): _count(row, "shipped") for row in rows if row.get("shipped")},
            cancellation_requested=wished,
            raw=document,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise MessageUnreadable(reason=f"order {order_id}: {type(error).__name__}: {error}") from error


def _state(said: ChannelOrderState, rows: list[Any], lines: tuple[ChannelLine, ...], *, moved: bool) -> ChannelOrderState:
    """By the lines, where they tell: a header that says `shipped` while a unit is left is wrong, and so is `open` with nothing left."""
    if moved:
        return ChannelOrderState.CANCELLED
    if said not in (ChannelOrderState.OPEN, ChannelOrderState.SHIPPED) or not rows:
        return said
    tells = any(row.get("shipped") is not None for row in rows)
    if lines:
        return ChannelOrderState.OPEN if tells else said
    return ChannelOrderState.SHIPPED if any(row.get("shipped") for row in rows) else ChannelOrderState.CANCELLED


def _line(row: Mapping[str, Any], *, several: bool) -> ChannelLine:
    left = units(row["quantity"], "quantity") - _count(row, "shipped") - _count(row, "cancelled")
    return ChannelLine(
        line_id=read_id(row["id"]),
        listing_id=_text(row.get("listing_id")),
        sku=_text(row.get("sku")),
        title=_text(row.get("title")),
        quantity=left,
        total=Decimal(row.get("total") or "0"),
        location=_text(row.get("location")) if several else "",
    )


def _ship_to(address: Mapping[str, Any]) -> ShipTo:
    return ShipTo(**{name: _text(address.get(name)) for name in ShipTo.__dataclass_fields__})


def read_listing(document: Mapping[str, Any]) -> ChannelListing:
    """As a whole: of a shop that says only what its locations show, they together. Raises MessageUnreadable."""
    try:
        there = _shown(document)
        quantity = document.get("quantity")
        if quantity is None and there:
            quantity = sum(there.values())
        return ChannelListing(
            listing_id=read_id(document["id"]),
            sku=_text(document.get("sku")),
            title=_text(document.get("title")),
            # Some shops sell more than they have, and show it.
            quantity=None if quantity is None else _count({"quantity": quantity}, "quantity", least=-MOST_UNITS),
            barcode=_text(document.get("barcode")),
            url=_text(document.get("url")),
            active=document.get("active") is not False,
            sells_without_stock=document.get("sells_without_stock") is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageUnreadable(reason=f"listing: {type(error).__name__}: {error}") from error


def read_places(document: Mapping[str, Any], at: Sequence[str], *, location: str = "") -> list[ChannelListing]:
    """The listing at each of these locations, or as a whole where there are none. Raises MessageUnreadable.

    The whole of a channel that is one `location` of the shop is what that shows, where the shop tells them apart.
    """
    whole = read_listing(document)
    there = _shown(document)
    if location and there:
        whole = replace(whole, quantity=there.get(location))
    return [replace(whole, location=each, quantity=there.get(each)) for each in at] or [whole]


def read_shown(document: Mapping[str, Any], at: Sequence[str], *, location: str = "") -> dict[str, int]:
    """What the shop says that the listing shows: at those of these locations that it names, under "" as a whole where it names none or there are
    none. Raises MessageUnreadable. `location`: as read_places takes it.
    """
    [whole] = read_places(document, (), location=location)
    there = _shown(document)
    if at and there:
        return {each: quantity for each, quantity in there.items() if each in at}
    return {} if whole.quantity is None else {"": whole.quantity}


def _shown(document: Mapping[str, Any]) -> dict[str, int]:
    return {_text(row["location"]): _count(row, "quantity", least=-MOST_UNITS) for row in document.get("locations") or []}


def read_id(value: Any) -> str:
    """Shops write ids as texts or as numbers. Raises ValueError."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_ID or not text.isprintable():
        raise ValueError(reasons.NOT_AN_ID.format(what=repr(str(value)[:100])))
    return text.strip()


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ValueError(reasons.NOT_A_TEXT.format(what=type(value).__name__))  # its content may be a buyer's
    return storable(value or "").strip()


def _count(row: Mapping[str, Any], name: str, *, least: int = 0) -> int:
    value = row.get(name)
    return units(0 if value is None else value, name, least=least)
