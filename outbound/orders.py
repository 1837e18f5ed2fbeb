"""Orders come in: each commits all of its lines at once, or is short."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inventory import availability, calendars, skus_by_code
from inventory.availability import Catalogue
from inventory.models import Warehouse
from outbound import allocation, order_rows, telling
from outbound.models import Order
from outbound.order_rows import CameBefore, Draft
from wms.core import outbox, sealing
from wms.core.commands import begun_again
from wms.core.errors import InvalidInput, ReferenceTaken, WmsError
from wms.core.json_text import as_json
from wms.core.locking import assert_alone
from wms.core.models import Merchant


class NewLine(NamedTuple):
    """`sku` is the merchant's code; `quantity` base units."""

    sku: str
    quantity: int


class NewOrder(NamedTuple):
    """What a merchant sends. `ship_to` has name, line1, city, postcode, country and perhaps company, line2, region, phone, email.

    `taken_for`: the key of the part of a shop's order that it is; None of all that the merchant enters by himself. It is no content.
    """

    reference: str
    warehouse: str
    ship_to: dict[str, str]
    lines: Sequence[NewLine]
    ship_by: datetime | None = None
    service: str = ""
    kind: str = Order.Kind.PARCEL.value
    placed_at: datetime | None = None
    taken_for: int | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 of all that was sent, 64 hexadecimal digits."""
        # Lines end to end: of each by itself a tuple would have to be made that is nothing but a tuple.
        lines = list(chain.from_iterable(self.lines))
        content = [self.warehouse, self.ship_to, lines, self.ship_by, self.service, self.kind, self.placed_at]
        return hashlib.sha256(as_json(content, sorted_keys=True)).hexdigest()

    def is_content(self, stored: str) -> bool:
        """Whether `stored` is the content's hash, also as the version before made it."""
        if stored == self.content_hash:
            return True
        content = [self.warehouse, sorted(self.ship_to.items()), self.lines, self.ship_by, self.service, self.kind, self.placed_at]
        return stored == hashlib.sha256(as_json(content)).hexdigest()


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
        calendar = _calendar(warehouse_code, group)
        sealed = sealing.seal_all(order.ship_to for _index, order in group)
        drafts = [
            Draft(index, order, order.ship_by or _due(calendar, order), order.content_hash, address)
            for (index, order), address in zip(group, sealed, strict=True)
        ]
        catalogue = _accept_together(merchant, warehouse_code, drafts, answers)
        _repeat_refused(merchant, drafts, answers)
        for draft in drafts:
            if draft.index not in answers:
                assert catalogue is not None
                answers[draft.index] = _accept_late(merchant, catalogue, draft)
    return [answers[index] for index in range(len(orders))]


def _accept_together(
    merchant: Merchant, warehouse_code: str, drafts: list[Draft], answers: dict[int, Accepted | WmsError]
) -> Catalogue | None:
    """The common cases: all lines of all orders are free now; or some goods are, and others are not there at all.

    Answers them and what cannot be read. Leaves the others: repetitions, and those that stand in line behind older short orders. Returns
    what their codes mean; None where all are answered.
    """
    ready, short = _take(merchant, warehouse_code, drafts), dict[int, int]()
    catalogue = None
    if not ready:
        ready, short, catalogue = _sort_out(merchant, warehouse_code, drafts, answers)
    for ids, status in ((ready, Order.Status.READY.value), (short, Order.Status.SHORT.value)):
        for draft in drafts:
            if draft.index in ids:
                answers[draft.index] = Accepted(ids[draft.index], draft.order.reference, status, ship_by=draft.ship_by)
    return catalogue


@begun_again
def _take(merchant: Merchant, warehouse_code: str, drafts: list[Draft]) -> dict[int, int]:
    """Mostly everything is free and all orders are new: then one statement does it. The ids by index, of all or of none."""
    # The second of two orders with one reference is a repetition of the first.
    if len({draft.order.reference for draft in drafts}) < len(drafts):
        return {}
    assert_alone("orders.accept_many()")
    codes = {line.sku for draft in drafts for line in draft.order.lines}
    known = skus_by_code.find(merchant.pk, codes)
    if known is None:
        return {}
    try:
        with transaction.atomic(durable=True):
            ready, hears_events = order_rows.take(merchant_id=merchant.pk, warehouse_code=warehouse_code, drafts=drafts, known=known)
            if not ready:
                transaction.set_rollback(True)
            if hears_events:
                _tell(ready, {})
    except CameBefore:
        return {}
    return ready


@begun_again
@transaction.atomic(durable=True)
def _sort_out(
    merchant: Merchant, warehouse_code: str, drafts: list[Draft], answers: dict[int, Accepted | WmsError]
) -> tuple[dict[int, int], dict[int, int], Catalogue]:
    """The order ids by index of those that are ready now and of those that are short, and what the codes of all mean."""
    codes = {line.sku for draft in drafts for line in draft.order.lines}
    catalogue = availability.look(merchant_id=merchant.pk, warehouse_code=warehouse_code, codes=codes)
    if catalogue.version is not None:
        skus_by_code.remember(merchant.pk, catalogue.version, catalogue.sku_ids)
    fitting, lacking = _sort(_readable(drafts, catalogue, answers), catalogue)
    ready, short = order_rows.insert(fitting, lacking, merchant_id=merchant.pk, catalogue=catalogue)
    changes = [
        *((draft.demand, allocation.COMMIT) for draft in fitting if draft.index in ready),
        *((draft.demand, allocation.BACKORDER) for draft in lacking if draft.index in short),
    ]
    if changes and catalogue.warehouse_id is not None:
        written = (draft for draft in (*lacking, *fitting) if draft.index in ready or draft.index in short)
        causes = {sku_id: f"order {draft.order.reference}" for draft in written for sku_id in draft.demand}
        availability.change(catalogue.warehouse_id, allocation.sum_changes(changes), causes)
    if catalogue.hears_events:
        _tell(ready, short)
    return ready, short, catalogue


