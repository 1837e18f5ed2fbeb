"""What happened becomes messages: one a merchant and thing that happened, and one delivery for each of the merchant's endpoints that wants it.

The Standard Webhooks form of a body: {"type", "timestamp", "data"}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from inbound import stock
from inbound.models import Asn
from outbound import order_answers
from outbound.models import Order
from webhooks.models import Endpoint, Event
from wms.core import outbox
from wms.core.json_text import as_json

# Of one message, so that no endpoint has to take more than a few hundred kB at once.
STOCK_ROWS = 500


@dataclass(frozen=True, slots=True)
class Draft:
    merchant_id: int
    uid: str
    event: Event
    happened_at: str
    data: dict[str, Any]

    @property
    def body(self) -> str:
        return as_json({"type": self.event.value, "timestamp": self.happened_at, "data": self.data}).decode()


def orders_changed(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `order.told`. `data` is the order as GET /orders/{id} shows it, and the parcel that left."""
    keys = [payload["order_id"] for payload in payloads]
    found = list(Order.objects.select_related("warehouse").filter(pk__in=keys))
    merchants = {order.pk: order.merchant_id for order in found}
    described = {row["id"]: row for row in order_answers.describe(found)}
    _keep(
        Draft(
            merchants[payload["order_id"]],
            f"msg_{payload['key']}",
            Event(payload["what"]),
            payload["happened_at"],
            {**described[payload["order_id"]], **({"parcel_id": payload["parcel_id"]} if payload["parcel_id"] is not None else {})},
        )
        for payload in payloads
        if payload["order_id"] in described
    )


def asns_received(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `asn.received`: everything of an ASN is counted."""
    found = Asn.objects.select_related("warehouse", "merchant").filter(pk__in={payload["asn_id"] for payload in payloads})
    _keep(
        Draft(
            asn.merchant_id,
            f"msg_asn_{asn.pk}_received",
            Event.ASN_RECEIVED,
            (asn.received_at or timezone.now()).isoformat(),
            {"id": asn.pk, "reference": asn.reference, "warehouse": asn.warehouse.code, "status": asn.status},
        )
        for asn in found
        if asn.merchant.hears_events
    )


_OWNERS = """
SELECT s.merchant_id, array_agg(s.id ORDER BY s.id) FROM inventory_sku s JOIN core_merchant m ON m.id = s.merchant_id AND m.hears_events
WHERE s.id = ANY(%s) GROUP BY 1
"""


def stock_changed(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `stock.told`, which the sweep brings: what changed within its few seconds is one message, with the numbers of now."""
    changed = sorted({sku_id for payload in payloads for sku_id in payload["sku_ids"]})
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [changed])
        owners = cursor.fetchall()
    now = timezone.now().isoformat()
    for merchant_id, sku_ids in owners:
        rows = [stock.described(row) for row in stock.of_skus(merchant_id, sku_ids)]
        _keep(
            Draft(merchant_id, f"msg_{uuid4().hex}", Event.STOCK_CHANGED, now, {"items": rows[start : start + STOCK_ROWS]})
            for start in range(0, len(rows), STOCK_ROWS)
        )


_INSERT = """
INSERT INTO webhooks_message (merchant_id, uid, event, body, happened_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[]) ON CONFLICT (uid) DO NOTHING
RETURNING id, merchant_id, event
"""


def _keep(drafts: Iterable[Draft]) -> None:
    """Store messages that are new, and have them delivered. One that came before, by its uid, changes nothing: handlers run at least once."""
    rows = [(draft.merchant_id, draft.uid, draft.event.value, draft.body, draft.happened_at) for draft in drafts]
    if not rows:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
            new = sorted(cursor.fetchall())
        endpoints: dict[int, list[Endpoint]] = {}
        for endpoint in Endpoint.objects.filter(merchant__in={row[1] for row in new}, switched_off_at=None).order_by("pk"):
            endpoints.setdefault(endpoint.merchant_id, []).append(endpoint)
        outbox.emit_all(
            [
                due(endpoint.pk, message_id)
                for message_id, merchant_id, event in new
                for endpoint in endpoints.get(merchant_id, ())
                if event in endpoint.events
            ]
        )


def due(endpoint_id: int, message_id: int) -> tuple[str, dict[str, Any]]:
    return "webhook.due", {"lane": endpoint_id, "endpoint_id": endpoint_id, "message_id": message_id, "tries": 0}
