"""Messages go to their endpoints, one endpoint's at a time, are tried again for days, and can be sent again from any moment."""

from __future__ import annotations

import random
import time
from collections import Counter
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
from wms.core.models import OutboxEvent

# The schedule that the Standard Webhooks specification proposes: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# One turn: then other lanes have theirs, and no second worker begins while the first is still at it (the outbox's lease is far longer).
TURN_S = 5.0
# Whoever takes longer to answer is slow, and so may be who was never heard. All of them share one lane, so that however many there are, they
# hold one worker at the most.
SLOW_MS, SLOW_LANE = 2_000, "slow"
# An endpoint that fails so often in a row is left alone for a while.
PATIENCE, REST_S = 3, 30.0
REPLAYED_AT_ONCE, REPLAY_PAUSE_S = 500, 1.0


def send_due(payloads: Sequence[dict[str, Any]]) -> None:
    """Outbox handler of `webhook.due` {lane, endpoint_id, message_id, tries}: what is due for one endpoint, or for all that are slow."""
    lane = payloads[0]["lane"]
    if lane != SLOW_LANE and _may_be_slow(lane):
        _go_on_later([((SLOW_LANE, 0.0), payload) for payload in payloads])
        return
    messages = Message.objects.in_bulk([payload["message_id"] for payload in payloads])
    until, failures = time.monotonic() + TURN_S, Counter[int]()
    # Whose turn is over: the lane in which it goes on, and in how many seconds.
    over: dict[int, tuple[int | str, float]] = {}
    left = []
    for payload in payloads:
        key, message = payload["endpoint_id"], messages.get(payload["message_id"])
        if key not in over and time.monotonic() > until:
            over[key] = lane, 0.0
        if key in over:
            left.append(payload)
            continue
        # Looked at for each message: what is rotated, switched off or removed meanwhile counts at once.
        endpoint = Endpoint.objects.filter(pk=key, switched_off_at=None).first()
        if endpoint is None or message is None:  # what is still to be told can be replayed when the endpoint is switched on
            continue
        if payload["tries"] and _arrived(endpoint, message):
            continue
        answer = sender.post(endpoint.url, body=message.body.encode(), headers=signed(endpoint, message, timezone.now()))
        _note(key, message, payload["tries"] + 1, answer)
        failures[key] = 0 if answer.ok else failures[key] + 1
        if answer.took_ms > SLOW_MS:
            over[key] = SLOW_LANE, 0.0 if answer.ok else REST_S
        elif lane == SLOW_LANE:
            over[key] = key, 0.0
        elif failures[key] == PATIENCE:
            over[key] = key, REST_S
    _go_on_later([(over[payload["endpoint_id"]], payload) for payload in left])


def _may_be_slow(endpoint_id: int) -> bool:
    """By its last answer; of one that was never asked nobody knows."""
    newest = Attempt.objects.filter(endpoint=endpoint_id).order_by("-pk").values_list("took_ms", flat=True).first()
    return newest is None or newest > SLOW_MS


def _arrived(endpoint: Endpoint, message: Message) -> bool:
    """By a replay, since it failed: another try would bring the receiver nothing but a repetition."""
    return Attempt.objects.filter(endpoint=endpoint, message=message, status_code__gte=200, status_code__lt=300).exists()


def signed(endpoint: Endpoint, message: Message, now: datetime) -> dict[str, str]:
    """The three headers of the specification; while a secret is being rotated, with a signature by each."""
    signatures = [Webhook(secret).sign(message.uid, now, message.body) for secret in endpoint.secrets(now)]
    return {"webhook-id": message.uid, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures)}


def _go_on_later(left: Sequence[tuple[tuple[int | str, float], dict[str, Any]]]) -> None:
    by_wait: dict[float, list[tuple[str, dict[str, Any]]]] = {}
    for (lane, seconds), payload in left:
        by_wait.setdefault(seconds, []).append(("webhook.due", {**payload, "lane": lane}))
    with transaction.atomic():
        for seconds, events in by_wait.items():
            outbox.emit_all_later(seconds, events) if seconds else outbox.emit_all(events)


def _note(endpoint_id: int, message: Message, number: int, answer: Answer) -> None:
    """Write the try down, plan the next one, and switch off an endpoint that is gone or has failed for days. Nothing of one removed meanwhile."""
    now = timezone.now()
    gone = answer.status_code == 410
    wait = _wait_s(number, answer) if not answer.ok and not gone else None
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint_id).first()
        if endpoint is None:
            return
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
    """Outbox handler of `webhook.replay` {lane, endpoint_id, since, until, after}: the next few hundred messages, then itself again.

    It waits while so many are still to be tried: what happens meanwhile stands behind a few hundred messages, not behind those of weeks.
    """
    for payload in payloads:
        endpoint = Endpoint.objects.filter(pk=payload["endpoint_id"], switched_off_at=None).first()
        if endpoint is None:
            continue
        if _untried(endpoint) >= REPLAYED_AT_ONCE:
            with transaction.atomic():
                outbox.emit_later(REPLAY_PAUSE_S, "webhook.replay", **payload)
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


def _untried(endpoint: Endpoint) -> int:
    lanes = [f"webhooks.delivery.send_due:{lane}" for lane in (endpoint.pk, SLOW_LANE)]
    return OutboxEvent.objects.filter(handler__in=lanes, dead_at=None, payload__endpoint_id=endpoint.pk, payload__tries=0).count()
