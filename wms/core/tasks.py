"""Celery only wakes work up: what is to do, and how often it was tried, stands in PostgreSQL."""

import logging
import time

from celery import shared_task
from django.conf import settings
from django.db import connection

from wms.celery import app
from wms.core import outbox
from wms.core.valkey import client as _valkey

log = logging.getLogger(__name__)

# A nudge that is under way makes a second one needless; the flag falls before the worker looks, so nothing is missed.
NUDGE_TTL_MS = 2000
# What happens within this time is handled in one go: a busy warehouse must not keep the workers busy with waking up.
GATHER_SECONDS = 0.05
# When this process woke a handler last: until shortly before that handler looks, another nudge would tell it nothing.
_woken: dict[str, float] = {}
# While the broker is down, or hangs, no commit waits for it: the sweep comes anyway.
LOOK_AGAIN_SECONDS = 2.0
_down_until = 0.0


def nudge(handler: str) -> None:
    """Wake a worker for one handler. Waits for a broker that is down once in a while only, and never raises: the sweep comes anyway."""
    global _down_until  # noqa: PLW0603
    now = time.monotonic()
    gather = 0.0 if handler in settings.OUTBOX_AT_ONCE else GATHER_SECONDS
    if now < _down_until or now < _woken.get(handler, 0.0) + gather / 2:
        return
    try:
        valkey = _valkey()
        if valkey is not None and not valkey.set(f"wms:nudged:{handler}", 1, nx=True, px=NUDGE_TTL_MS):
            return
        app.send_task("wms.core.tasks.deliver", [handler], countdown=gather or None, retry=False, ignore_result=True)
        _woken[handler] = time.monotonic()
    except Exception as error:  # a broker may fail in any way: the rows are safe
        _down_until = time.monotonic() + LOOK_AGAIN_SECONDS
        log.warning("no nudge for %s: %s", handler, error)


@shared_task
def deliver(handler: str) -> None:
    valkey = _valkey()
    if valkey is not None:
        valkey.delete(f"wms:nudged:{handler}")
    while outbox.deliver(handler):
        pass


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
