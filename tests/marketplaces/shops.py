"""A loopback shop tied to a warehouse, and the outbox delivered by hand."""

import hmac
import json
import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import Client

from inventory.models import Availability, Sku, Warehouse
from marketplaces import channels, order_asking, order_import, port
from marketplaces.calling import CannotBeAsked, calling
from marketplaces.models import Channel
from tests import make
from tests.marketplaces.woo_shop import WooShop
from wms.core import outbox
from wms.core.models import Merchant, OutboxEvent

BUYER = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "address_1": "1 Cobol Street",
    "city": "Arlington",
    "postcode": "22201",
    "country": "us",
}


def connect(shop: WooShop, merchant: Merchant, house: Warehouse, name: str = "My shop", **more: Any) -> Channel:
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    return channels.connect(
        merchant=merchant, warehouse=house, adapter="woocommerce", base_url=shop.url, credentials=keys, name=name, **more
    )


def connect_as(adapter: str, shop: Any, keys: Mapping[str, str], merchant: Merchant, house: Warehouse, **more: Any) -> Channel:
    """The channel of a shop of any platform, called after it; what it lists is known."""
    named = {"name": adapter, "code": adapter[:3].upper(), **more}
    channel = channels.connect(merchant=merchant, warehouse=house, adapter=adapter, base_url=shop.url, credentials=keys, **named)
    with suppress(CannotBeAsked):
        channels.fetch_listings(channel=channel)
    return channel


def selling(shop: WooShop, house: Warehouse, stock: Mapping[Sku, int], **more: Any) -> Channel:
    """A channel whose shop sells these skus, of which the warehouse has so many, told to the shop already."""
    merchant = next(iter(stock)).merchant
    for sku, quantity in stock.items():
        shop.books.add_product(sku=sku.code, quantity=0)
        if quantity:
            make.stock(make.bin_of(house, "A-01"), sku, quantity)
    channel = connect(shop, merchant, house, **more)
    channels.fetch_listings(channel=channel)
    deliver_all()
    return channel


def deliver_all(rounds: int = 20) -> None:
    """What workers would do, until nothing is due."""
    for _round in range(rounds):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT handler FROM core_outboxevent WHERE handler LIKE 'marketplaces%%' AND dead_at IS NULL AND due_at <= now() "
                "ORDER BY handler"
            )
            handlers = [handler for (handler,) in cursor.fetchall()]
        if not sum(outbox.deliver(handler) for handler in handlers):
            return
    raise AssertionError(f"still not quiet: {handlers}")


def make_due() -> None:
    """Time passes: what was postponed is due, what was left alone may be called, and all that a shop grants has come back."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_outboxevent SET due_at = now(), lease_until = NULL")
        cursor.execute("UPDATE marketplaces_toldparcel SET again_at = now() WHERE again_at IS NOT NULL")
        cursor.execute("UPDATE marketplaces_channel SET quiet_until = now() WHERE quiet_until IS NOT NULL")
        cursor.execute("UPDATE marketplaces_channelpace SET available = maximum, at = now()")


def poll() -> None:
    """A minute passes: every shop is asked for its orders, and all that follows is done."""
    order_asking.ask_all()
    make_due()
    deliver_all()


def until_quiet() -> None:
    """Time passes until nothing is left to do: neither what waits nor what was given up."""
    for _round in range(4):
        make_due()
        deliver_all()
    assert not OutboxEvent.objects.filter(handler__startswith="marketplaces").exists()


def settle() -> None:
    """Every shop is asked for its orders, however seldom that is else, and all that follows is done."""
    make_due()
    Channel.objects.update(last_poll_at=None)
    order_asking.ask_all()
    until_quiet()


def fetch_orders(channel: Channel) -> None:
    """All that changed in this shop, and nothing that follows."""
    channel = Channel.objects.get(pk=channel.pk)
    with calling(channel) as shop:
        order_import.catch_up(channel, shop, time.monotonic() + 60)


def sale(code: str, at: datetime, *, quantity: int = 2, **more: Any) -> port.ChannelOrder:
    """Order 501 of any shop, open and of one line, as it was said at that moment."""
    said: dict[str, Any] = {
        "order_id": "501", "number": "501", "state": port.ChannelOrderState.OPEN, "placed_at": at, "updated_at": at,
        "ship_to": port.ShipTo("Grace Hopper", "1 Cobol Street", "Arlington", "22201", "US"),
        "lines": (port.ChannelLine("1", "", code, "Mug", quantity, Decimal(5)),),
        "currency": "USD", "total": Decimal(5), "channel_status": "open",
    }  # fmt: skip
    return port.ChannelOrder(**said | more)


def totals(sku: Sku) -> tuple[int, int, int]:
    """On hand, committed, backordered."""
    row = Availability.objects.get(sku=sku)
    return row.on_hand, row.committed, row.backordered


def hook(
    channel: Channel,
    order: Mapping[str, Any],
    *,
    topic: str = "order.updated",
    delivery: str = "",
    secret: str = "",
    client: Client | None = None,
) -> int:
    """Send a webhook as WooCommerce would; answers the status."""
    body = json.dumps(order).encode()
    signature = b64encode(hmac.new((secret or channel.opened_secret()).encode(), body, "sha256").digest()).decode()
    headers = {
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-signature": signature,
        "x-wc-webhook-delivery-id": delivery or uuid.uuid4().hex,
    }
    return (client or Client()).post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code
