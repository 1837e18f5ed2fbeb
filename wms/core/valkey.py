"""The broker as a key-value store, where it is Valkey: flags and counters that may be lost at any time."""

import os
import threading
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

_TIMEOUT_SECONDS = 0.5


def _options() -> dict[str, Any]:
    # One more try at once: a connection that slept through a restart is dead. Nobody waits for a server that is down.
    return {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS, "retry": Retry(NoBackoff(), 1)}


@lru_cache(maxsize=1)
def client() -> redis.Redis | None:
    """None where another broker is used."""
    url = settings.BROKER_URL
    if url.startswith("redis+socket://"):
        return redis.Redis(unix_socket_path=unquote(urlsplit(url).path), **_options())
    if url.startswith(("redis://", "rediss://")):
        return redis.Redis.from_url(url, **_options())
    return None


class _Own(threading.local):
    """A thread's connection, and for which pool and in which process it was made."""

    connection: Any = None
    made: tuple[object, int] | None = None


_own = _Own()


def execute(store: redis.Redis, *command: str | int) -> Any:
    """One command over a connection of the calling thread's own, without the detours of the client: a third of the time. Raises redis.RedisError."""
    pool = store.connection_pool
    made = (pool, os.getpid())
    if _own.made != made:
        # Not one of the pool's own: it counts what it has made, and never forgets those of threads that have ended.
        _own.connection, _own.made = pool.connection_class(**pool.connection_kwargs), made
    connection = _own.connection

    def once() -> Any:
        connection.send_command(*command)
        return connection.read_response()

    return connection.retry.call_with_retry(once, lambda _error: connection.disconnect())
