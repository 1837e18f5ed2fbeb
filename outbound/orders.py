"""Orders come in: each commits all of its lines at once, or is short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inventory import availability, calendars
from inventory.availability import Wanted
from inventory.models import Warehouse
from outbound import allocation, order_rows, telling
from outbound.models import Order
from outbound.order_rows import Draft
from wms.core import outbox
from wms.core.errors import InvalidInput, ReferenceTaken, WmsError
from wms.core.models import Merchant

_in_one_order = json.JSONEncoder(sort_keys=True).encode


class NewLine(NamedTuple):
    """`sku` is the merchant's code; `quantity` base units."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a merchant sends. `ship_to` has name, line1, city, postcode, country and perhaps company, line2, region, phone, email."""

    reference: str
    warehouse: str
    ship_to: dict[str, str]
    lines: Sequence[NewLine]
    ship_by: datetime | None = None
    service: str = ""
    kind: str = Order.Kind.PARCEL
    placed_at: datetime | None = None

    @property
    def content_hash(self) -> str:
        content = [
            self.warehouse, self.ship_to, [(line.sku, line.quantity) for line in self.lines], str(self.ship_by), self.service, str(self.kind),
            str(self.placed_at),
        ]  # fmt: skip
        return hashlib.sha256(_in_one_order(content).encode()).hexdigest()


@dataclass(slots=True)
class Accepted:
    """The answer for one order: its row, and whether it came before with the same content."""

    id: int
    reference: str
    status: str
    repeated: bool = False
    ship_by: datetime | None = None


def accept(*, merchant: Merchant, order: NewOrder) -> Accepted:
    """Take one order in: `ready` with all lines committed, else `short` with its demand backordered.

    A repeated reference with the same content answers the first result. Raises ReferenceTaken where the content differs, InvalidInput for
    an unknown warehouse or sku.
    """
    answer = accept_many(merchant=merchant, orders=[order])[0]
    if isinstance(answer, WmsError):
        raise answer
    return answer


def accept_many(*, merchant: Merchant, orders: Sequence[NewOrder]) -> list[Accepted | WmsError]:
    """Take orders in, about a hundred at once: one answer for each, in their order; one bad order does not sink the others.

    What can be committed at once goes in one transaction a warehouse. The rest follows one by one, after older short orders had their turn.
    """
    answers: dict[int, Accepted | WmsError] = {}
    groups: dict[str, list[tuple[int, NewOrder]]] = {}
    for index, order in enumerate(orders):
        groups.setdefault(order.warehouse, []).append((index, order))
    for warehouse_code, group in sorted(groups.items()):
        late = _accept_together(merchant, warehouse_code, group, answers)
        for draft in late:
            answers[draft.index] = _accept_late(merchant, draft)
    return [answers[index] for index in range(len(orders))]


def _accept_together(
    merchant: Merchant, warehouse_code: str, group: list[tuple[int, NewOrder]], answers: dict[int, Accepted | WmsError]
) -> list[Draft]:
    """The common case, one transaction: orders whose lines are all free now, and orders whose goods are not there at all.

    Answers them and what cannot be read. Returns the others: repetitions, and those that stand in line behind older short orders.
    """
    calendar = _calendar(warehouse_code, group)
    wanted = _wanted(group)
    # The second of two orders with one reference is a repetition of the first.
    at_once = len({order.reference for _index, order in group}) == len(group)
    try:
        drafts, ready, short = _take(merchant, warehouse_code, wanted, calendar, group, answers, at_once)
    except _CameBefore:
        drafts, ready, short = _take(merchant, warehouse_code, wanted, calendar, group, answers, at_once=False)
    for draft in drafts:
        for ids, status in ((ready, Order.Status.READY), (short, Order.Status.SHORT)):
            if draft.index in ids:
                answers[draft.index] = Accepted(ids[draft.index], draft.reference, status.value, ship_by=draft.ship_by)
    return [draft for draft in drafts if draft.index not in answers]


class _CameBefore(Exception):
    """Among orders whose goods were taken all at once is one that is there already: nothing was done."""


@transaction.atomic(durable=True)
def _take(
    merchant: Merchant,
    warehouse_code: str,
    wanted: dict[str, Wanted],
    calendar: Warehouse | None,
    group: list[tuple[int, NewOrder]],
    answers: dict[int, Accepted | WmsError],
    at_once: bool,
) -> tuple[list[Draft], dict[int, int], dict[int, int]]:
    """All readable orders, and the order ids by index of those that are ready now and of those that are short.

    Mostly everything is free and all orders are new: then two statements do it. Raises _CameBefore where that was tried in vain.
    """
    catalogue = availability.take_by_code(merchant_id=merchant.pk, warehouse_code=warehouse_code, wanted=wanted, at_once=at_once)
    drafts = _drafts(merchant, catalogue, calendar, group, answers)
    fitting, lacking = (drafts, []) if catalogue.taken else _sort(drafts, catalogue)
    ready = order_rows.insert(fitting, Order.Status.READY)
    if catalogue.taken and len(ready) < len(drafts):
        raise _CameBefore
    short = order_rows.insert(lacking, Order.Status.SHORT)
    changes = [
        *((draft.demand, allocation.COMMIT) for draft in fitting if draft.index in ready),
        *((draft.demand, allocation.BACKORDER) for draft in lacking if draft.index in short),
    ]
    if changes and not catalogue.taken:
        causes = {sku_id: f"order {draft.reference}" for draft in [*lacking, *fitting] for sku_id in draft.demand}
        availability.change(drafts[0].warehouse_id, allocation.sum_changes(changes), causes)
    _tell(merchant, ready, short)
    return drafts, ready, short


