"""Celery only wakes work up: what is to do, and how often it was tried, stands in PostgreSQL."""

import logging
import time

from celery import shared_task
from django.conf import settings
from django.db import connection

from wms.celery import app
from wms.core import outbox
from wms.core.sessions import SessionStore
from wms.core.valkey import client as _valkey
from wms.core.valkey import execute

log = logging.getLogger(__name__)

# A nudge that is under way makes a second one needless; the flag falls before the worker looks, so nothing is missed.
NUDGE_TTL_MS = 2000
# Who was quiet is woken at once. A handler that has just looked rests for so long, and what happens meanwhile is handled in one go: a busy
# warehouse must not keep the workers busy with waking up. A lane rests longer: a message to a shop or a merchant costs more than a look,
# and a number that has changed ten times meanwhile is told once.
REST_SECONDS = 0.05
LANE_REST_SECONDS = 0.25
# Until when this process need not wake a handler: the one that it woke looks later than this.
_woken: dict[str, float] = {}
# While the broker is down, or hangs, no commit waits for it: the sweep comes anyway.
LOOK_AGAIN_SECONDS = 2.0
_down_until = 0.0


def nudge(handler: str) -> None:
    """Wake a worker for one handler. Waits for a broker that is down once in a while only, and never raises: the sweep comes anyway."""
    global _down_until  # noqa: PLW0603 - what this process knows of the broker
    now = time.monotonic()
    if now < _down_until or now < _woken.get(handler, 0.0):
        return
    try:
        valkey, wait = _valkey(), _rest(handler)
        if valkey is not None:
            if not execute(valkey, "SET", _flag(handler), 1, "NX", "PX", NUDGE_TTL_MS):
                return
            wait = max(0, valkey.pttl(_resting(handler))) / 1000
        app.send_task("wms.core.tasks.deliver", [handler], countdown=wait or None, retry=False, ignore_result=True)
        _woken[handler] = now + wait / 2
    except Exception as error:  # a broker may fail in any way: the rows are safe
        _down_until = time.monotonic() + LOOK_AGAIN_SECONDS
        log.warning("no nudge for %s: %s", handler, error)


def _flag(handler: str) -> str:
    return f"wms:nudged:{handler}"


def _resting(handler: str) -> str:
    return f"wms:resting:{handler}"


def _rest(handler: str) -> float:
    if handler in settings.OUTBOX_AT_ONCE:
        return 0.0
    return LANE_REST_SECONDS if ":" in handler else REST_SECONDS


@shared_task
def deliver(handler: str) -> None:
    """All that is due for one handler; what comes while it is at work is left for after the rest."""
    rest_ms = round(_rest(handler) * 1000)
    _begin_rest(handler, rest_ms, look=True)
    while (count := outbox.deliver(handler)) >= outbox.BATCH or (count and not rest_ms):
        pass
    if count and rest_ms:
        _begin_rest(handler, rest_ms)
        # A lane has sent away whoever came meanwhile.
        if handler not in settings.OUTBOX_SWEPT and outbox.waits(handler):
            nudge(handler)


def _begin_rest(handler: str, rest_ms: int, *, look: bool = False) -> None:
    """`look`: the worker is about to look, so that from now on a nudge has news again."""
    valkey = _valkey()
    if valkey is None:
        return
    with valkey.pipeline(transaction=False) as pipeline:
        if look:
            pipeline.delete(_flag(handler))
        if rest_ms:
            pipeline.set(_resting(handler), 1, px=rest_ms)
        pipeline.execute()


@shared_task
def sweep_outbox() -> None:
    """Wake whatever a lost nudge, a dead worker or a back-off left behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT handler FROM core_outboxevent WHERE dead_at IS NULL AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())"
        )
        handlers = [handler for (handler,) in cursor.fetchall()]
    for handler in handlers:
        nudge(handler)


@shared_task
def drop_old_outcomes() -> None:
    """Client-made ids are remembered for a week, longer than any client retries."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_requestoutcome WHERE created_at < now() - interval '7 days'")


@shared_task
def drop_old_sessions() -> None:
    """Whoever did not sign out leaves a row, for ever if nobody looks."""
    SessionStore.clear_expired()
