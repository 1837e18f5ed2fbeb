"""Orders come in: each commits all of its lines at once, or is short."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inventory import availability, calendars
from inventory.models import Sku, Warehouse
from outbound import allocation, order_rows
from outbound.models import Order
from outbound.order_rows import Draft
from wms.core.errors import InvalidInput, WmsError
from wms.core.models import Merchant


class ReferenceTaken(WmsError):
    code, status, message = "reference_taken", 409, _("The reference {reference} exists with other content.")


@dataclass(frozen=True, slots=True)
class NewLine:
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
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(slots=True)
class Accepted:
    """The answer for one order: its row, and whether it came before with the same content."""

    id: int
    reference: str
    status: str
    repeated: bool = False


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
    groups = _drafts(merchant, orders, answers)
    for warehouse_id, drafts in sorted(groups.items()):
        first_of_reference = {draft.reference: draft for draft in reversed(drafts)}
        accepted = _accept_together(warehouse_id, [draft for draft in drafts if first_of_reference[draft.reference] is draft])
        for draft in drafts:
            answers[draft.index] = accepted.get(draft.index) or _accept_late(draft)
    return [answers[index] for index in range(len(orders))]


def _drafts(merchant: Merchant, orders: Sequence[NewOrder], answers: dict[int, Accepted | WmsError]) -> dict[int, list[Draft]]:
    """Resolve codes to keys, by warehouse; what cannot be resolved is answered with the place of the fault."""
    warehouses = {w.code: w for w in Warehouse.objects.filter(code__in={order.warehouse for order in orders}, active=True)}
    codes = {line.sku for order in orders for line in order.lines}
    skus: dict[str, int] = dict(Sku.objects.filter(merchant=merchant, active=True, code__in=codes).values_list("code", "pk"))
    now = timezone.now()
    groups: dict[int, list[Draft]] = {}
    for index, order in enumerate(orders):
        problems: list[dict[str, Any]] = []
        warehouse = warehouses.get(order.warehouse)
        if warehouse is None:
            problems.append({"path": ["warehouse"], "message": str(_("Unknown warehouse."))})
        problems += [
            {"path": ["lines", number, "sku"], "message": str(_("Unknown sku."))}
            for number, line in enumerate(order.lines)
            if line.sku not in skus
        ]
        if warehouse is None or problems:
            answers[index] = InvalidInput(problems)
            continue
        draft = Draft(
            index=index,
            merchant_id=merchant.pk,
            warehouse_id=warehouse.pk,
            reference=order.reference,
            kind=order.kind,
            service=order.service,
            ship_by=order.ship_by or calendars.ship_by(warehouse, order.placed_at or now, order.service),
            ship_to=order.ship_to,
            content_hash=order.content_hash,
            lines=[(skus[line.sku], line.quantity) for line in order.lines],
        )
        groups.setdefault(warehouse.pk, []).append(draft)
    return groups


def _accept_together(warehouse_id: int, drafts: list[Draft]) -> dict[int, Accepted]:
    """The common case, one transaction: every order whose lines are all free now. Says nothing of the others."""
    with transaction.atomic(durable=True):
        offers = availability.lock(warehouse_id, {sku_id for draft in drafts for sku_id, _quantity in draft.lines})
        free = {sku_id: offer.free - offer.backordered for sku_id, offer in offers.items()}
        fitting = [draft for draft in drafts if allocation.take(free, draft.demand)]
        ids = order_rows.insert(fitting, Order.Status.READY)
        availability.change(
            warehouse_id, allocation.sum_changes((draft.demand, allocation.COMMIT) for draft in fitting if draft.index in ids)
        )
    return {
        draft.index: Accepted(ids[draft.index], draft.reference, Order.Status.READY.value) for draft in fitting if draft.index in ids
    }


def _accept_late(draft: Draft) -> Accepted | WmsError:
    """One order that was not simply free: a repetition, or one that stands in line behind older short orders."""
    existing = Order.objects.filter(merchant_id=draft.merchant_id, reference=draft.reference).first()
    if existing is None:
        status, order_id = _accept_in_line(draft)
        if order_id is not None:
            return Accepted(order_id, draft.reference, status.value)
        existing = Order.objects.get(merchant_id=draft.merchant_id, reference=draft.reference)
    if existing.content_hash != draft.content_hash:
        return ReferenceTaken(reference=draft.reference)
    return Accepted(existing.pk, existing.reference, existing.status, repeated=True)


def _accept_in_line(draft: Draft) -> tuple[Order.Status, int | None]:
    """Older short orders first, then this one from what is left. The id is None where another request was faster with the reference."""
    with transaction.atomic(durable=True):
        older = allocation.lock_short(draft.warehouse_id, set(draft.demand)) if allocation.looks_free(draft.warehouse_id, draft.demand) else []
        wanted = set(draft.demand).union(*(demand for _order, demand in older))
        free = {sku_id: offer.free for sku_id, offer in availability.lock(draft.warehouse_id, wanted).items()}
        filled = allocation.fill(older, free)
        status, kind = (
            (Order.Status.READY, allocation.COMMIT) if allocation.take(free, draft.demand) else (Order.Status.SHORT, allocation.BACKORDER)
        )
        ids = order_rows.insert([draft], status)
        own = [(draft.demand, kind)] if ids else []
        availability.change(draft.warehouse_id, allocation.sum_changes([*((demand, allocation.FILL) for demand in filled), *own]))
    return status, ids.get(draft.index)