def _wanted(group: list[tuple[int, NewOrder]]) -> dict[str, Wanted]:
    """What the orders want in all, by the sku's code."""
    quantities: dict[str, int] = {}
    causes: dict[str, str] = {}
    for _index, order in group:
        because = f"order {order.reference}"
        for line in order.lines:
            quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
            causes[line.sku] = because
    return {code: Wanted(quantity, causes[code]) for code, quantity in quantities.items()}


def _sort(drafts: list[Draft], catalogue: availability.Catalogue) -> tuple[list[Draft], list[Draft]]:
    """Which orders can have their goods, and which could not even if nobody waited. One that others wait before is in neither list."""
    unclaimed = {sku_id: offer.free - offer.backordered for sku_id, offer in catalogue.offers.items()}
    free = {sku_id: offer.free for sku_id, offer in catalogue.offers.items()}
    fitting: list[Draft] = []
    lacking: list[Draft] = []
    seen: set[str] = set()
    for draft in drafts:
        # The second of two orders with one reference is a repetition of the first.
        if draft.reference in seen:
            continue
        seen.add(draft.reference)
        if allocation.take(unclaimed, draft.demand):
            allocation.take(free, draft.demand)
            fitting.append(draft)
        elif not allocation.fits(free, draft.demand):
            lacking.append(draft)
    return fitting, lacking


def _calendar(warehouse_code: str, group: list[tuple[int, NewOrder]]) -> Warehouse | None:
    """The warehouse with its calendar, where an order says no ship-by; read before any row is locked."""
    if all(order.ship_by is not None for _index, order in group):
        return None
    return Warehouse.objects.prefetch_related("cut_offs", "holidays").filter(code=warehouse_code).first()


def _drafts(
    merchant: Merchant,
    catalogue: availability.Catalogue,
    calendar: Warehouse | None,
    group: list[tuple[int, NewOrder]],
    answers: dict[int, Accepted | WmsError],
) -> list[Draft]:
    """Resolve codes to keys; what cannot be resolved is answered with the place of the fault."""
    drafts = []
    for index, order in group:
        problems = [] if catalogue.taken else _problems(order, catalogue)
        if catalogue.warehouse_id is None or problems:
            answers[index] = InvalidInput(problems)
            continue
        drafts.append(
            Draft(
                index=index,
                merchant_id=merchant.pk,
                warehouse_id=catalogue.warehouse_id,
                reference=order.reference,
                kind=order.kind,
                service=order.service,
                ship_by=order.ship_by or _due(calendar, order),
                ship_to=order.ship_to,
                content_hash=order.content_hash,
                lines=[(catalogue.sku_ids[line.sku], line.quantity) for line in order.lines],
            )
        )
    return drafts


def _due(calendar: Warehouse | None, order: NewOrder) -> datetime:
    assert calendar is not None
    return calendars.ship_by(calendar, order.placed_at or timezone.now(), order.service)


def _problems(order: NewOrder, catalogue: availability.Catalogue) -> list[dict[str, Any]]:
    if catalogue.warehouse_id is None:
        return [{"path": ["warehouse"], "message": str(_("Unknown warehouse."))}]
    return [
        {"path": ["lines", number, "sku"], "message": str(_("Unknown sku."))}
        for number, line in enumerate(order.lines)
        if line.sku not in catalogue.sku_ids
    ]


def _tell(merchant: Merchant, ready: dict[int, int], short: dict[int, int]) -> None:
    if merchant.hears_events and (ready or short):
        accepted = [telling.event("order.accepted", order_id=key) for key in ready.values()]
        outbox.emit_all(accepted + [telling.event("order.short", order_id=key) for key in short.values()])


def _accept_late(merchant: Merchant, draft: Draft) -> Accepted | WmsError:
    """One order that was not simply free: a repetition, or one that stands in line behind older short orders."""
    existing = Order.objects.filter(merchant_id=draft.merchant_id, reference=draft.reference).first()
    if existing is None:
        status, order_id = _accept_in_line(merchant, draft)
        if order_id is not None:
            return Accepted(order_id, draft.reference, status.value, ship_by=draft.ship_by)
        existing = Order.objects.get(merchant_id=draft.merchant_id, reference=draft.reference)
    if existing.content_hash != draft.content_hash:
        return ReferenceTaken(reference=draft.reference)
    return Accepted(existing.pk, existing.reference, existing.status, repeated=True, ship_by=existing.ship_by)


def _accept_in_line(merchant: Merchant, draft: Draft) -> tuple[Order.Status, int | None]:
    """Older short orders first, then this one from what is left. The id is None where another request was faster with the reference."""
    with transaction.atomic(durable=True):
        older = (
            allocation.lock_short(draft.warehouse_id, set(draft.demand)) if allocation.looks_free(draft.warehouse_id, draft.demand) else []
        )
        wanted = set(draft.demand).union(*(demand for _order, demand in older))
        free = {sku_id: offer.free for sku_id, offer in availability.lock(draft.warehouse_id, wanted).items()}
        filled = allocation.fill(older, free)
        status, kind = (
            (Order.Status.READY, allocation.COMMIT) if allocation.take(free, draft.demand) else (Order.Status.SHORT, allocation.BACKORDER)
        )
        ids = order_rows.insert([draft], status)
        own = [(draft.demand, kind)] if ids else []
        changes = allocation.sum_changes([*((demand, allocation.FILL) for demand in filled), *own])
        availability.change(draft.warehouse_id, changes, f"order {draft.reference}")
        _tell(merchant, *((ids, {}) if status is Order.Status.READY else ({}, ids)))
    return status, ids.get(draft.index)
