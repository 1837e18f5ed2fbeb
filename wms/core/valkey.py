"""The broker as a key-value store, where it is Valkey: flags and counters that may be lost at any time."""

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
