"""What happened and who has still to hear of it. Emitting is a step; delivering is at least once, so handlers are idempotent."""

import json
import logging
import random
import traceback
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from wms.core.locking import assert_in_transaction

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
BATCH = 500
MAX_ATTEMPTS = 15
MAX_DELAY_SECONDS = 900

Nudge = Callable[[str], None]


def rows(events: list[tuple[str, dict[str, Any]]]) -> tuple[list[str], list[str], list[str]]:
    """(topics, handlers, payloads as JSON) of the rows that the events mean: one for each handler of the topic."""
    topics, handlers, payloads = [], [], []
    for topic, payload in events:
        for handler in settings.OUTBOX_ROUTES.get(topic, ()):
            topics.append(topic)
            handlers.append(handler)
            payloads.append(json.dumps(payload))
    return topics, handlers, payloads


# For statements that write events along with other rows: takes rows() as three arrays.
INSERT_SQL = """
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT topic, handler, payload::jsonb, 0, '' FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (topic, handler, payload)
"""


def emit(topic: str, **payload: Any) -> None:
    """Remember that something happened, in the caller's transaction, and wake its handlers after the commit."""
    emit_all([(topic, payload)])


def emit_all(events: list[tuple[str, dict[str, Any]]]) -> None:
    assert_in_transaction("emit()")
    written = rows(events)
    if not written[0]:
        return
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SQL, written)
    nudge_after_commit(set(written[1]))


def nudge_after_commit(handlers: set[str]) -> None:
    """After the commit, wake the workers. A nudge that is lost costs seconds: the sweep finds the rows."""
    transaction.on_commit(lambda: _nudge(handlers), robust=True)


def _nudge(handlers: set[str]) -> None:
    nudge: Nudge = import_string("wms.core.tasks.nudge")
    for handler in handlers:
        nudge(handler)


_CLAIM = """
    UPDATE core_outboxevent SET lease_until = now() + make_interval(secs => %s), attempts = attempts + 1
    WHERE id IN (
        SELECT id FROM core_outboxevent
        WHERE handler = %s AND dead_at IS NULL AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING id, payload, attempts
"""


def deliver(handler: str) -> int:
    """Claim what is due for one handler, hand it over outside the lock, and forget it. Returns how many events it took.

    The handler gets the list of payloads, oldest first. When it raises, the events come back later, with back-off and jitter;
    where there were several, each comes back alone, so that a bad one does not hold up the others.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_SECONDS, handler, BATCH])
        claimed = sorted(cursor.fetchall())
    if not claimed:
        return 0
    function = import_string(handler)
    events = [(key, json.loads(payload) if isinstance(payload, str) else payload, attempts) for key, payload, attempts in claimed]
    fresh = [event for event in events if event[2] == 1]
    retried = [[event] for event in events if event[2] > 1]
    for group in ([fresh] if fresh else []) + retried:
        _hand_over(function, group)
    return len(events)


def _hand_over(function: Callable[[list[dict[str, Any]]], None], group: list[tuple[int, dict[str, Any], int]]) -> None:
    keys = [key for key, _payload, _attempts in group]
    try:
        function([payload for _key, payload, _attempts in group])
    except Exception as error:  # whatever it was, the events must not be lost
        log.warning("outbox handler %s failed: %s", function.__name__, error)
        _postpone(keys, group[0][2], error)
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_outboxevent WHERE id = ANY(%s)", [keys])


def _postpone(keys: list[int], attempts: int, error: Exception) -> None:
    asked = getattr(error, "retry_after", None)
    delay = float(asked) if asked else min(MAX_DELAY_SECONDS, 2**attempts) * random.uniform(0.5, 1.0)
    dead = attempts >= MAX_ATTEMPTS
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_outboxevent SET lease_until = NULL, due_at = now() + make_interval(secs => %s), last_error = %s, "
            "dead_at = CASE WHEN %s THEN now() END WHERE id = ANY(%s)",
            [delay, "".join(traceback.format_exception_only(error))[:2000], dead, keys],
        )


def replay(keys: list[int]) -> int:
    """Bring dead letters back to life; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_outboxevent SET dead_at = NULL, attempts = 0, due_at = now(), lease_until = NULL WHERE id = ANY(%s) AND dead_at IS NOT NULL",
            [keys],
        )
        return int(cursor.rowcount)
