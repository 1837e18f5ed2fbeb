"""How many requests a key may send: a token bucket in Valkey, one round trip a request."""

from __future__ import annotations

import logging
import math
import time

import redis
from django.conf import settings

from wms.core import valkey
from wms.core.api.errors import TooManyRequests

log = logging.getLogger(__name__)

# KEYS: the bucket. ARGV: tokens a second, size. Answers 0, or the milliseconds until the next token.
_TAKE = """
local rate, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1] or size)
local at = tonumber(bucket[2] or now)
tokens = math.min(size, tokens + math.max(0, now - at) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) / rate * 1000) end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(size / rate * 1000) + 1000)
return wait
"""
# While Valkey is down nobody waits for it at every request.
_LOOK_AGAIN_SECONDS = 2.0
_down_until = 0.0


def take(key: str) -> None:
    """Take one token from the bucket of a key (its digest), or raise TooManyRequests.

    Without Valkey there is no limit: orders matter more.
    """
    global _down_until  # noqa: PLW0603
    client = valkey.client()
    if client is None or time.monotonic() < _down_until:
        return
    try:
        script = client.register_script(_TAKE)
        wait_ms = int(script(keys=[f"wms:rate:{key}"], args=[settings.API_RATE_PER_SECOND, settings.API_RATE_BURST]))
    except redis.RedisError as error:
        _down_until = time.monotonic() + _LOOK_AGAIN_SECONDS
        log.warning("no rate limit: %s", error)
        return
    if wait_ms:
        raise TooManyRequests(retry_after=max(1, math.ceil(wait_ms / 1000)))
