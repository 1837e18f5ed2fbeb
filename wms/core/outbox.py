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
    """(topics, handlers, payloads as JSON) of the rows that the events mean: one for each handler of the topic.

    A payload with a `lane` goes to "handler:lane": each lane is delivered on its own, one batch at a time, so that what stands behind
    one lane (a shop that is down) holds up no other.
    """
    topics, handlers, payloads = [], [], []
    for topic, payload in events:
        lane = payload.get("lane")
        for handler in settings.OUTBOX_ROUTES.get(topic, ()):
            topics.append(topic)
            handlers.append(handler if lane is None else f"{handler}:{lane}")
            payloads.append(json.dumps(payload))
    return topics, handlers, payloads


# For statements that write events along with other rows: takes rows() as three arrays.
INSERT_SQL = """
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT topic, handler, payload::jsonb, 0, '' FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (topic, handler, payload)
"""

_INSERT_LATER = """
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error, due_at)
    SELECT topic, handler, payload::jsonb, 0, '', now() + make_interval(secs => delay.seconds)
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (topic, handler, payload), (SELECT %s::float8 AS seconds) delay
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


def emit_later(seconds: float, topic: str, **payload: Any) -> None:
    """Remember now what is due in so many seconds; the sweep wakes its handlers."""
    assert_in_transaction("emit_later()")
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LATER, [*rows([(topic, payload)]), seconds])


def nudge_after_commit(handlers: set[str]) -> None:
    """After the commit, wake the workers. A nudge that is lost costs seconds: the sweep finds the rows."""
    transaction.on_commit(lambda: _nudge(handlers), robust=True)


def _nudge(handlers: set[str]) -> None:
    nudge: Nudge = import_string("wms.core.tasks.nudge")
    for handler in handlers:
        nudge(handler)


# An array is made once. As a join the planner may run the inner statement again and again, and claim more than LIMIT.
_CLAIM = """
    UPDATE core_outboxevent SET lease_until = now() + make_interval(secs => %s), attempts = attempts + 1
    WHERE id = ANY(ARRAY(
        SELECT id FROM core_outboxevent
        WHERE handler = %s AND dead_at IS NULL AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
        {lane}
        ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, payload, attempts
"""
_CLAIM_ANY = _CLAIM.format(lane="")
# One deliverer at a time: whoever comes meanwhile leaves the rows to the one that is at it, which looks again when it is done.
_CLAIM_LANE = _CLAIM.format(
    lane="AND NOT EXISTS (SELECT FROM core_outboxevent busy WHERE busy.handler = core_outboxevent.handler AND busy.lease_until >= now())"
)
# Two claims of one lane must not look at the same moment. A statement of its own, so that the claim sees what the other one did.
_ONE_AFTER_ANOTHER = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def deliver(handler: str) -> int:
    """Claim what is due for one handler, hand it over outside the lock, and forget it. Returns how many events it took.

    The handler gets the list of payloads, oldest first. When it raises, the events come back later, with back-off and jitter;
    where there were several, each comes back alone, so that a bad one does not hold up the others. A lane's events stay together: its
    handler deals with bad ones itself. An error's `retry_after` (seconds) replaces the back-off; a `patient` one never makes a dead letter.
    """
    dotted, _colon, lane = handler.partition(":")
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if lane:
            cursor.execute(_ONE_AFTER_ANOTHER, [handler])
        cursor.execute(_CLAIM_LANE if lane else _CLAIM_ANY, [LEASE_SECONDS, handler, BATCH])
        claimed = sorted(cursor.fetchall())
    if not claimed:
        return 0
    function = import_string(dotted)
    events = [(key, json.loads(payload) if isinstance(payload, str) else payload, attempts) for key, payload, attempts in claimed]
    fresh = [event for event in events if lane or event[2] == 1]
    retried = [[event] for event in events if not lane and event[2] > 1]
    for group in ([fresh] if fresh else []) + retried:
        _hand_over(function, group)
    return len(events)


def _hand_over(function: Callable[[list[dict[str, Any]]], None], group: list[tuple[int, dict[str, Any], int]]) -> None:
    keys = [key for key, _payload, _attempts in group]
    try:
        function([payload for _key, payload, _attempts in group])
    except Exception as error:  # whatever it was, the events must not be lost
        log.warning("outbox handler %s failed: %s", function.__name__, error)
        _postpone(keys, min(attempts for _key, _payload, attempts in group), error)
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_outboxevent WHERE id = ANY(%s)", [keys])


def _postpone(keys: list[int], attempts: int, error: Exception) -> None:
    asked = getattr(error, "retry_after", None)
    delay = float(asked) if asked else min(MAX_DELAY_SECONDS, 2**attempts) * random.uniform(0.5, 1.0)
    dead = attempts >= MAX_ATTEMPTS and not getattr(error, "patient", False)
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
