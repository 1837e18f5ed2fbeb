"""Messages are kept to be sent again, for a while."""

from django.db import connection

# In parts, so that no statement runs for minutes. Attempts go with their message.
_FORGET = """
WITH old AS MATERIALIZED (SELECT id FROM webhooks_message WHERE created_at < now() - make_interval(days => %s) ORDER BY id LIMIT 5000),
     log AS (DELETE FROM webhooks_attempt WHERE message_id IN (SELECT id FROM old))
DELETE FROM webhooks_message WHERE id IN (SELECT id FROM old)
"""


def forget(days: int) -> int:
    """Forget messages older than so many days, with the log of their deliveries; answers how many."""
    count = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [days])
            gone = int(cursor.rowcount)
        count += gone
        if not gone:
            return count
