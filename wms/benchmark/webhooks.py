"""How soon a shop's webhooks are answered when it sends a thousand orders at once: it waits for its answer, and gives up hooks that keep it waiting.

The simulated shop's own orders, signed beforehand, over connections that stay open, to the web server as `wms up` starts it, beside a worker that
takes them in meanwhile.
"""

from __future__ import annotations

import http.client
import statistics
import time
import uuid
from collections.abc import Sequence
from typing import Any

from inventory.models import Warehouse
from marketplaces import channels
from marketplaces.adapters.woocommerce.webhooks import sign
from marketplaces.models import Channel, ChannelOrder, ChannelOrderPart, WebhookDelivery
from wms.benchmark import publishing, storefronts, web
from wms.benchmark.house import SHIP_TO
from wms.benchmark.printing import worker
from wms.benchmark.storefronts import Storefronts
from wms.benchmark.timetable import Size, merchant_code
from wms.core.models import Merchant, OutboxEvent

BURSTS = (1000, 1000)
CONNECTIONS = 8
SKUS = 100
# Before anybody looks at the clock: as many as every thread of the server has answered one by then.
WARM_UP = 50
# Shops wait for five seconds or ten; the aim is far below.
WANTED_MS = 1000.0
Delivery = tuple[bytes, dict[str, str]]


def measure(size: Size, bursts: Sequence[int] = BURSTS) -> dict[str, Any]:
    """Milliseconds from a delivery's first byte to its whole answer; raises where one is refused, not kept, or its order not in exactly once.

    A shop of its own, when all else was measured: what other shops have not heard by then is forgotten, and they are closed.
    """
    OutboxEvent.objects.all().delete()
    Channel.objects.update(active=False)
    codes = size.codes[:SKUS]
    with storefronts.storefronts(1, codes) as shops, worker(beat=True), web.server() as port:
        channel = _connect(shops)
        _burst(port, channel, _deliveries(shops, channel, codes, WARM_UP))
        waits: list[float] = []
        seconds = 0.0
        for count in bursts:
            sent = _deliveries(shops, channel, codes, count)
            publishing.wait_until_quiet()
            answered, taken = _burst(port, channel, sent)
            waits, seconds = waits + answered, seconds + taken
        publishing.wait_until_quiet()
    _check(channel, WARM_UP + sum(bursts))
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    slowest = round(max(waits) * 1000, 1)
    return {
        "deliveries": len(waits),
        "connections": CONNECTIONS,
        "per_s": round(len(waits) / seconds, 1),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "max_ms": slowest,
        "reached": slowest < WANTED_MS,
    }


def _connect(shops: Storefronts) -> Channel:
    channel = channels.connect(
        merchant=Merchant.objects.get(code=merchant_code(0)),
        warehouse=Warehouse.objects.get(code="SYNC"),
        adapter="woocommerce",
        base_url=shops.urls[0],
        credentials={"consumer_key": "ck_loopback", "consumer_secret": "cs_loopback"},
        name="Shop of webhooks",
    )
    channels.fetch_listings(channel=channel)
    return channel


def _deliveries(shops: Storefronts, channel: Channel, codes: Sequence[str], count: int) -> list[Delivery]:
    """(body, headers) of so many new orders, two lines each."""
    lines = [[(codes[number % len(codes)], 1), (codes[(number + 1) % len(codes)], 2)] for number in range(count)]
    secret = channel.opened_secret()
    return [
        (
            body,
            {
                "Content-Type": "application/json",
                "X-WC-Webhook-Topic": "order.created",
                "X-WC-Webhook-Delivery-ID": uuid.uuid4().hex,
                "X-WC-Webhook-Signature": sign(body, secret),
            },
        )
        for body in shops.place_orders(lines, _BUYER)
    ]


_BUYER = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address_1": SHIP_TO["line1"],
    "city": SHIP_TO["city"],
    "postcode": SHIP_TO["postcode"],
    "country": SHIP_TO["country"],
    "phone": SHIP_TO["phone"],
}


def _burst(port: int, channel: Channel, sent: Sequence[Delivery]) -> tuple[list[float], float]:
    """Each delivery's seconds, and those of all together. Raises where one is answered with anything but 200."""
    waits: list[float] = []
    failures: list[str] = []
    path = f"/hooks/{channel.pk}"

    def connection(share: Sequence[Delivery]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        line.connect()
        for body, headers in share:
            began = time.perf_counter()
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            content = answer.read()
            waits.append(time.perf_counter() - began)
            if answer.status != 200:
                failures.append(f"{answer.status} {content[:200]!r}")
        line.close()

    taken = web.at_once(lambda number: connection(sent[number::CONNECTIONS]), CONNECTIONS)
    if failures or len(waits) != len(sent):
        raise RuntimeError(f"{len(waits)} of {len(sent)} webhooks were answered, {len(failures)} of them badly: {failures[:1]}")
    return waits, taken


def _check(channel: Channel, sent: int) -> None:
    """Raises where a delivery was not stored as it came, or an order is not in, or is in twice."""
    kept = WebhookDelivery.objects.filter(channel=channel, raw__isnull=False).count()
    taken = ChannelOrder.objects.filter(channel=channel, status=ChannelOrder.Status.IMPORTED).count()
    ours = ChannelOrderPart.objects.filter(channel_order__channel=channel, order__isnull=False).values("order").distinct().count()
    if (kept, taken, ours) != (sent, sent, sent):
        raise RuntimeError(f"of {sent} deliveries {kept} were kept, {taken} orders are in, as {ours} of ours")
