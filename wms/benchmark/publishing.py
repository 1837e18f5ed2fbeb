"""All numbers of all shops at once, beside a bare httpx loop that sends the same batches.

The floor is what one would write without this project: one client, one batch after another to shop after shop, numbers that stand
ready in memory and calls that were signed beforehand. It neither reads the answers' rows nor writes anything down.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import httpx

from marketplaces import stock_sync
from marketplaces.adapters.woocommerce.connection import oauth_query
from marketplaces.adapters.woocommerce.stock import BATCH_SIZE
from marketplaces.models import Channel
from marketplaces.numbers import numbers
from wms.benchmark.storefronts import Storefronts
from wms.core.models import OutboxEvent

Batch = tuple[str, dict[str, Any]]
PATIENCE_SECONDS = 180.0
# Looking every 10 ms took 2 % of both cores from what is measured; looking so often adds half of it to a measured time of seconds.
LOOK_EVERY_SECONDS = 0.03


def compare(channels: Sequence[Channel], shops: Storefronts, rounds: int) -> dict[str, float]:
    """Listings/s of both sides over rounds that alternate, after one of each that nobody times."""
    seconds = {"floor": 0.0, "project": 0.0}
    listings = sum(channel.listings.count() for channel in channels)
    for number in range(-1, rounds):
        for side in ("floor", "project") if number % 2 == 0 else ("project", "floor"):
            taken = _send_bare(_batches(channels)) if side == "floor" else _publish(channels)
            seconds[side] += taken if number >= 0 else 0.0
            heard = {(batch.shop, product) for batch in shops.told() for product, _quantity in batch.numbers}
            if len(heard) != listings:
                raise RuntimeError(f"{side}: {len(heard)} of {listings} listings were told")
            check(channels, shops)
    rates = {side: round(listings * rounds / taken, 1) for side, taken in seconds.items()}
    return {**rates, "ratio": round(rates["project"] / rates["floor"], 3)}


def _publish(channels: Sequence[Channel]) -> float:
    """Seconds until nothing is left to do, the books of what was told included."""
    began = time.monotonic()
    for channel in channels:
        stock_sync.tell_all(channel=channel)
    wait_until_quiet()
    return time.monotonic() - began


def _batches(channels: Sequence[Channel]) -> list[Batch]:
    """(signed address, body) of every call, as the adapter would make them."""
    found = []
    for channel in channels:
        keys, url = channel.opened_credentials(), f"{channel.base_url}/products/batch"
        rows = [{"id": int(told.external_id), "manage_stock": True, "stock_quantity": told.quantity} for told in numbers(channel)]
        for start in range(0, len(rows), BATCH_SIZE):
            query = oauth_query(
                method="POST",
                url=url,
                params={},
                key=keys["consumer_key"],
                secret=keys["consumer_secret"],
                timestamp=int(time.time()),
                nonce=secrets.token_hex(16),
            )
            found.append((f"{url}?{query}", {"update": rows[start : start + BATCH_SIZE]}))
    return found


def _send_bare(batches: Sequence[Batch]) -> float:
    """Seconds for all calls, one after another over connections that stay open."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        began = time.monotonic()
        for url, body in batches:
            client.post(url, json=body).raise_for_status()
        return time.monotonic() - began


def check(channels: Sequence[Channel], shops: Storefronts) -> None:
    """Raises where a shop shows another number than the warehouse would tell it now."""
    for shop, channel in enumerate(channels):
        for told in numbers(channel):
            shown = shops.shown.get((shop, int(told.external_id)))
            if shown != told.quantity:
                raise RuntimeError(f"{channel} shows {shown} of {told.external_id}, not {told.quantity}")


def wait_until_quiet() -> None:
    """Until every event has been delivered. Raises TimeoutError."""
    until = time.monotonic() + PATIENCE_SECONDS
    while OutboxEvent.objects.filter(dead_at=None).exists():
        if time.monotonic() > until:
            raise TimeoutError(f"{OutboxEvent.objects.count()} events were not delivered")
        time.sleep(LOOK_EVERY_SECONDS)
