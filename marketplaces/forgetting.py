"""What the shops pushed is kept for some days, for people who look into a complaint, and then erased with the buyers' data in it."""

from __future__ import annotations

from django.db import connection

BATCH = 1000

_OLD = """
WITH old AS (
    DELETE FROM marketplaces_webhookdelivery WHERE id = ANY(ARRAY(
        SELECT id FROM marketplaces_webhookdelivery WHERE received_at < now() - make_interval(days => %(days)s) ORDER BY received_at LIMIT %(most)s
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


def erase_webhooks(days: int) -> int:
    """Erase deliveries older than `days` with what came in them, a batch in a transaction; answers how many bodies were erased."""
    return sum(_repeat(statement, days) for statement in (_OLD, _ORPHANS))


def _repeat(statement: str, days: int) -> int:
    erased = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, {"days": days, "most": BATCH})
            count = int(cursor.rowcount)
            erased += count
            if not count:
                return erased
