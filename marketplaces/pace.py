"""How fast a shop may be asked: a bucket for each channel, shared by all workers, filled as the platform says, or as its adapter declares.

It stands in PostgreSQL, in a narrow row of its own: whoever takes from it holds no lock on the channel. Losing it is harmless: the next
take begins with what is declared, the next answer corrects it.
"""

from __future__ import annotations

import math

from django.db import connection

from marketplaces.models import Channel
from marketplaces.port import Allowance, Capabilities, Pace

_MAKE = """
INSERT INTO marketplaces_channelpace (channel_id, available, maximum, per_second, at)
VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT (channel_id) DO NOTHING
"""
_HEARD = """
INSERT INTO marketplaces_channelpace (channel_id, available, maximum, per_second, at)
VALUES (%s, %s, %s, %s, clock_timestamp())
ON CONFLICT (channel_id) DO UPDATE SET available = EXCLUDED.available, maximum = EXCLUDED.maximum, per_second = EXCLUDED.per_second, at = EXCLUDED.at
"""
# Pushes may take all but what a poll needs that was sent away.
_TAKE = """
WITH there AS MATERIALIZED (
    SELECT channel_id, maximum, per_second,
           least(maximum, available + greatest(0, extract(epoch FROM clock_timestamp() - at)) * per_second) AS tokens,
           least(%(cost)s, maximum) AS cost,
           CASE WHEN poll_waits AND NOT %(polls)s THEN least(%(keep)s, greatest(0, maximum - %(cost)s)) ELSE 0 END AS keep
    FROM marketplaces_channelpace WHERE channel_id = %(channel)s {lock}
), granted AS (
    SELECT *, CASE WHEN cost <= 0 THEN %(calls)s ELSE greatest(0, least(%(calls)s, floor((tokens - keep) / cost + 1e-9))) END AS calls FROM there
), taken AS (
    UPDATE marketplaces_channelpace p
    SET available = g.tokens - g.calls * g.cost, at = clock_timestamp(), poll_waits = CASE WHEN %(polls)s THEN g.calls < 1 ELSE p.poll_waits END
    FROM granted g WHERE p.channel_id = g.channel_id
)
SELECT calls::int, CASE WHEN per_second > 0 THEN (
           keep + cost * least(%(calls)s, greatest(1, floor((maximum - keep) / greatest(cost, 1e-9)))) - tokens
       ) / per_second ELSE %(hopeless)s END
FROM granted
"""
_LOCK = "FOR NO KEY UPDATE"
# A platform that says it gives nothing at all is asked again after so many seconds.
HOPELESS_S = 60.0


def for_push(channel: Channel, capabilities: Capabilities, count: int, urgent: int = 0) -> tuple[int, float]:
    """How many of `count` listings may be told now; where it is none, the seconds until as many as ever at once may be.

    Where many go another way, on which they take long, the first few that are `urgent` go by themselves before them.
    """
    pace = capabilities.pace or Pace(rows=capabilities.batch_size)
    if pace.bulk is not None and count >= pace.bulk:
        if not 0 < urgent < pace.bulk:
            return count, 0.0
        count = urgent
    calls, wait_s = _take(channel, pace, calls=math.ceil(count / pace.rows), polls=False)
    return min(count, calls * pace.rows), wait_s


def for_poll(channel: Channel, capabilities: Capabilities) -> float:
    """Takes what a page of orders costs and answers 0; else answers the seconds until there should be enough."""
    pace = capabilities.pace or Pace()
    if pace.poll <= 0:
        return 0.0
    calls, wait_s = _take(channel, pace, calls=1, polls=True)
    return 0.0 if calls else wait_s


def _take(channel: Channel, pace: Pace, *, calls: int, polls: bool) -> tuple[int, float]:
    cost, keep = (pace.poll, pace.push) if polls else (pace.push, pace.poll)
    wanted = {"channel": channel.pk, "calls": calls, "cost": cost, "keep": keep, "polls": polls, "hopeless": HOPELESS_S}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(lock=_LOCK), wanted)
        row = cursor.fetchone()
        if row is None and pace.maximum:
            cursor.execute(_MAKE, [channel.pk, pace.maximum, pace.maximum, pace.per_second])
            cursor.execute(_TAKE.format(lock=_LOCK), wanted)
            row = cursor.fetchone()
    return (row[0], max(0.0, float(row[1]))) if row else (calls, 0.0)


def heard(channel: Channel, allowance: Allowance | None) -> None:
    """The platform's own word replaces what was reckoned."""
    if allowance is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_HEARD, [channel.pk, allowance.available, allowance.maximum, allowance.per_second])


def refused(channel: Channel, allowance: Allowance | None) -> None:
    """The platform says that it was one call too many. Where it does not say what is left, nothing is: somebody else takes from it, too."""
    heard(channel, allowance)
    if allowance is None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE marketplaces_channelpace SET available = 0, at = clock_timestamp() WHERE channel_id = %s", [channel.pk])
