"""What the shops pushed and what they were told is kept for some days, for people who look into a complaint, and then erased."""

from __future__ import annotations

from django.db import connection

BATCH = 1000
# Events that name a delivery.
READ_LATER = ["channel.heard", "channel.offered"]

# What is still to be read stays, however old: that of a paused channel, and of a dead letter that nobody has replayed. Its shop may never say it again.
_OLD = """
WITH unread AS MATERIALIZED (
    SELECT (payload ->> 'delivery_id')::bigint AS id FROM core_outboxevent WHERE topic = ANY(%(topics)s) AND payload ? 'delivery_id'
), old AS (
    DELETE FROM marketplaces_webhookdelivery WHERE id = ANY(ARRAY(
        SELECT id FROM marketplaces_webhookdelivery
        WHERE received_at < now() - make_interval(days => %(days)s) AND id NOT IN (SELECT id FROM unread)
        ORDER BY received_at LIMIT %(most)s
    )) RETURNING raw_id
)
DELETE FROM core_personalrecord WHERE id IN (SELECT raw_id FROM old)
"""
# Those whose channel was deleted meanwhile.
_ORPHANS = """
DELETE FROM core_personalrecord WHERE id = ANY(ARRAY(
    SELECT p.id FROM core_personalrecord p WHERE p.kind = 'webhook' AND p.created_at < now() - make_interval(days => %(days)s)
      AND NOT EXISTS (SELECT FROM marketplaces_webhookdelivery d WHERE d.raw_id = p.id)
    LIMIT %(most)s
))
"""


_OLD_ROWS = """
DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM {table} WHERE {column} < now() - make_interval(days => %(days)s) LIMIT %(most)s))
"""
_OLD_PUSHES = _OLD_ROWS.format(table="marketplaces_stockpush", column="answered_at")
_OLD_CHANGES = _OLD_ROWS.format(table="marketplaces_stockchange", column="at")


def erase_pushes(days: int) -> int:
    """Erase what was told to shops longer ago than `days`, and what made it change, a batch in a transaction; answers how many rows went."""
    return sum(_repeat(statement, days) for statement in (_OLD_PUSHES, _OLD_CHANGES))


def erase_webhooks(days: int) -> int:
    """Erase deliveries older than `days` with what came in them, a batch in a transaction; answers how many bodies were erased.

    Those that are still to be read stay.
    """
    return sum(_repeat(statement, days) for statement in (_OLD, _ORPHANS))


def _repeat(statement: str, days: int) -> int:
    erased = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, {"days": days, "most": BATCH, "topics": READ_LATER})
            count = int(cursor.rowcount)
            erased += count
            if not count:
                return erased
