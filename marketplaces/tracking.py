"""Shops and their buyers hear of each parcel that left, once, and when it leaves.

A shop knows no parts of a bundle, and platforms punish what is told late. So the first parcel with anything of a bundle's unit claims that unit: to
wait for its last part would let the ship-by pass while goods are on their way, and keep the buyer from a number that he could follow. What brings
more of units that were claimed before claims nothing. Where it brings nothing else, it joins the parcel that claimed them (else it is told for the
rest alone), as far as the platform has room for that:

- Shopify: fulfilments are of whole units of a line, and may have several numbers; a further one is added to the first parcel's fulfilment;
- WooCommerce: a fulfilment has one number; a further one is written to the buyer in a note;
- a generic storefront is sent it with `joins`, the number of the first parcel;
- eBay (all components of a line belong into one package) and Amazon (a package is of units that are not confirmed yet) take no second number for
  a unit: nothing is sent, the line was told in time.

Claims never exceed what was ordered, and add up to it in the end. A parcel that the shop refused has claimed nothing (refused_parcels.py says what
becomes of it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Prefetch
from django.db.models.functions import Now
from django.utils import timezone

from marketplaces import expansion, refused_parcels
from marketplaces.calling import SHOWN_AFTER, Turn, aside_s, one_by_one
from marketplaces.models import Channel, ChannelOrderPart, ToldParcel
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, Marketplace, TrackedLine, Tracking
from outbound.models import Order, Parcel, ParcelLine
from wms.core import outbox

# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
BUDGET_S = 5.0
EVENT_PARCELS = 100
# Of an order of ours: nothing of it is still to leave.
THROUGH = (Order.Status.SHIPPED, Order.Status.CARRIER_SCANNED, Order.Status.DELIVERED, Order.Status.CANCELLED)

_CHANNELS = """
SELECT o.channel_id, array_agg(p.id ORDER BY p.id) FROM outbound_parcel p
JOIN marketplaces_channelorderpart r ON r.order_id = p.order_id AND NOT r.merchants_own
JOIN marketplaces_channelorder o ON o.id = r.channel_order_id
WHERE p.status = 'shipped' AND (p.id = ANY(%(parcels)s) OR o.channel_id = %(channel)s)
  AND NOT EXISTS (SELECT FROM marketplaces_toldparcel t WHERE t.parcel_id = p.id)
GROUP BY o.channel_id
"""


def send_shipped(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `order.shipped` {order_id, parcel_id}: one event for each shop that has to hear. No network here."""
    with transaction.atomic():
        _tell([payload["parcel_id"] for payload in payloads], None)


def tell_of(order_ids: Sequence[int]) -> None:
    """A step: have the shops of these orders told of what has left of them already."""
    _tell(list(Parcel.objects.filter(order__in=order_ids).values_list("pk", flat=True)), None)


def catch_up(channel: Channel) -> None:
    """A step: have the shop told of all parcels that it does not know of."""
    _tell([], channel.pk)
    refused_parcels.hurry(channel)


def _tell(parcel_ids: Sequence[int], channel_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS, {"parcels": list(parcel_ids), "channel": channel_id})
        found = cursor.fetchall()
    outbox.emit_all([event for key, parcels in found for event in _events(key, parcels)])


def _events(channel_id: int, parcel_ids: Sequence[int], **more: int) -> list[tuple[str, dict[str, Any]]]:
    parts = [list(parcel_ids[start : start + EVENT_PARCELS]) for start in range(0, len(parcel_ids), EVENT_PARCELS)]
    return [("parcel.left", {"lane": channel_id, "channel_id": channel_id, "parcel_ids": part, **more}) for part in parts]


