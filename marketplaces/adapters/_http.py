"""What all adapters share about HTTP: one pool of connections per process, and answers turned into the port's errors."""

import os
import re
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from marketplaces.port import (
    Allowance,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    NotOnChannel,
    RightsMissing,
    left_s,
    note_answer,
    reasons,
    within,
)
from wms.core.timed_network import TimedNetwork

TIMEOUT = httpx.Timeout(connect=5, read=20, write=20, pool=10)
# Of everything together, which a shop that drips would spin out for ever, and so much of an answer: a page of full orders has a hundredth of it.
CALL_S = 30.0
LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
# A push of many calls ends before anybody else may begin with the same shop, two minutes after it began: what he told would be overwritten by
# older numbers. What is left is told next time.
LONGEST_PUSH_S = 30.0
LONGEST_WAIT_S = 3600.0
# More seconds than any window has: a moment since 1970.
MOMENTS = 1_000_000_000


class Stint:
    """The time that one push may take, from now on."""

    def __init__(self) -> None:
        self._until = time.monotonic() + LONGEST_PUSH_S

    def over(self) -> bool:
        return time.monotonic() > self._until


# What the system calls a fault by, which says nothing to people.
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")

_clients: dict[int, httpx.Client] = {}
_clients_lock = threading.Lock()


def new_client(*, timeout: httpx.Timeout = TIMEOUT, verify: Any = True) -> httpx.Client:
    """Keeps connections open; keeps no cookies, which would be shared between merchants; never follows a redirect with our keys."""
    no_proxy: dict[str, httpx.BaseTransport | None] = {"all://127.0.0.1": None, "all://localhost": None}
    client = httpx.Client(
        timeout=timeout,
        verify=verify,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=60),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": "wms", "Accept": "application/json"},
        mounts=no_proxy,
    )
    # httpx takes proxies out of the environment only for transports that it makes itself, and those have no other way to a network of ours.
    for transport in filter(None, (client._transport, *client._mounts.values())):
        transport._pool._network_backend = TimedNetwork(left_s)  # type: ignore[attr-defined]  # httpcore's own
    return client


def shared_client() -> httpx.Client:
    """The process's client. A forked worker makes its own: sockets must not be shared over a fork."""
    with _clients_lock:
        if (client := _clients.get(os.getpid())) is None:
            _clients.clear()
            client = _clients[os.getpid()] = new_client()
        return client


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3). None where it is absent or nonsense."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(value) if value.isdecimal() else (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


_ITEM = re.compile(r"\b(limit|remaining|reset|r|t)\s*=\s*(\d+)")


def allowance_of(response: httpx.Response) -> Allowance | None:
    """What the answer says is left, out of RateLimit-* or RateLimit (draft-ietf-httpapi-ratelimit-headers-03 to -10); None without.

    A window opens again as a whole. Until then next to nothing is taken to come back: the next answer knows better.
    """
    headers = response.headers
    said = dict(_ITEM.findall(headers.get("RateLimit", "")))
    remaining = said.get("remaining") or said.get("r") or headers.get("RateLimit-Remaining") or headers.get("X-RateLimit-Remaining", "")
    reset = said.get("reset") or said.get("t") or headers.get("RateLimit-Reset") or headers.get("X-RateLimit-Reset", "")
    limit = said.get("limit") or headers.get("RateLimit-Limit", "").split(",")[0] or headers.get("X-RateLimit-Limit", "")
    try:
        left, seconds = float(remaining), float(reset)
        most = max(left, float(limit or remaining), 1.0)
    except ValueError:
        return None
    now = datetime.now(UTC)
    if seconds > MOMENTS:  # some say when, not in how many seconds
        seconds -= now.timestamp()
    if not (0 <= left < MOMENTS and 0 <= seconds <= LONGEST_WAIT_S * 24):
        return None
    return Allowance(left, most, 1.0 / max(seconds, 1.0), now)


def send(client: httpx.Client, request: httpx.Request, *, auth: httpx.Auth | None = None) -> httpx.Response:
    """Send once, with no more patience than whoever waits has left. Raises ChannelUnavailable where no answer came, or one without end."""
    if left_s() == 0:
        raise ChannelUnavailable(reason=reasons.TOO_LATE)
    try:
        with within(CALL_S), closing(client.send(request, auth=auth, stream=True)) as answer:
            note_answer()
            return _whole(answer)
    except httpx.TimeoutException as error:
        raise ChannelUnavailable(reason=reasons.TOO_LATE_AT.format(what=type(error).__name__)) from error
    except httpx.HTTPError as error:
        raise ChannelUnavailable(reason=_what_failed(request, error)) from error
    except UnicodeError as error:  # a name that no name server can be asked for
        raise ChannelUnavailable(reason=reasons.NO_NAME.format(what=repr(request.url.host))) from error


def _what_failed(request: httpx.Request, error: httpx.HTTPError) -> str:
    """For people, and of the server that was asked: where keys are granted that is another one than the shop's."""
    server = request.url.netloc.decode()
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, socket.gaierror):
        return reasons.NO_SERVER.format(what=request.url.host)
    if isinstance(cause, ConnectionRefusedError):
        return reasons.NOBODY.format(what=server)
    return f"{server}: {_NUMBER.sub('', str(error)) or type(error).__name__}"


def _whole(answer: httpx.Response) -> httpx.Response:
    """The answer with its content, unpacked. Raises ChannelUnavailable."""
    content = bytearray()
    for part in answer.iter_bytes():
        content += part
        if len(content) > LONGEST_ANSWER_BYTES:
            raise ChannelUnavailable(reason=reasons.TOO_LONG.format(what=LONGEST_ANSWER_BYTES // 1024 // 1024), answered=True)
    packed = {b"content-encoding", b"content-length", b"transfer-encoding"}
    headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in packed]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(content), request=answer.request)


def with_status(status: int, reason: str) -> str:
    """The reason behind its status; one that is the status in words already stays as it is."""
    return reason if reason.startswith(f"HTTP {status}") else f"HTTP {status}: {reason}"


def object_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that the shop answered. Raises ChannelUnavailable where it is none."""
    try:
        answer = response.json()
    except ValueError as error:
        raise ChannelUnavailable(reason=reasons.NO_JSON, answered=True) from error
    if not isinstance(answer, dict):
        raise ChannelUnavailable(reason=reasons.NO_OBJECT, answered=True)
    return answer


def raise_for_answer(response: httpx.Response, *, code: str, reason: str) -> None:
    """Turn any status other than 2xx into the port's error, with the platform's own `code` and `reason`."""
    status, wait = response.status_code, retry_after_s(response)
    if response.is_success:
        return
    if status == 429:
        raise ChannelThrottled(reason=reason, retry_after=wait, answered=True)
    if status >= 500 or status in {408, 425}:
        raise ChannelUnavailable(reason=with_status(status, reason), retry_after=wait, answered=True, broke_down=status == 500)
    refused = {401: CredentialsRefused, 403: CredentialsRefused, 404: NotOnChannel, 410: NotOnChannel}.get(status, ChannelRefused)
    raise refused(reason=reason, channel_code=code, http_status=status)


@contextmanager
def needing(right: str, *, statuses: Collection[int] = (403,)) -> Iterator[None]:
    """Whoever is refused in here, with one of these statuses, is known there and lacks this right. Raises RightsMissing."""
    try:
        yield
    except CredentialsRefused as error:
        if error.http_status not in statuses:
            raise
        reason = f"{right} ({error.details['reason']})"
        raise RightsMissing(reason=reason, channel_code=error.channel_code, http_status=error.http_status) from error
