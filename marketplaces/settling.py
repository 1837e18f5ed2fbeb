"""Makes the warehouse follow what the order book says: orders are taken in, cancelled, or shown to a person. Repeating it is harmless."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from inventory.models import Sku
from marketplaces import addresses, cancelled, expansion, parts, tracking
from marketplaces.models import Bundle, BundleComponent, Channel, ChannelOrder, ChannelOrderPart, Listing
from marketplaces.port import ChannelOrderState as State
from marketplaces.push_log import LONGEST_CAUSE
from outbound import cancellation, orders
from outbound.models import Order
from outbound.orders import Accepted, NewLine, NewOrder
from wms.core import outbox
from wms.core.errors import ReferenceTaken, WmsError
from wms.core.transitions import NotPossibleNow

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem
FREED_TOGETHER = 500


@dataclass(slots=True)
class Plan:
    """A shop's order with the parts that it becomes, and beside each what the warehouse is asked for; none where it cannot be taken in."""

    row: ChannelOrder
    parts: list[ChannelOrderPart] = field(default_factory=list)
    orders: list[NewOrder] = field(default_factory=list)


Tied = tuple[int | None, int | None]
"""A sku's id, or a bundle's."""


def settle(channel: Channel, keys: Sequence[int]) -> None:
    """Bring the orders with these keys (rows of ChannelOrder) to what the shop says of them now."""
    _take_in(channel, keys)
    # A cancellation may have come in while its order was being taken in.
    closed = list(ChannelOrder.objects.filter(pk__in=keys).exclude(shop_state=State.OPEN).order_by("pk"))
    if not closed:
        return
    adopt(channel, [row.pk for row in closed])
    prefetch_related_objects(closed, "parts__order")
    taken = {row: [part.order for part in row.parts.all() if part.order is not None] for row in closed}
    _drop(channel, [row for row, ours in taken.items() if not ours])
    for row, ours in taken.items():
        if ours:
            _follow(channel, row, ours)


def _take_in(channel: Channel, keys: Sequence[int]) -> None:
    plans = _plan(channel, keys)
    wanted = [order for plan in plans for order in plan.orders]
    answers = iter(orders.accept_many(merchant=channel.merchant, orders=wanted) if wanted else [])
    for plan in plans:
        for part in plan.parts:
            _note(plan.row, part, next(answers))
    _link(channel, plans)


@transaction.atomic
def _plan(channel: Channel, keys: Sequence[int]) -> list[Plan]:
    """Decide what the open ones of these orders become and write it down: whoever repeats this, after a crash or beside us, finds it decided."""
    found = ChannelOrder.objects.select_for_update(of=("self",), no_key=True).filter(
        pk__in=keys, shop_state=State.OPEN, status__in=ChannelOrder.NOT_TAKEN
    )
    rows = list(found.select_related("raw").order_by("pk"))
    planned: dict[int, list[ChannelOrderPart]] = {}
    # Read when the rows are locked: whoever had them before us has decided by then.
    for part in ChannelOrderPart.objects.filter(channel_order__in=[row.pk for row in rows]):
        planned.setdefault(part.channel_order_id, []).append(part)
    plans = [Plan(row, planned.get(row.pk, [])) for row in rows]
    codes = _map(channel, [plan.row for plan in plans if not plan.parts])
    addressed = [(plan, address) for plan in plans if (address := _address(plan)) is not None]
    new = [(plan, address) for plan, address in addressed if not plan.parts]
    for (plan, _to), decided in zip(new, parts.decide(channel, [(plan.row, address) for plan, address in new]), strict=True):
        plan.parts = decided
    ChannelOrderPart.objects.bulk_create([part for plan, _to in new for part in plan.parts])
    wanted = {sku_id for plan, _to in addressed for part in plan.parts for sku_id in expansion.sku_ids(part.lines)}
    codes |= _codes(channel, wanted - codes.keys())
    houses = {house.pk: house.code for house in channel.houses}
    for plan, address in addressed:
        plan.row.status = Status.IMPORTED
        plan.orders = [
            _new_order(plan.row, part, address, houses.get(part.warehouse_id) or part.warehouse.code, codes) for part in plan.parts
        ]
    return plans


def _address(plan: Plan) -> dict[str, str] | None:
    """Where to; None where the order cannot be taken in, which is noted on its row."""
    row = plan.row
    address = addresses.normalise(row.raw.opened().get("ship_to", {}) if row.raw else {})
    unknown = [] if plan.parts else [line for line in row.lines if not line["components"]]
    if unknown:
        row.status, row.problem = Status.UNMAPPED, Problem.UNKNOWN_GOODS
        row.problem_detail = ", ".join(line["sku"] or line["listing_id"] or line["line_id"] for line in unknown)
    elif address.faults or not row.lines:
        row.status, row.problem = Status.REFUSED, Problem.BAD_ADDRESS if row.lines else Problem.REFUSED
        row.problem_detail = ", ".join(address.faults)
    else:
        if not (plan.parts and row.problem == Problem.CHANGED):  # changed since it was decided: for a person to see
            row.problem, row.problem_detail = "", ""
        return address.address
    plan.parts = []
    return None


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


