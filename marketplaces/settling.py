"""Makes the warehouse follow what the order book says: orders are taken in, cancelled, or shown to a person. Repeating it is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, prefetch_related_objects

from marketplaces import cancelling, correcting, elsewhere, expansion, order_holds, parts, same_shop, strays, troubles
from marketplaces.changes import WISH
from marketplaces.holding import hold, hold_places
from marketplaces.mapping import codes_of, map_lines
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart
from marketplaces.port import ChannelOrderState as State
from marketplaces.telling import publish
from marketplaces.tying import adopt, tie, tie_taken
from outbound import orders
from outbound.models import Order
from outbound.orders import Accepted, NewLine, NewOrder
from wms.core.errors import ReferenceTaken, WmsError

Status, Problem = ChannelOrder.Status, ChannelOrder.Problem
FREED_TOGETHER = 500


@dataclass(slots=True)
class Plan:
    """A shop's order with the parts that it becomes, and beside each what the warehouse is asked for; none where it cannot be taken in.

    `unreadable`: why the shop's last word on it could not be read, where that was so. `elsewhere`: the name of another channel of this shop
    that has taken it in, "" of one that is gone; None where none has.
    """

    row: ChannelOrder
    unreadable: str
    elsewhere: str | None
    parts: list[ChannelOrderPart] = field(default_factory=list)
    orders: list[NewOrder] = field(default_factory=list)


def settle(channel: Channel, keys: Sequence[int]) -> None:
    """Bring the orders with these keys (rows of ChannelOrder) to what the shop says of them now."""
    _take_in(channel, keys)
    # A cancellation may have come in while its order was being taken in.
    over = ~Q(shop_state=State.OPEN) | Q(status=Status.CANCELLING)
    closed = list(ChannelOrder.objects.filter(over, pk__in=keys).order_by("pk"))
    if not closed:
        return
    adopt(channel, [row.pk for row in closed])
    prefetch_related_objects(closed, "parts__order")
    taken = {row: _ours(row) for row in closed}
    _drop(channel, {row.pk: row.shop_state for row, ours in taken.items() if not ours})
    opened = [row.pk for row, ours in taken.items() if ours and _follow(channel, row, ours)]
    if opened:
        settle(channel, opened)


def _take_in(channel: Channel, keys: Sequence[int]) -> None:
    plans = _plan(channel, keys)
    wanted = [order for plan in plans for order in plan.orders]
    answers = iter(orders.accept_many(merchant=channel.merchant, orders=wanted) if wanted else [])
    for plan in plans:
        for part, asked in zip(plan.parts, plan.orders, strict=True):
            _note(plan.row, part, asked, next(answers))
    untied = tie(channel, {plan.row: plan.parts for plan in plans}, {plan.row.pk: plan.unreadable for plan in plans})
    strays.cancel(channel, untied)


@transaction.atomic
def _plan(channel: Channel, keys: Sequence[int]) -> list[Plan]:
    """Decide what the open ones of these orders become and write it down: whoever repeats this, after a crash or beside us, finds it decided.

    A place is not left in the meantime: it would be with an order under way. And nobody writes down what the shop says: it would be of an order
    that is not decided, beside one that is.
    """
    others = same_shop.may_be(channel) if keys else []
    hold_places(channel, others)
    rows, there = elsewhere.lock(channel, keys, others)
    planned: dict[int, list[ChannelOrderPart]] = {}
    # Read when the rows are locked: whoever had them before us has decided by then.
    for part in ChannelOrderPart.objects.filter(channel_order__in=[row.pk for row in (*rows, *there)]):
        planned.setdefault(part.channel_order_id, []).append(part)
    taken = elsewhere.taken(rows, there, planned)
    plans = [
        Plan(
            row,
            row.problem_detail if row.problem == Problem.UNREADABLE else "",
            taken.get(row.pk),
            planned.get(row.pk, []),
        )
        for row in rows
    ]
    codes = map_lines(channel, [plan.row for plan in plans if not plan.parts])
    addressed = [(plan, address) for plan in plans if (address := _address(plan)) is not None]
    new = [(plan, address) for plan, address in addressed if not plan.parts]
    for (plan, _to), decided in zip(new, parts.decide(channel, [(plan.row, address) for plan, address in new]), strict=True):
        plan.parts = decided
    ChannelOrderPart.objects.bulk_create([part for plan, _to in new for part in plan.parts])
    wanted = {sku_id for plan, _to in addressed for part in plan.parts for sku_id in expansion.sku_ids(part.lines)}
    codes |= codes_of(channel, wanted - codes.keys())
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
    said = row.raw.opened() if row.raw else {}
    address = correcting.address_of(said)
    if plan.elsewhere is not None and not plan.parts:
        row.status, row.problem, row.problem_detail = Status.LEFT, Problem.ELSEWHERE if plan.elsewhere else "", plan.elsewhere
        return None
    unknown = [] if plan.parts else [line for line in row.lines if expansion.is_unknown(line)]
    if unknown:
        row.status, row.problem = Status.UNMAPPED, Problem.UNKNOWN_GOODS
        row.problem_detail = ", ".join(line["sku"] or line.get("title") or line["listing_id"] or line["line_id"] for line in unknown)
    elif row.lines and not plan.parts and not any(map(expansion.ships, row.lines)):
        row.status, row.problem, row.problem_detail = Status.NOTHING, "", ""
    elif address is None:
        row.status, row.problem, row.problem_detail = Status.REFUSED, Problem.ADDRESS_CHANGED, ", ".join(correcting.moved(said))
    elif address.wrong or not row.lines:
        row.status, row.problem = Status.REFUSED, Problem.BAD_ADDRESS if row.lines else Problem.REFUSED
        row.problem_detail = ", ".join(address.faults)
    else:
        if row.problem != Problem.CHANGED:  # since it was decided, or cancelled here and opened again: for a person to see
            row.problem, row.problem_detail = (Problem.CHANGED, WISH) if row.cancellation_requested else ("", "")
        return address.address
    plan.parts = []
    return None


def _new_order(row: ChannelOrder, part: ChannelOrderPart, address: dict[str, str], warehouse: str, codes: dict[int, str]) -> NewOrder:
    return NewOrder(
        reference=part.reference,
        warehouse=warehouse,
        ship_to={name: value for name, value in address.items() if value},
        lines=[NewLine(codes[line.sku_id], line.quantity) for line in expansion.expand(part.lines)],
        ship_by=part.ship_by,
        service=row.service,
        placed_at=row.placed_at,
        taken_for=part.pk,
    )


def _note(row: ChannelOrder, part: ChannelOrderPart, asked: NewOrder, answer: Accepted | WmsError) -> None:
    """Keep what became of it. A reference that is there with other content is ours, from a try that was cut off, or the merchant's own."""
    if isinstance(answer, ReferenceTaken):
        if part.order_id is None:  # else a person has said what it is, or it is shown already
            part.order = Order.objects.get(merchant_id=row.merchant_id, reference=answer.details["reference"])
            part.merchants_own = True
        if part.merchants_own and row.status == Status.IMPORTED:
            row.problem = Problem.OTHER_CONTENT
    elif isinstance(answer, WmsError):
        row.status, row.problem, row.problem_detail = Status.REFUSED, Problem.REFUSED, troubles.refusal(answer, asked)
    else:
        part.order_id = answer.id


