"""What happened and who has still to hear of it. Emitting is a step; delivering is at least once, so handlers are idempotent."""

import json
import logging
import random
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.module_loading import import_string

from wms.core import faults
from wms.core.json_text import as_json
from wms.core.locking import assert_in_transaction

log = logging.getLogger(__name__)

LEASE_SECONDS = 120
BATCH = 500
# What failed once is tried alone, so only a few at a time: other workers take the rest.
RETRIED_AT_ONCE = 20
MAX_ATTEMPTS = 15
# The back-off is at its longest here. A patient event is counted no further, so that a worker's end is not its last drop.
PATIENT_ATTEMPTS = 10
MAX_DELAY_SECONDS = 900

Nudge = Callable[[str], None]
# id, payload, attempts, lease_until. The lease is as good as a token: no other claim of these rows ends at the same microsecond.
Claimed = tuple[int, dict[str, Any], int, datetime | None]


def rows(events: list[tuple[str, dict[str, Any]]]) -> tuple[list[str], list[str], list[str]]:
    """(topics, handlers, payloads as JSON) of the rows that the events mean: one for each handler of the topic.

    A payload with a `lane` goes to "handler:lane": each lane is delivered on its own, one batch at a time, so that what stands behind
    one lane (a shop that is down) holds up no other.
    """
    topics, handlers, payloads = [], [], []
    for topic, payload in events:
        lane, text = payload.get("lane"), as_json(payload).decode()
        for handler in settings.OUTBOX_ROUTES.get(topic, ()):
            topics.append(topic)
            handlers.append(handler if lane is None else f"{handler}:{lane}")
            payloads.append(text)
    return topics, handlers, payloads


# For statements that write events along with other rows: takes rows() as three arrays.
INSERT_SQL = """
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error)
    SELECT topic, handler, payload::jsonb, 0, '' FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (topic, handler, payload)
"""

_INSERT_LATER = """
    INSERT INTO core_outboxevent (topic, handler, payload, attempts, last_error, due_at)
    SELECT topic, handler, payload::jsonb, delay.tried, '', now() + make_interval(secs => delay.seconds)
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS event (topic, handler, payload), (SELECT %s::float8 AS seconds, %s::int AS tried) delay
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
    emit_all_later(seconds, [(topic, payload)])


def emit_all_later(seconds: float, events: list[tuple[str, dict[str, Any]]], *, tried: int = 0) -> None:
    """As emit_later. `tried`: so often it has failed, in an event before these; then it is hurried as others that failed are."""
    assert_in_transaction("emit_later()")
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LATER, [*rows(events), seconds, tried])


_HURRY = """
    UPDATE core_outboxevent SET due_at = now()
    WHERE handler = ANY(%s) AND attempts > 0 AND due_at > now() AND dead_at IS NULL AND lease_until IS NULL