def _codes(channel: Channel, sku_ids: set[int]) -> dict[int, str]:
    return dict(Sku.objects.filter(merchant_id=channel.merchant_id, pk__in=sku_ids).values_list("pk", "code")) if sku_ids else {}


def _new_order(row: ChannelOrder, part: ChannelOrderPart, address: dict[str, str], warehouse: str, codes: dict[int, str]) -> NewOrder:
    return NewOrder(
        reference=part.reference,
        warehouse=warehouse,
        ship_to={name: value for name, value in address.items() if value},
        lines=[NewLine(codes[line.sku_id], line.quantity) for line in expansion.expand(part.lines)],
        ship_by=row.ship_by,
        service=row.service,
        placed_at=row.placed_at,
    )


def _note(row: ChannelOrder, part: ChannelOrderPart, answer: Accepted | WmsError) -> None:
    """Keep what became of it. A reference that is there with other content is ours, from a try that was cut off, or the merchant's own."""
    if isinstance(answer, ReferenceTaken):
        part.order = Order.objects.get(merchant_id=row.merchant_id, reference=answer.details["reference"])
        row.problem = Problem.OTHER_CONTENT if row.status == Status.IMPORTED else row.problem
    elif isinstance(answer, WmsError):
        row.status, row.problem, row.problem_detail = Status.REFUSED, Problem.REFUSED, f"{answer} {answer.details}"[:2000]
    else:
        part.order_id = answer.id


# What another worker has settled meanwhile stays as it is.
_LINK = """
WITH noted AS (
    UPDATE marketplaces_channelorder o
    SET status = r.status, problem = r.problem, problem_detail = r.detail, lines = r.lines::jsonb, updated_at = now()
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) AS r (id, status, problem, detail, lines)
    WHERE o.id = r.id AND (o.status IN ('seen', 'unmapped', 'refused') OR NOT EXISTS (
        SELECT FROM marketplaces_channelorderpart p WHERE p.channel_order_id = o.id AND p.order_id IS NOT NULL
    ))
), tied AS (
    INSERT INTO marketplaces_channelorderpart (channel_order_id, number, warehouse_id, reference, order_id, lines)
    SELECT r.* FROM json_to_recordset(%s::json)
        AS r (channel_order_id bigint, number smallint, warehouse_id bigint, reference text, order_id bigint, lines jsonb)
    ON CONFLICT (channel_order_id, number) DO UPDATE SET order_id = EXCLUDED.order_id WHERE marketplaces_channelorderpart.order_id IS NULL
    RETURNING order_id
)
SELECT o.id FROM tied JOIN outbound_order o ON o.id = tied.order_id WHERE o.status NOT IN ('ready', 'short')
"""


def _link(channel: Channel, plans: Sequence[Plan]) -> None:
    """Tie the parts to their orders and tell all shops of the goods anew: what was waiting is promised now."""
    if not plans:
        return
    rows = [plan.row for plan in plans]
    with transaction.atomic():
        _leave_to_others(plans)
        told: list[list[Any]] = [[row.pk for row in rows], [str(row.status) for row in rows], [str(row.problem) for row in rows]]
        told += [[row.problem_detail for row in rows], [json.dumps(row.lines) for row in rows]]
        tied = [part for plan in plans for part in plan.parts if part.order_id is not None]
        columns = ("channel_order_id", "number", "warehouse_id", "reference", "order_id", "lines")
        with connection.cursor() as cursor:
            cursor.execute(_LINK, [*told, json.dumps([{name: getattr(part, name) for name in columns} for part in tied])])
            _catch_up([key for (key,) in cursor.fetchall()])
        # What no warehouse took is decided anew when it is tried again.
        undone = [part.pk for plan in plans if all(part.order_id is None for part in plan.parts) for part in plan.parts]
        if undone:
            ChannelOrderPart.objects.filter(pk__in=undone, order=None).delete()
        publish(channel, rows)


def _catch_up(order_ids: Sequence[int]) -> None:
    """A step: what became of these orders before they were tied is told now, when it is known whom. The floor does not wait for a worker that died
    in between.
    """
    if order_ids:
        tracking.tell_of(order_ids)
        cancelled.tell_of(order_ids)


class NumberTwice(WmsError):
    code, status, message = (
        "number_twice",
        409,
        _("Two orders of the shop have the number {number}: this one and the one that it calls {other}."),
    )


def _leave_to_others(plans: Sequence[Plan]) -> None:
    """An order of ours is of one shop's order alone: a second one that came to the same reference is refused."""
    ids = [part.order_id for plan in plans for part in plan.parts if part.order_id is not None]
    tied = ChannelOrderPart.objects.filter(order__in=ids).select_related("channel_order") if ids else ()
    owners: dict[int | None, ChannelOrder] = {part.order_id: part.channel_order for part in tied}
    for plan in plans:
        for part in plan.parts:
            owner = owners.setdefault(part.order_id, plan.row) if part.order_id is not None else plan.row
            if owner.pk != plan.row.pk:
                part.order = None
                plan.row.status, plan.row.problem = Status.REFUSED, Problem.REFUSED
                plan.row.problem_detail = str(NumberTwice(number=owner.number or owner.external_id, other=owner.external_id))


