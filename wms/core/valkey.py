"""The broker as a key-value store, where it is Valkey: flags and counters that may be lost at any time."""

from functools import lru_cache

import redis
from django.conf import settings

_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


@lru_cache(maxsize=1)
def client() -> redis.Redis | None:
    """None where another broker is used."""
    url = settings.BROKER_URL
    if url.startswith("redis+socket://"):
        return redis.Redis(unix_socket_path=url.removeprefix("redis+socket://").split("?")[0], **_TIMEOUTS)
    if url.startswith(("redis://", "rediss://")):
        return redis.Redis.from_url(url, **_TIMEOUTS)
    return None