"""


def hurry(topics: Iterable[str], *, lane: object) -> None:
    """A step: what failed in this lane, and was put off, is tried again after the commit: somebody mended what was wrong."""
    assert_in_transaction("hurry()")
    handlers = {f"{handler}:{lane}" for topic in topics for handler in settings.OUTBOX_ROUTES.get(topic, ())}
    with connection.cursor() as cursor:
        cursor.execute(_HURRY, [sorted(handlers)])
    nudge_after_commit(handlers)


def nudge_after_commit(handlers: set[str]) -> None:
    """After the commit, wake the workers. A nudge that is lost costs seconds: the sweep finds the rows."""
    transaction.on_commit(lambda: _nudge(handlers), robust=True)


def _nudge(handlers: set[str]) -> None:
    nudge: Nudge = import_string("wms.core.tasks.nudge")
    for handler in handlers - settings.OUTBOX_SWEPT:
        nudge(handler)


# Claims rows, and buries those whose worker ended without a word (their lease ran out) at their last attempt.
# An array is made once. As a join the planner may run the inner statement again and again, and claim more than LIMIT.
_CLAIM = """
    UPDATE core_outboxevent
    SET attempts = attempts + {counted},
        lease_until = CASE WHEN lease_until IS NULL OR attempts < %(most)s THEN now() + make_interval(secs => %(lease)s) END,
        dead_at = CASE WHEN lease_until IS NOT NULL AND attempts >= %(most)s THEN now() END,
        last_error = CASE WHEN lease_until IS NOT NULL AND attempts >= %(most)s THEN %(lost)s ELSE last_error END
    WHERE id = ANY(ARRAY(
        SELECT id FROM core_outboxevent
        WHERE handler = %(handler)s AND dead_at IS NULL AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
        {which}
        ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, payload, attempts, lease_until
"""
_CLAIM_FRESH = _CLAIM.format(counted=1, which="AND attempts = 0")
# What failed is counted when it is handed over: one that ends its worker must not use up the attempts of those that wait behind it.
_CLAIM_RETRIED = _CLAIM.format(counted=0, which="AND attempts > 0")
# One deliverer at a time: whoever comes meanwhile leaves the rows to the one that is at it, which looks again when it is done.
_CLAIM_LANE = _CLAIM.format(
    counted=1,
    which="AND NOT EXISTS (SELECT FROM core_outboxevent busy WHERE busy.handler = core_outboxevent.handler AND busy.lease_until >= now())",
)
# A lease of its own for what is handed over alone; none where the lease ran out meanwhile and somebody else is at it.
_BEGIN = """
    UPDATE core_outboxevent SET attempts = attempts + 1, lease_until = now() + make_interval(secs => %s)
    WHERE id = %s AND lease_until = %s
    RETURNING id, payload, attempts, lease_until
"""
# Two claims of one lane must not look at the same moment. A statement of its own, so that the claim sees what the other one did; both go
# to the server together.
_ONE_AFTER_ANOTHER = "SELECT pg_advisory_xact_lock(hashtextextended(%(handler)s, 0));"


_IN_HAND = "SELECT EXISTS (SELECT FROM core_outboxevent WHERE handler = %(handler)s AND lease_until >= now())"


def busy(lane: str) -> bool:
    """Whether somebody delivers of this lane, "handler:lane", at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_HAND, {"handler": lane})
        return bool(cursor.fetchone()[0])


def in_hand(lane: str) -> bool:
    """A step: as busy(), and until the commit nobody begins to."""
    assert_in_transaction("in_hand()")
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AFTER_ANOTHER, {"handler": lane})
    return busy(lane)


def deliver(handler: str) -> int:
    """Claim what is due for one handler, hand it over outside the lock, and forget it. Returns how many events it took.

    The handler gets the list of payloads, oldest first. When it raises, the events come back later, with back-off and jitter;
    where there were several, each comes back alone, so that a bad one does not hold up the others. A lane's events stay together: its
    handler deals with bad ones itself. An error's `retry_after` (seconds) replaces the back-off; a `patient` one never makes a dead letter.
    """
    dotted, _colon, lane = handler.partition(":")
    retried: list[Claimed] = []
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if lane:
            together = _claim(cursor, _ONE_AFTER_ANOTHER + _CLAIM_LANE, handler, BATCH)
        else:
            together = _claim(cursor, _CLAIM_FRESH, handler, BATCH)
            retried = _claim(cursor, _CLAIM_RETRIED, handler, RETRIED_AT_ONCE)
    count = len(together) + len(retried)
    if not count:
        return 0
    function = import_string(dotted)
    _hand_over(function, together)
    for key, _payload, _attempts, lease in retried:
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [LEASE_SECONDS, key, lease])
            begun = _read(cursor)
        _hand_over(function, begun)
    return count


_WAITS = """
SELECT EXISTS (SELECT FROM core_outboxevent WHERE handler = %s AND dead_at IS NULL AND due_at <= now() AND (lease_until IS NULL OR lease_until < now()))
"""


