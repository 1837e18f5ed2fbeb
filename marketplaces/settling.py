"""Makes the warehouse follow what the order book says: orders are taken in, cancelled, or shown to a person. Repeating it is harmless."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from inventory.models import Sku
from marketplaces import addresses, expansion
from marketplaces.models import Bundle, BundleComponent, Channel, ChannelOrder, Listing
from marketplaces.port import ChannelOrderState as State
from marketplaces.push_log import LONGEST_CAUSE
from outbound import cancellation, orders
from outbound.models import Order
from outbound.orders import Accepted, NewLine, NewOrder
from wms.core import outbox
from wms.core.errors import ReferenceTaken, WmsError
from wms.core.transitions import NotPossibleNow

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem
REFERENCE_LENGTH = 50

Tied = tuple[int | None, int | None]
"""A sku's id, or a bundle's."""


def settle(channel: Channel, keys: Sequence[int]) -> None:
    """Bring the orders with these keys (rows of ChannelOrder) to what the shop says of them now."""
    rows = list(ChannelOrder.objects.filter(pk__in=keys).select_related("raw", "order").order_by("pk"))
    _take_in(channel, [row for row in rows if row.order_id is None and row.shop_state == State.OPEN])
    _drop([row for row in rows if row.order_id is None and row.shop_state != State.OPEN])
    # A cancellation may have come in while its order was being taken in.
    for row in ChannelOrder.objects.filter(pk__in=keys, order__isnull=False).exclude(shop_state=State.OPEN).select_related("order"):
        _follow(channel, row)


def _take_in(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    codes = _map(channel, rows)
    ready = []
    for row in rows:
        address = addresses.normalise(row.raw.opened().get("ship_to", {}) if row.raw else {})
        row.problem_detail = ", ".join(line["sku"] or line["listing_id"] or line["line_id"] for line in row.lines if not line["components"])
        if row.problem_detail:
            row.status, row.problem = Status.UNMAPPED, Problem.UNKNOWN_GOODS
        elif address.faults or not row.lines:
            row.status, row.problem = Status.REFUSED, Problem.BAD_ADDRESS if row.lines else Problem.REFUSED
            row.problem_detail = ", ".join(address.faults)
        else:
            row.problem = ""
            ready.append((row, _new_order(channel, row, address.address, codes)))
    answers = orders.accept_many(merchant=channel.merchant, orders=[order for _row, order in ready]) if ready else []
    for (row, _order), answer in zip(ready, answers, strict=True):
        _note(row, answer)
    _link(channel, rows)


def _map(channel: Channel, rows: Sequence[ChannelOrder]) -> dict[int, str]:
    """Fill in the components of all lines: of the shop's listing, of its sku as listings are tied, of our sku or bundle with that code.

    Answers the codes by sku id.
    """
    lines = [line for row in rows for line in row.lines]
    if not lines:
        return {}
    wanted = {line["sku"] for line in lines} - {""}
    listed, sold_as = _tied(channel, {line["listing_id"] for line in lines}, wanted)
    skus = Sku.objects.filter(merchant_id=channel.merchant_id, active=True)
    by_code = dict(skus.filter(code__in=wanted).values_list("code", "pk"))
    bundles = dict(Bundle.objects.filter(merchant_id=channel.merchant_id, code__in=wanted - by_code.keys()).values_list("code", "pk"))
    tied = {*listed.values(), *sold_as.values()}
    made_of = _components({*bundles.values(), *(bundle_id for _sku_id, bundle_id in tied if bundle_id)})
    for line in lines:
        code = line["sku"]
        sku_id, bundle_id = listed.get(line["listing_id"]) or sold_as.get(code) or (by_code.get(code), bundles.get(code))
        line["components"] = [{"sku_id": sku_id, "units": 1}] if sku_id else made_of.get(bundle_id or 0, [])
    return dict(skus.filter(pk__in=expansion.sku_ids(lines)).values_list("pk", "code"))


def _tied(channel: Channel, listing_ids: Collection[str], shop_skus: Collection[str]) -> tuple[dict[str, Tied], dict[str, Tied]]:
    """What listings are tied to, by their id and by the shop's sku: by that only where all that have it are tied to the same."""
    by_id: dict[str, Tied] = {}
    by_sku: dict[str, set[Tied]] = {}
    rows = (
        Listing.objects.filter(Q(external_id__in=listing_ids) | Q(external_sku__in=shop_skus), channel=channel)
        .exclude(sku=None, bundle=None)
        .exclude(sku__active=False)
    )
    for external_id, external_sku, sku_id, bundle_id in rows.values_list("external_id", "external_sku", "sku_id", "bundle_id"):
        by_id[external_id] = sku_id, bundle_id
        by_sku.setdefault(external_sku, set()).add((sku_id, bundle_id))
    return by_id, {shop_sku: next(iter(goods)) for shop_sku, goods in by_sku.items() if shop_sku and len(goods) == 1}


def _components(bundle_ids: Collection[int]) -> dict[int, list[dict[str, int]]]:
    """What each bundle is made of now; one with a component that is no longer sold is left out, as unknown as its goods."""
    if not bundle_ids:
        return {}
    made_of: dict[int, list[dict[str, int]]] = {}
    gone = set()
    for component in BundleComponent.objects.filter(bundle__in=bundle_ids).select_related("sku").order_by("bundle", "pk"):
        made_of.setdefault(component.bundle_id, []).append({"sku_id": component.sku_id, "units": component.quantity})
        if not component.sku.active:
            gone.add(component.bundle_id)
    return {key: components for key, components in made_of.items() if key not in gone}