# A worker that died between taking an order in and tying it. Much later the reference is another order's.
_ADOPT = """
UPDATE marketplaces_channelorderpart p SET order_id = o.id
FROM marketplaces_channelorder c JOIN outbound_order o ON o.merchant_id = c.merchant_id
WHERE c.id = p.channel_order_id AND p.order_id IS NULL AND o.reference = p.reference AND o.created_at < p.created_at + interval '1 hour'
  AND c.channel_id = %(channel)s AND c.shop_state <> 'open' AND (%(keys)s::bigint[] IS NULL OR c.id = ANY(%(keys)s::bigint[]))
  AND NOT EXISTS (SELECT FROM marketplaces_channelorderpart x WHERE x.order_id = o.id)
RETURNING c.id, o.id
"""


def adopt(channel: Channel, keys: Sequence[int] | None = None) -> list[int]:
    """Tie orders that were taken in for parts which the shop has closed meanwhile; answers the keys of its orders, which are to be settled."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ADOPT, {"channel": channel.pk, "keys": None if keys is None else list(keys)})
        found = cursor.fetchall()
        _catch_up([order_id for _key, order_id in found])
    return sorted({key for key, _order_id in found})


def publish(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    """A step: the numbers of these orders' goods have to be told again, where the shop says which place sends them at that place."""
    numbers = [row.number or row.external_id for row in rows]
    because, at = f"shop's order {', '.join(numbers[:3])}"[:LONGEST_CAUSE], round(time.time(), 3)
    goods: dict[int, set[int]] = {house.pk: set() for house in channel.houses}
    for row in rows:
        for line in row.lines:
            named = channel.locations.get(line.get("location", ""))
            for house_id in [named] if named else goods:
                goods[house_id].update(expansion.sku_ids([line]))
    outbox.emit_all(
        [
            (
                "stock.changed",
                {
                    "warehouse_id": house_id,
                    "sku_ids": sorted(sku_ids),
                    "at": at,
                    "by": [0] * len(sku_ids),
                    "because": [because] * len(sku_ids),
                },
            )
            for house_id, sku_ids in goods.items()
            if sku_ids
        ]
    )


def _drop(channel: Channel, rows: Sequence[ChannelOrder]) -> None:
    """Orders that the warehouse need not have: cancelled, closed, or not paid (any more). Those that may still be paid hold their goods."""
    _map(channel, [row for row in rows if row.held_until])
    for row in rows:
        if row.problem == Problem.UNREADABLE and row.shop_updated_at is None:
            continue
        row.status = {State.CANCELLED: Status.CANCELLED, State.SHIPPED: Status.CLOSED}.get(State(row.shop_state), Status.SEEN)
        row.problem, row.problem_detail = "", ""
    with transaction.atomic():
        ChannelOrder.objects.bulk_update(rows, ["status", "problem", "problem_detail", "lines"])
        publish(channel, rows)


def free_held(*, now: datetime) -> int:
    """Orders that were not paid in time hold nothing any more; answers how many. A payment that comes later is taken in all the same."""
    with transaction.atomic():
        late = ChannelOrder.objects.select_for_update(of=("self",), skip_locked=True).filter(held_until__lte=now)
        rows = list(late.select_related("channel").order_by("pk")[:FREED_TOGETHER])
        by_channel: dict[Channel, list[ChannelOrder]] = {}
        for row in rows:
            row.held_until = None
            by_channel.setdefault(row.channel, []).append(row)
        ChannelOrder.objects.bulk_update(rows, ["held_until"])
        for channel, freed in by_channel.items():
            publish(channel, freed)
    return len(rows)


def _follow(channel: Channel, row: ChannelOrder, ours: Sequence[Order]) -> None:
    """Orders of ours whose shop's order is no longer open."""
    if row.shop_state == State.CANCELLED:
        _cancel(channel, row, ours)
    elif row.shop_state == State.PENDING:
        _show(row, Status.IMPORTED, Problem.UNPAID)
    elif any(order.shipped_at is None for order in ours):
        _show(row, Status.IMPORTED, Problem.CLOSED)


def _cancel(channel: Channel, row: ChannelOrder, ours: Sequence[Order]) -> None:
    """Cancelled there: what has not left is cancelled, and what has is named. It is no receipt here, though the shop may have put it back on
    sale: it is told our number again.
    """
    refusals = []
    for order in ours:
        try:
            cancellation.cancel(order_id=order.pk, by=channel.user)
        except (cancellation.AlreadyLeft, NotPossibleNow) as refusal:
            refusals.append(str(refusal))
    if refusals:
        _show(row, Status.CANCELLED_LATE, Problem.CANCELLED_LATE, " ".join(refusals))
    else:
        _show(row, Status.CANCELLED, "")
    with transaction.atomic():
        publish(channel, [row])


def _show(row: ChannelOrder, status: str, problem: str, detail: str = "") -> None:
    ChannelOrder.objects.filter(pk=row.pk).update(status=status, problem=problem, problem_detail=detail)