def waits(handler: str) -> bool:
    """Whether something is due that nobody has in hand."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITS, [handler])
        return bool(cursor.fetchone()[0])


# What the sweep looks for every few seconds waits for so long only where nobody works.
BEHIND_SECONDS = 60
_BEHIND = """
SELECT min(due_at) FROM core_outboxevent
WHERE dead_at IS NULL AND due_at < now() - make_interval(secs => %s) AND (lease_until IS NULL OR lease_until < now())
AND handler NOT IN (SELECT handler FROM core_outboxevent WHERE lease_until >= now())
"""


def behind_since() -> datetime | None:
    """Since when something waits though nobody is at it: no worker runs, or they are all too busy. None while all is well."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [BEHIND_SECONDS])
        since: datetime | None = cursor.fetchone()[0]
    return since


def _claim(cursor: CursorWrapper, statement: str, handler: str, limit: int) -> list[Claimed]:
    wanted: dict[str, str | int] = {"handler": handler, "limit": limit, "lease": LEASE_SECONDS, "most": MAX_ATTEMPTS, "lost": faults.LOST}
    cursor.execute(statement, wanted)
    return _read(cursor)


def _read(cursor: CursorWrapper) -> list[Claimed]:
    """Oldest first."""
    return [
        (key, json.loads(payload) if isinstance(payload, str) else payload, attempts, lease)
        for key, payload, attempts, lease in sorted(cursor.fetchall(), key=itemgetter(0))
    ]


def _hand_over(function: Callable[[list[dict[str, Any]]], None], group: list[Claimed]) -> None:
    """Events of one lease. What was buried at the claim has none: nobody is told."""
    group = [event for event in group if event[3] is not None]
    if not group:
        return
    keys, lease = [event[0] for event in group], group[0][3]
    try:
        function([event[1] for event in group])
    except Exception as error:  # whatever it was, the events must not be lost
        log.warning("outbox handler %s failed: %s", function.__name__, faults.of(error))
        _postpone(keys, lease, error)
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_outboxevent WHERE id = ANY(%s) AND lease_until = %s", [keys, lease])


# Each by its own attempts, also those of a lane that failed together: what is always the last to fail leaves the others alone ever longer, and dies
# alone. Equally old ones stay together.
_POSTPONE = f"""
    UPDATE core_outboxevent
    SET lease_until = NULL, last_error = %(said)s, attempts = CASE WHEN %(patient)s THEN least(attempts, {PATIENT_ATTEMPTS}) ELSE attempts END,
        due_at = now() + make_interval(secs => coalesce(
            %(asked)s::float8, least({MAX_DELAY_SECONDS}, power(2, least(attempts, {MAX_ATTEMPTS}))) * %(jitter)s
        )),
        dead_at = CASE WHEN attempts >= {MAX_ATTEMPTS} AND NOT %(patient)s THEN now() END
    WHERE id = ANY(%(keys)s) AND lease_until = %(lease)s
"""


def _postpone(keys: list[int], lease: datetime | None, error: Exception) -> None:
    """Rows whose lease ran out meanwhile are somebody else's by now and stay as they are."""
    asked, patient = getattr(error, "retry_after", None), bool(getattr(error, "patient", False))
    about = {"asked": float(asked) if asked else None, "patient": patient, "jitter": random.uniform(0.5, 1.0)}
    with connection.cursor() as cursor:
        cursor.execute(_POSTPONE, {**about, "said": faults.of(error)[:2000], "keys": keys, "lease": lease})


def replay(keys: list[int]) -> int:
    """Bring dead letters back to life; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_outboxevent SET dead_at = NULL, attempts = 0, due_at = now(), lease_until = NULL WHERE id = ANY(%s) AND dead_at IS NOT NULL",
            [keys],
        )
        return int(cursor.rowcount)
