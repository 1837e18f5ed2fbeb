"""A message of the shop, signed as it signs them."""

import json
import uuid
from datetime import UTC, datetime

from django.test import Client

from marketplaces.adapters.shopify.webhooks import sign
from marketplaces.models import Channel
from tests.marketplaces.adapters.shopify.conftest import SECRET


def hook(channel: Channel, topic: str, payload: dict) -> int:
    body = json.dumps(payload).encode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": sign(body, SECRET),
        "x-shopify-event-id": str(uuid.uuid4()),
        "x-shopify-triggered-at": datetime.now(UTC).isoformat(),
    }
    return Client().post(f"/hooks/{channel.pk}", data=body, content_type="application/json", headers=headers).status_code
