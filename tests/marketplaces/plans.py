"""How a shop's orders are looked for where there were very many of them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from marketplaces.models import Channel

MANY = 20_000
_HISTORY = """
INSERT INTO marketplaces_channelorder (channel_id, merchant_id, external_id, number, status, shop_state, service, lines, problem, problem_detail)
SELECT %s, %s, 'H-' || n, '', 'imported', 'shipped', '', '[]', '', '' FROM generate_series(1, %s) n
"""


def of(channel: Channel, look: Callable[[], object]) -> str:
    """The plans of all statements about shops' orders that `look` makes."""
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [channel.pk, channel.merchant_id, MANY])
        cursor.execute("ANALYZE marketplaces_channelorder, marketplaces_channel")
    with CaptureQueriesContext(connection) as seen:
        look()
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        for query in seen:
            if 'FROM "marketplaces_channelorder"' in query["sql"]:
                cursor.execute(f"EXPLAIN {query['sql']}".replace("%", "%%"), [])
                found += [line for (line,) in cursor.fetchall()]
    return "\n".join(found)
