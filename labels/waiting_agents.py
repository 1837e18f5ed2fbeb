"""How a print agent's long poll hears of a new job: a list in Valkey that it waits at. Without Valkey it looks into the table now and then."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from functools import lru_cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from wms.core import valkey

log = logging.getLogger(__name__)

# A call that nobody waited for is forgotten: the agent looks before it waits.
CALL_SECONDS = 60
LOOK_SECONDS = 0.5
# One wait in Valkey; the caller looks into the table between two of them.
LONGEST_WAIT_SECONDS = 5.0


def _place(agent_id: int) -> str:
    return f"wms:print-agent:{agent_id}"


def call_agents(agent_ids: Collection[int]) -> None:
    """Raises what the broker raises."""
    client = valkey.client()
    if client is None:
        return
    for agent_id in agent_ids:
        # One call is as good as many.
        with client.pipeline() as pipeline:
            pipeline.delete(_place(agent_id))
            pipeline.rpush(_place(agent_id), 1)
            pipeline.expire(_place(agent_id), CALL_SECONDS)
            pipeline.execute()


@lru_cache(maxsize=1)
def _patient_client() -> redis.Redis | None:
    """Like wms.core.valkey's, with the patience for a blocking wait."""
    client = valkey.client()
    if client is None:
        return None
    options = {**client.connection_pool.connection_kwargs, "socket_timeout": LONGEST_WAIT_SECONDS + 2, "retry": Retry(NoBackoff(), 1)}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=client.connection_pool.connection_class, **options))


def wait_for_call(agent_id: int, seconds: float) -> None:
    """Return when the agent is called, or after `seconds` (at most LONGEST_WAIT_SECONDS; a moment where there is no Valkey)."""
    client = _patient_client()
    if client is not None:
        try:
            client.blpop([_place(agent_id)], timeout=max(0.05, min(seconds, LONGEST_WAIT_SECONDS)))
        except redis.RedisError as error:
            log.warning("no call for a print agent: %s", error)
        else:
            return
    time.sleep(min(seconds, LOOK_SECONDS))
