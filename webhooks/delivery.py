"""Messages go to their endpoints, one endpoint's at a time, are tried again for days, and can be sent again from any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from webhooks import sender
from webhooks.hearing import due
from webhooks.models import Attempt, Endpoint, Message
from webhooks.sender import Answer
from wms.core import outbox

# The schedule that the Standard Webhooks specification proposes: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Well below the outbox's lease: a second worker never sends while the first still does.
BUDGET_S = 60.0
# An endpoint that fails so often in a row is left alone for a while: the others of this worker wait behind it.
PATIENCE, REST_S = 3, 30.0
REPLAYED_AT_ONCE = 500


def send_due(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `webhook.due` {endpoint_id, message_id, tries}, one endpoint's events at a time."""
    endpoint = Endpoint.objects.filter(pk=payloads[0]["endpoint_id"], switched_off_at=None).first()
    if endpoint is None:  # what is still to be told can be replayed when it is switched on
        return
    messages = Message.objects.in_bulk([payload["message_id"] for payload in payloads])
    until, failures = time.monotonic() + BUDGET_S, 0
    for index, payload in enumerate(payloads):
        message = messages.get(payload["message_id"])
        if message is None:
            continue
        if time.monotonic() > until or failures == PATIENCE:
            _put_off(payloads[index:], 0.0 if failures < PATIENCE else REST_S)
            return
        answer = sender.post(endpoint.url, body=message.body.encode(), headers=signed(endpoint, message, timezone.now()))
        failures = 0 if answer.ok else failures + 1
        _note(endpoint, message, payload["tries"] + 1, answer)
        if endpoint.switched_off_at is not None:
            return


def signed(endpoint: Endpoint, message: Message, now: datetime) -> dict[str, str]:
    """The three headers of the specification; while a secret is being rotated, with a signature by each."""
    signatures = [Webhook(secret).sign(message.uid, now, message.body) for secret in endpoint.secrets(now)]
    return {"webhook-id": message.uid, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures)}


def _put_off(payloads: Sequence[dict[str, Any]], seconds: float) -> None:
    with transaction.atomic():
        outbox.emit_all_later(seconds, [("webhook.due", payload) for payload in payloads])


def _note(endpoint: Endpoint, message: Message, number: int, answer: Answer) -> None:
    """Write the try down, plan the next one, and switch off an endpoint that is gone or has failed for days."""
    now = timezone.now()
    gone = answer.status_code == 410
    wait = _wait_s(number, answer) if not answer.ok and not gone else None
    with transaction.atomic():
        Attempt.objects.create(
            endpoint=endpoint,
            message=message,
            number=number,
            status_code=answer.status_code,
            error=answer.error,
            took_ms=answer.took_ms,
            next_at=None if wait is None else now + timedelta(seconds=wait),
        )
        if wait is not None:
            outbox.emit_later(wait, "webhook.due", lane=endpoint.pk, endpoint_id=endpoint.pk, message_id=message.pk, tries=number)
        if answer.ok:
            endpoint.last_success_at, endpoint.failing_since, endpoint.last_error = now, None, ""
        else:
            endpoint.failing_since, endpoint.last_error = endpoint.failing_since or now, answer.error
            if gone or now - endpoint.failing_since > timedelta(days=settings.WEBHOOK_GIVE_UP_DAYS):
                endpoint.switched_off_at = now
        endpoint.save(update_fields=["last_success_at", "failing_since", "last_error", "switched_off_at"])


def _wait_s(number: int, answer: Answer) -> float | None:
    """Seconds until the next try, None after the last one. An endpoint may ask for more, for up to a day."""
    if number > len(WAITS_S):
        return None
    return max(WAITS_S[number - 1] * random.uniform(0.9, 1.1), min(answer.retry_after_s or 0.0, 86_400.0))


def go_on_replaying(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `webhook.replay` {endpoint_id, since, until, after}: the next few hundred messages, then itself again."""
    for payload in payloads:
        endpoint = Endpoint.objects.filter(pk=payload["endpoint_id"], switched_off_at=None).first()
        if endpoint is None:
            continue
        found = list(
            Message.objects.filter(
                merchant=endpoint.merchant_id,
                event__in=endpoint.events,
                happened_at__gte=payload["since"],
                created_at__lte=payload["until"],
                pk__gt=payload["after"],
            )
            .order_by("pk")
            .values_list("pk", flat=True)[:REPLAYED_AT_ONCE]
        )
        with transaction.atomic():
            outbox.emit_all([due(endpoint.pk, message_id) for message_id in found])
            if len(found) == REPLAYED_AT_ONCE:
                outbox.emit("webhook.replay", **{**payload, "after": found[-1]})
