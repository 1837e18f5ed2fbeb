"""Labels and slips hold buyers' names and addresses: after a while, or when a buyer is to be forgotten, the job stays and its content goes."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from wms.core.locking import assert_in_transaction


def erase_contents(*, days: int, batch: int = 1000) -> int:
    """Forget what jobs older than `days` printed: labels hold buyers' addresses. Returns how many."""
    erased = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE labels_printjob SET content = NULL WHERE id = ANY(ARRAY(SELECT id FROM labels_printjob "
                "WHERE content IS NOT NULL AND created_at < now() - make_interval(days => %s) AND status NOT IN ('claimed', 'sending') "
                "ORDER BY created_at LIMIT %s))",
                [days, batch],
            )
            count = int(cursor.rowcount)
        erased += count
        if count < batch:
            return erased


_ERASE_DOCUMENTS = """
UPDATE labels_printjob j SET content = NULL
FROM unnest(%s::bigint[], %s::text[]) AS d (merchant_id, name)
WHERE j.document = d.name AND (j.merchant_id = d.merchant_id OR j.merchant_id IS NULL)
  AND j.content IS NOT NULL AND j.status NOT IN ('claimed', 'sending')
"""


def erase_documents(documents: Sequence[tuple[int, str]]) -> int:
    """A step: forget what was printed of these documents, and what still waits; returns how many jobs. What is being sent goes with the next night.

    A document is (merchant id, name). Jobs of which nobody wrote down whose paper they print go by the name alone.
    """
    assert_in_transaction("erase_documents()")
    with connection.cursor() as cursor:
        cursor.execute(_ERASE_DOCUMENTS, [[merchant for merchant, _name in documents], [name[:80] for _merchant, name in documents]])
        return int(cursor.rowcount)
