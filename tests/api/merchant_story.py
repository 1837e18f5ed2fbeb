"""A merchant's whole story, told by the generated client: `python merchant_story.py ADDRESS KEY` prints what it was answered.

tests.api.test_client checks its types against the client that it generates, and runs it.
"""

from __future__ import annotations

import json
import sys

from wms_client import AuthenticatedClient
from wms_client.api.asns import announce_asn, get_asn_labels
from wms_client.api.orders import cancel_order, create_order, get_order, list_orders
from wms_client.api.skus import enter_sku
from wms_client.api.stock import list_stock
from wms_client.api.webhooks import add_webhook_endpoint, remove_webhook_endpoint
from wms_client.models import (
    AcceptedOut,
    AsnIn,
    AsnLineIn,
    AsnOut,
    CartonIn,
    EndpointIn,
    EndpointOut,
    ErrorOut,
    LineIn,
    OrderIn,
    OrderOut,
    OrderPage,
    OrderStatus,
    ShipToIn,
    SkuIn,
    SkuOut,
    StockPage,
    WantedEvent,
)
from wms_client.types import File


def tell(address: str, key: str) -> dict[str, object]:
    """Each step's answer has a type of its own; what is not it would stop here."""
    client = AuthenticatedClient(base_url=address, token=key)
    sku = enter_sku.sync(client=client, body=SkuIn(code="MUG-BLUE", name="Blue mug", weight_g=350))
    assert isinstance(sku, SkuOut)
    box = CartonIn(lines=[AsnLineIn(sku=sku.code, quantity=24)])
    asn = announce_asn.sync(client=client, body=AsnIn(reference="PO-1", warehouse="DEMO", cartons=[box]))
    assert isinstance(asn, AsnOut)
    labels = get_asn_labels.sync(asn.id, client=client)
    assert isinstance(labels, File)
    stock = list_stock.sync(client=client, sku=sku.code)
    assert isinstance(stock, StockPage)

    buyer = ShipToIn(name="Ada Lovelace", line1="1 Analytical Way", city="London", postcode="N1 9GU", country="GB")
    wanted = OrderIn(reference="SO-1", warehouse="DEMO", ship_to=buyer, lines=[LineIn(sku=sku.code, quantity=2)])
    first = create_order.sync_detailed(client=client, body=wanted, idempotency_key="once")
    again = create_order.sync_detailed(client=client, body=wanted, idempotency_key="once")
    order = first.parsed
    assert isinstance(order, AcceptedOut)
    refused = create_order.sync(client=client, body=OrderIn.from_dict({**wanted.to_dict(), "reference": "SO-2", "warehouse": "NOWHERE"}))
    assert isinstance(refused, ErrorOut)
    page = list_orders.sync(client=client, status=OrderStatus.SHORT, limit=10)
    assert isinstance(page, OrderPage)
    cancelled = cancel_order.sync(order.id, client=client)
    assert isinstance(cancelled, OrderOut)
    nowhere = get_order.sync(2**62, client=client)
    assert isinstance(nowhere, ErrorOut)

    endpoint = add_webhook_endpoint.sync(
        client=client, body=EndpointIn(url="https://shop.example.com/hooks", events=[WantedEvent.ORDER_SHIPPED])
    )
    assert isinstance(endpoint, EndpointOut)
    removed = remove_webhook_endpoint.sync_detailed(endpoint.id, client=client)
    return {
        "sku": sku.code,
        "announced": asn.lines[0].quantity,
        "labels": labels.payload.read(5).decode(),
        "incoming": stock.items[0].incoming,
        "statuses": [first.status_code, again.status_code, removed.status_code],
        "same": first.parsed == again.parsed,
        "refused": refused.code,
        "short": [item.reference for item in page.items],
        "cancelled": cancelled.status,
        "nowhere": nowhere.code,
        "secret": str(endpoint.secret)[:6],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tell(*sys.argv[1:])))
