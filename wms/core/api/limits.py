"""How many requests a key may send: a token bucket in Valkey.

While the bucket is more than half full a process fetches a handful of tokens at once and spends them within a second: a busy key costs
a round trip every few requests. Nearer to the limit each request asks, so that the limit is exact where it matters.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from wms.core import valkey

log = logging.getLogger(__name__)

# KEYS: the bucket. ARGV: tokens a second, size, most tokens at once. Answers {tokens taken, milliseconds until the next one, whole tokens left}.
_TAKE = """
local rate, size, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1] or size)
local at = tonumber(bucket[2] or now)
tokens = math.min(size, tokens + math.max(0, now - at) * rate)
local taken, wait = 0, 0
if tokens >= size / 2 + most then taken = most elseif tokens >= 1 then taken = 1 else wait = math.ceil((1 - tokens) / rate * 1000) end
tokens = tokens - taken
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(size / rate * 1000) + 1000)
return {taken, wait, math.floor(tokens)}
"""
_AT_ONCE = 10
_KEPT_SECONDS = 1.0
_MOST_KEYS = 5_000
# Tokens in hand, by key: (how many, good until, left in the bucket). Two threads may spend one token twice: a limit is no ledger.
_in_hand: dict[str, tuple[int, float, int]] = {}
# While Valkey is down nobody waits for it at every request.
_LOOK_AGAIN_SECONDS = 2.0
_down_until = 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """What a key has left: requests, and the seconds to wait where it has none."""

    left: int
    wait_s: int = 0


def headers_of(budget: Budget) -> dict[str, str]:
    """The two fields of draft-ietf-httpapi-ratelimit-headers-10, "RateLimit header fields for HTTP".

    Policy: `q` requests in a window of `w` seconds, which is the time in which an empty bucket fills. Limit: `r` requests are left, and in
    `t` seconds there are all of them again. Most clients still know the three fields by which the draft said so up to -06.
    """
    size, rate = settings.API_RATE_BURST, settings.API_RATE_PER_SECOND
    full_s = math.ceil((size - budget.left) / rate)
    return {
        "RateLimit-Policy": f'"key";q={int(size)};w={max(1, math.ceil(size / rate))}',
        "RateLimit": f'"key";r={budget.left};t={full_s}',
        "RateLimit-Limit": str(int(size)),
        "RateLimit-Remaining": str(budget.left),
        "RateLimit-Reset": str(full_s),
    }


def note(request: HttpRequest, budget: Budget) -> None:
    """Remember what the answer to this request has to say."""
    request.META["wms.budget"] = budget


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Every answer to a known key says how much it may still ask."""
    budget = request.META.get("wms.budget")
    if budget is not None:
        for name, value in headers_of(budget).items():
            response.headers[name] = value


def take(key: str) -> Budget:
    """Take one token from the bucket of a key (its digest), and say what is left; `wait_s` is above 0 where there was none to take.

    Without Valkey there is no limit: orders matter more.
    """
    global _down_until  # noqa: PLW0603 - what this process knows of the broker
    now = time.monotonic()
    left, until, in_bucket = _in_hand.get(key, (0, 0.0, 0))
    if left and now < until:
        _in_hand[key] = (left - 1, until, in_bucket)
        return Budget(left - 1 + in_bucket)
    client = valkey.client()
    if client is None or now < _down_until:
        return Budget(int(settings.API_RATE_BURST))
    try:
        script = client.register_script(_TAKE)
        taken, wait_ms, in_bucket = script(keys=[f"wms:rate:{key}"], args=[settings.API_RATE_PER_SECOND, settings.API_RATE_BURST, _AT_ONCE])
    except redis.RedisError as error:
        _down_until = time.monotonic() + _LOOK_AGAIN_SECONDS
        log.warning("no rate limit: %s", error)
        return Budget(int(settings.API_RATE_BURST))
    if taken > 1:
        if len(_in_hand) >= _MOST_KEYS:
            _in_hand.clear()
        _in_hand[key] = (taken - 1, now + _KEPT_SECONDS, in_bucket)
    if wait_ms:
        return Budget(0, max(1, math.ceil(wait_ms / 1000)))
    return Budget(taken - 1 + in_bucket)
