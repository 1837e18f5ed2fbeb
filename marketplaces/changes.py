"""What a shop changed of an order since it was taken in, in words for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from marketplaces import correcting, expansion, port, troubles
from marketplaces.models import ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from outbound.models import Order

WISH = troubles.WISH


def wishes(order: port.ChannelOrder) -> bool:
    return order.state is State.OPEN and order.cancellation_requested


def difference(row: ChannelOrder, order: port.ChannelOrder, address: Mapping[str, str]) -> str:
    """What the shop changed since the order was imported: line ids with "old>new" units, or places, and the names of the address's parts.

    `address` is the order's, as addresses are kept.
    """
    if order.state is not State.OPEN:
        return ""
    ours, theirs = Counter[str](), Counter[str]()
    left_out = {line["line_id"] for line in row.lines if not expansion.ships(line)}
    for line in row.lines:
        ours[line["line_id"]] += line["quantity"]
    for sent in order.lines:
        theirs[sent.line_id] += sent.quantity
    changes = [
        f"{key}: {ours[key]}>{theirs[key]}"
        for key in {**ours, **theirs}
        if key not in left_out
        # What has left since is no change.
        if not theirs[key] <= ours[key] <= theirs[key] + order.shipped.get(key, 0)
    ]
    changes += _moved(row, order)
    wished = [WISH] if wishes(order) else []
    return ", ".join([*wished, *changes, *correcting.changed_parts(row.raw.opened() if row.raw else {}, address)])


def _moved(row: ChannelOrder, order: port.ChannelOrder) -> list[str]:
    """Lines that the shop has another of its places send than when the order was imported, with "old>new" places."""
    before: dict[str, set[str]] = {}
    for line in row.lines:
        before.setdefault(line["line_id"], set()).add(line.get("location", ""))
    now: dict[str, set[str]] = {}
    for sent in order.lines:
        now.setdefault(sent.line_id, set()).add(sent.location)
    return [
        f"{key}: {', '.join(sorted(before[key]))}>{', '.join(sorted(places))}"
        for key, places in now.items()
        # One of several that has sent its units is no move; nor is it where the channel has got its places since.
        if key in before and "" not in before[key] and not places <= before[key]
    ]


def unsent(rows: Sequence[ChannelOrder]) -> set[int]:
    """The keys of those of which the warehouse has not sent all."""
    parts = ChannelOrderPart.objects.filter(channel_order__in=rows, order__isnull=False, order__shipped_at=None)
    return set(parts.values_list("channel_order_id", flat=True)) if rows else set()


def given_up(rows: Sequence[ChannelOrder]) -> dict[int, list[str]]:
    """By key the references of those parts which are cancelled here."""
    found: dict[int, list[str]] = {}
    parts = ChannelOrderPart.objects.filter(channel_order__in=rows, merchants_own=False, order__status=Order.Status.CANCELLED)
    for key, reference in parts.values_list("channel_order_id", "reference") if rows else ():
        found.setdefault(key, []).append(reference)
    return found