def _drop(channel: Channel, states: Mapping[int, str]) -> None:
    """Orders, by key with the shop's state, that the warehouse need not have: cancelled, closed, or not paid (any more). Those that may still be
    paid hold their goods.

    What has moved since it was read, or was tied, another worker is at, or the next poll.
    """
    if not states:
        return
    with transaction.atomic():
        hold(channel.pk)
        found = ChannelOrder.objects.select_for_update(no_key=True).filter(pk__in=states).order_by("pk")
        rows = [row for row in found if row.shop_state == states[row.pk]]
        # Read when the rows are locked: whoever had them before us has tied them by then.
        tied = set(ChannelOrderPart.objects.filter(channel_order__in=rows, order__isnull=False).values_list("channel_order", flat=True))
        rows = [row for row in rows if row.pk not in tied]
        map_lines(channel, [row for row in rows if row.held_until])
        for row in rows:
            if row.problem == Problem.UNREADABLE and (row.shop_updated_at is None or row.shop_state == State.PENDING):
                continue
            row.status = {State.CANCELLED: Status.CANCELLED, State.SHIPPED: Status.CLOSED}.get(State(row.shop_state), Status.SEEN)
            row.problem, row.problem_detail = "", ""
        ChannelOrder.objects.bulk_update(rows, ["status", "problem", "problem_detail", "lines"])
        publish(channel, rows)


@transaction.atomic
def give_up(channel: Channel, key: int, reason: str) -> None:
    """An order that fails however often it is tried is shown to people; until the shop says something new of it, only they have it tried again.

    Its units stay sold.
    """
    hold(channel.pk)
    row = channel.orders.select_for_update(no_key=True).get(pk=key)
    if row.status in ChannelOrder.NOT_TAKEN:
        # Tried again it is decided anew, from what the shop says by then; but not beside what a warehouse has of it already.
        if not tie_taken(row):
            row.parts.all().delete()
        map_lines(channel, [row])
        row.status = Status.REFUSED
    row.problem, row.problem_detail = Problem.UNREADABLE, reason
    row.save(update_fields=["status", "problem", "problem_detail", "lines"])
    order_holds.tell([row])
    publish(channel, [row])


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


def _ours(row: ChannelOrder) -> list[Order]:
    """What the shop's word is of."""
    return [part.order for part in row.parts.all() if part.order is not None and not part.merchants_own]


def _has_merchants_own(row: ChannelOrder) -> bool:
    return any(part.merchants_own for part in row.parts.all())


def _follow(channel: Channel, row: ChannelOrder, ours: Sequence[Order]) -> bool:
    """Orders of `ours` whose shop's order is no longer open, or was not when we began to cancel it. Where another part of it is the merchant's
    own order, a person looks at it.

    Answers whether the shop has opened it again meanwhile, so that it is to be taken in anew.
    """
    over = row.status == Status.CANCELLED and all(order.status == Order.Status.CANCELLED for order in ours)
    if over:
        return False
    if row.shop_state == State.CANCELLED or row.status == Status.CANCELLING:
        return cancelling.cancel(channel, row, ours)
    if _has_merchants_own(row):
        return False
    if row.shop_state == State.PENDING:
        _show(channel, row, Status.IMPORTED, Problem.UNPAID)
    elif any(order.shipped_at is None for order in ours):
        _show(channel, row, Status.IMPORTED, Problem.CLOSED)
    return False


def _show(channel: Channel, row: ChannelOrder, status: str, problem: str) -> None:
    """Unless the shop says something else by now, which whoever heard it follows."""
    with transaction.atomic():
        # As whoever writes down what the shop says: its next word comes before this or after it.
        hold(channel.pk)
        found = ChannelOrder.objects.filter(pk=row.pk, shop_state=row.shop_state)
        found.update(status=status, problem=problem, problem_detail="")