def tell(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `parcel.left` {channel_id and parcel_ids, or again: what the shop refused; failed: how often it broke down at these}, one
    channel's events at a time.

    Raises ChannelQuiet: try again later.
    """
    channel = Channel.objects.filter(pk=payloads[0]["channel_id"], active=True).first()
    if channel is None:  # resuming catches up
        return
    wanted: dict[int, int] = {}
    for payload in payloads:
        for parcel_id in payload.get("parcel_ids", ()):
            wanted[parcel_id] = max(wanted.get(parcel_id, 0), payload.get("failed", 0))
    if any(payload.get("again") for payload in payloads):
        wanted = dict.fromkeys(refused_parcels.due(channel), 0) | wanted
    told = ToldParcel.objects.filter(parcel__in=wanted).exclude(again_at__lte=Now()).values_list("parcel", flat=True)
    lines = Prefetch("lines", ParcelLine.objects.select_related("line"))
    parcels = (
        Parcel.objects.filter(pk__in=wanted, status="shipped").exclude(pk__in=told).select_related("order__channel_part__channel_order")
    )
    # A shop in trouble takes a few at a time: those first whose deadline is next, and last what it will refuse again.
    refused = Exists(ToldParcel.objects.filter(parcel=OuterRef("pk")))
    left = list(parcels.alias(refused=refused).prefetch_related(lines).order_by("refused", "order__ship_by", "pk"))
    if not left:
        return
    places = {house_id: location for location, house_id in channel.locations.items()}
    turn = one_by_one(channel, left, lambda shop, parcel: _send(shop, parcel, parcel.order.channel_part, places), BUDGET_S)
    _go_on_later(channel, [parcel.pk for parcel in turn.left], turn.wait_s)
    for parcel, error in turn.failed.items():
        _put_aside(channel, parcel, error, wanted[parcel.pk], turn)


def _go_on_later(channel: Channel, parcel_ids: Sequence[int], wait_s: float) -> None:
    events = _events(channel.pk, parcel_ids)
    with transaction.atomic():
        outbox.emit_all_later(wait_s, events, tried=1) if wait_s else outbox.emit_all(events)


def _put_aside(channel: Channel, parcel: Parcel, error: ChannelUnavailable, failed: int, turn: Turn[Any]) -> None:
    """The shop broke down at this one parcel. While it is in trouble as a whole that says nothing; one at which it does so again and again is shown to
    people as those that it refuses, and told as seldom.
    """
    failed += turn.well
    if failed >= SHOWN_AFTER:
        refused_parcels.note(parcel, parcel.order.channel_part.channel_order, ChannelRefused(reason=error.details["reason"]))
        return
    with transaction.atomic():
        outbox.emit_all_later(aside_s(failed, turn.wait_s), _events(channel.pk, [parcel.pk], failed=failed), tried=1)


def _send(shop: Marketplace, parcel: Parcel, part: ChannelOrderPart, places: Mapping[int, str]) -> None:
    """`places`: the shop's places by the keys of the warehouses that they are."""
    try:
        if (tracking := _tracking(parcel, part)) is not None:
            shop.send_tracking(replace(tracking, location=places.get(part.warehouse_id, "")))
    except (ChannelUnavailable, CredentialsRefused):
        raise
    except ChannelRefused as refusal:
        refused_parcels.note(parcel, part.channel_order, refusal)
        return
    told, new = ToldParcel.objects.get_or_create(parcel=parcel, defaults={"channel_order": part.channel_order})
    if not new and told.error:
        ToldParcel.objects.filter(pk=told.pk).update(error="", again_at=None, told_at=Now())


def _tracking(parcel: Parcel, part: ChannelOrderPart) -> Tracking | None:
    """The shop's order is complete with the last parcel of its last part. None where there is nothing to tell."""
    parts = list(part.channel_order.parts.select_related("order"))
    ours = [each for each in parts if not each.merchants_own]
    others = Parcel.objects.filter(order__channel_part__in=ours).exclude(pk=parcel.pk).exclude(status=Parcel.Status.VOID)
    ids = others.values_list("pk", flat=True)
    told = ToldParcel.objects.filter(parcel__in=ids).count()
    through = len(ours) == len(parts) and all(each.order is not None and each.order.status in THROUGH for each in parts)
    all_ship = all(map(expansion.ships, part.channel_order.lines))
    alone = not ids and through and len(parts) == 1 and all_ship
    earlier = [] if alone else _told_before(parcel, part)
    lines = None if alone else lines_of(parcel, part, units_of(row for known in earlier for row in known.lines.all()))
    joins = joined(parcel, part, earlier) if lines == () else ""
    if lines == () and not joins:
        return None
    return Tracking(
        order_id=part.channel_order.external_id,
        number=parcel.tracking_number,
        carrier=parcel.carrier,
        shipped_at=parcel.shipped_at or timezone.now(),
        lines=lines or (),
        completes_order=through and told == len(ids),
        joins=joins,
    )


def _told_before(parcel: Parcel, part: ChannelOrderPart) -> list[Parcel]:
    """The order's parcels that the shop took, the first one first, with their lines: only a bundle's claim hangs on them."""
    if not expansion.has_bundles(part.lines):
        return []
    told = ToldParcel.objects.filter(parcel__order=part.order_id, error="").exclude(parcel=parcel)
    lines = Prefetch("parcel__lines", ParcelLine.objects.select_related("line"))
    return [row.parcel for row in told.select_related("parcel").prefetch_related(lines).order_by("told_at", "pk")]


def joined(parcel: Parcel, part: ChannelOrderPart, earlier: Sequence[Parcel]) -> str:
    """The number of the first parcel that holds something of the same lines of the shop's."""
    wanted = expansion.line_ids(part.lines, units_of(parcel.lines.all()))
    return next((each.tracking_number for each in earlier if wanted & expansion.line_ids(part.lines, units_of(each.lines.all()))), "")


def units_of(held: Iterable[ParcelLine]) -> Counter[int]:
    """Base units by the number of our line."""
    units: Counter[int] = Counter()
    for row in held:
        units[row.line.number] += row.quantity
    return units


def lines_of(parcel: Parcel, part: ChannelOrderPart, before: Counter[int]) -> tuple[TrackedLine, ...] | None:
    """Units by the shop's own lines; None for the whole parcel where our order has lines that the shop's has not.

    Of a bundle what this parcel begins, beside what left `before` it.
    """
    units_now = expansion.begun(part.lines, before + units_of(parcel.lines.all()))
    if units_now is None:
        return None
    known = expansion.begun(part.lines, before) or {}
    claims = {line_id: units - known.get(line_id, 0) for line_id, units in units_now.items()}
    return tuple(TrackedLine(line_id, units) for line_id, units in claims.items() if units)