def _sort(drafts: list[Draft], catalogue: Catalogue) -> tuple[list[Draft], list[Draft]]:
    """Which orders can have their goods, and which could not even if nobody waited. One that others wait before is in neither list."""
    unclaimed = {sku_id: offer.free - offer.backordered for sku_id, offer in catalogue.offers.items()}
    free = {sku_id: offer.free for sku_id, offer in catalogue.offers.items()}
    fitting: list[Draft] = []
    lacking: list[Draft] = []
    seen: set[str] = set()
    for draft in drafts:
        # The second of two orders with one reference is a repetition of the first.
        if draft.order.reference in seen:
            continue
        seen.add(draft.order.reference)
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


def _readable(drafts: list[Draft], catalogue: Catalogue, answers: dict[int, Accepted | WmsError]) -> list[Draft]:
    """Resolve codes to keys; what cannot be resolved is answered with the place of the fault."""
    readable = []
    for draft in drafts:
        problems = _problems(draft.order, catalogue)
        if problems:
            answers[draft.index] = InvalidInput(problems)
            continue
        draft.demand = {}
        for line in draft.order.lines:
            sku_id = catalogue.sku_ids[line.sku]
            draft.demand[sku_id] = draft.demand.get(sku_id, 0) + line.quantity
        readable.append(draft)
    return readable


def _due(calendar: Warehouse | None, order: NewOrder) -> datetime:
    placed_at = order.placed_at or timezone.now()
    # Orders for a warehouse that is not there are refused as soon as their codes are looked up.
    return placed_at if calendar is None else calendars.ship_by(calendar, placed_at, order.service)


def _problems(order: NewOrder, catalogue: Catalogue) -> list[dict[str, Any]]:
    if catalogue.warehouse_id is None:
        return [{"path": ["warehouse"], "message": str(_("Unknown warehouse."))}]
    return [
        {"path": ["lines", number, "sku"], "message": str(_("Unknown sku."))}
        for number, line in enumerate(order.lines)
        if line.sku not in catalogue.sku_ids
    ]


def _tell(ready: dict[int, int], short: dict[int, int]) -> None:
    accepted = [telling.event("order.accepted", order_id=key) for key in ready.values()]
    outbox.emit_all(accepted + [telling.event("order.short", order_id=key) for key in short.values()])


def _accept_late(merchant: Merchant, catalogue: Catalogue, draft: Draft) -> Accepted | WmsError:
    """One order that was not simply free: a repetition, or one that stands in line behind older short orders."""
    reference = draft.order.reference
    existing = Order.objects.filter(merchant=merchant, reference=reference).first()
    if existing is None:
        status, order_id = _accept_in_line(merchant, catalogue, draft)
        if order_id is not None:
            return Accepted(order_id, reference, status.value, ship_by=draft.ship_by)
        existing = Order.objects.get(merchant=merchant, reference=reference)
    return _repeated(existing) if draft.order.is_content(existing.content_hash) else ReferenceTaken(reference=reference)


def _repeated(existing: Order) -> Accepted:
    return Accepted(existing.pk, existing.reference, existing.status, repeated=True, ship_by=existing.ship_by)


def _repeat_refused(merchant: Merchant, drafts: Sequence[Draft], answers: dict[int, Accepted | WmsError]) -> None:
    """An order that came before is answered as it was, though its sku or its warehouse has been closed since."""
    refused = [draft for draft in drafts if isinstance(answers.get(draft.index), InvalidInput)]
    if not refused:
        return
    before = Order.objects.filter(merchant=merchant, reference__in=[draft.order.reference for draft in refused])
    known = {existing.reference: existing for existing in before}
    for draft in refused:
        existing = known.get(draft.order.reference)
        if existing is not None and draft.order.is_content(existing.content_hash):
            answers[draft.index] = _repeated(existing)


@begun_again
def _accept_in_line(merchant: Merchant, catalogue: Catalogue, draft: Draft) -> tuple[Order.Status, int | None]:
    """Older short orders first, then this one from what is left. The id is None where another request was faster with the reference."""
    warehouse_id = catalogue.warehouse_id
    assert warehouse_id is not None, "refused before"
    with transaction.atomic(durable=True):
        looks_free = allocation.looks_free(warehouse_id, draft.demand)
        older, waits = allocation.lock_short(warehouse_id, set(draft.demand)) if looks_free else ([], False)
        wanted = set(draft.demand).union(*(demand for _order, demand in older))
        free = {sku_id: offer.free for sku_id, offer in availability.lock(warehouse_id, wanted).items()}
        filled = allocation.fill(older, free)
        # Where the line is longer than what was looked at, those behind come first: this one waits for its turn, which comes at once.
        if waits:
            outbox.emit("stock.arrived", warehouse_id=warehouse_id, sku_ids=sorted(draft.demand))
        fits = not waits and allocation.take(free, draft.demand)
        status, kind = (Order.Status.READY, allocation.COMMIT) if fits else (Order.Status.SHORT, allocation.BACKORDER)
        ready, short = order_rows.insert([draft] if fits else [], [] if fits else [draft], merchant_id=merchant.pk, catalogue=catalogue)
        own = [(draft.demand, kind)] if ready or short else []
        changes = allocation.sum_changes([*((demand, allocation.FILL) for demand in filled), *own])
        availability.change(warehouse_id, changes, f"order {draft.order.reference}")
        if catalogue.hears_events:
            _tell(ready, short)
    return status, (ready or short).get(draft.index)