def _new_order(channel: Channel, row: ChannelOrder, address: dict[str, str], codes: dict[int, str]) -> NewOrder:
    return NewOrder(
        reference=reference(channel, row),
        warehouse=channel.warehouse.code,
        ship_to={name: value for name, value in address.items() if value},
        lines=[NewLine(codes[part.sku_id], part.quantity) for part in expansion.expand(row.lines)],
        ship_by=row.ship_by,
        service=row.service,
        placed_at=row.placed_at,
    )


def reference(channel: Channel, row: ChannelOrder) -> str:
    """Our order's reference: the channel's code and the number that the buyer knows, and -2, -3, ... where the shop opened it again."""
    wanted = f"{channel.code}-{row.number or row.external_id}" + (f"-{row.reopened + 1}" if row.reopened else "")
    if len(wanted) <= REFERENCE_LENGTH:
        return wanted
    return f"{channel.code}-{hashlib.sha256(wanted.encode()).hexdigest()[: REFERENCE_LENGTH - len(channel.code) - 1]}"[:REFERENCE_LENGTH]


def _note(row: ChannelOrder, answer: Accepted | WmsError) -> None:
    """Keep what became of it. A reference that is there with other content is ours, from a try that was cut off, or the merchant's own."""
    if isinstance(answer, ReferenceTaken):
        row.order = Order.objects.get(merchant_id=row.merchant_id, reference=answer.details["reference"])
        row.status, row.problem = Status.IMPORTED, Problem.OTHER_CONTENT
    elif isinstance(answer, WmsError):
        row.status, row.problem, row.problem_detail = Status.REFUSED, Problem.REFUSED, f"{answer} {answer.details}"[:2000]
    else:
        row.order_id, row.status = answer.id, Status.IMPORTED


_LINK = """
UPDATE marketplaces_channelorder o
SET status = CASE WHEN r.order_id IS NOT NULL AND r.twice THEN 'refused' ELSE r.status END,
    problem = CASE WHEN r.order_id IS NOT NULL AND r.twice THEN 'refused' ELSE r.problem END,
    problem_detail = r.detail, lines = r.lines::jsonb, order_id = CASE WHEN NOT r.twice THEN r.order_id END, updated_at = now()
FROM (
    SELECT d.*, EXISTS (SELECT FROM marketplaces_channelorder x WHERE x.order_id = d.order_id AND x.id <> d.id) AS twice
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
         AS d (id, status, problem, detail, lines, order_id)
) r
WHERE o.id = r.id AND o.order_id IS NULL
"""


def _link(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    """Tie the rows to their orders and tell all shops of the goods anew: what was waiting is promised now."""
    if not rows:
        return
    parts: list[Any] = [[row.pk for row in rows], [str(row.status) for row in rows], [str(row.problem) for row in rows]]
    parts += [[row.problem_detail for row in rows], [json.dumps(row.lines) for row in rows], [row.order_id for row in rows]]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LINK, parts)
        publish(channel, rows)


def publish(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    """A step: the numbers of these orders' goods have to be told again."""
    sku_ids = sorted(set().union(*(expansion.sku_ids(row.lines) for row in rows)))
    if sku_ids:
        numbers = [row.number or row.external_id for row in rows]
        because = f"shop's order {', '.join(numbers[:3])}"[:LONGEST_CAUSE]
        story = {"at": round(time.time(), 3), "by": [0] * len(sku_ids), "because": [because] * len(sku_ids)}
        outbox.emit("stock.changed", warehouse_id=channel.warehouse_id, sku_ids=sku_ids, **story)


def _drop(rows: Sequence[ChannelOrder]) -> None:
    """Orders that the warehouse never had and need not have: cancelled, closed, or not paid any more."""
    for row in rows:
        if row.problem == Problem.UNREADABLE and row.shop_updated_at is None:
            continue
        row.status = {State.CANCELLED: Status.CANCELLED, State.SHIPPED: Status.CLOSED}.get(State(row.shop_state), Status.SEEN)
        row.problem, row.problem_detail = "", ""
    ChannelOrder.objects.bulk_update(rows, ["status", "problem", "problem_detail"])
    by_channel: dict[int, list[ChannelOrder]] = {}
    for row in rows:
        by_channel.setdefault(row.channel_id, []).append(row)
    with transaction.atomic():
        for channel in Channel.objects.filter(pk__in=by_channel):
            publish(channel, by_channel[channel.pk])


def _follow(channel: Channel, row: ChannelOrder) -> None:
    """An order of ours that is no longer open in the shop."""
    assert row.order is not None
    if row.shop_state == State.CANCELLED:
        _cancel(channel, row)
    elif row.shop_state == State.PENDING:
        _show(row, Status.IMPORTED, Problem.UNPAID)
    elif row.order.shipped_at is None:
        _show(row, Status.IMPORTED, Problem.CLOSED)


def _cancel(channel: Channel, row: ChannelOrder) -> None:
    """Cancelled there. What has left is no receipt here, though the shop may have put it back on sale: it is told our number again."""
    assert row.order is not None
    try:
        cancellation.cancel(order_id=row.order.pk, by=channel.user)
        _show(row, Status.CANCELLED, "")
    except (cancellation.AlreadyLeft, NotPossibleNow) as refusal:
        _show(row, Status.CANCELLED_LATE, Problem.CANCELLED_LATE, str(refusal))
    with transaction.atomic():
        publish(channel, [row])


def _show(row: ChannelOrder, status: str, problem: str, detail: str = "") -> None:
    ChannelOrder.objects.filter(pk=row.pk).update(status=status, problem=problem, problem_detail=detail)
