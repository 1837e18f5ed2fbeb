"""Sends one signed request to an address that somebody outside gave us: only https, only to public addresses, no redirect, no waiting without end.

The name is resolved here, every address that it has is looked at, and the connection goes to one of those: a name that means another
address a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as in_readers_language

from webhooks import reasons
from wms.core.timed_network import TimedNetwork

CONNECT_S, READ_S = 5.0, 10.0
# Of everything together. The time limits of a read and a write begin anew with every byte: a side that drips would hold a worker for hours.
TOTAL_S = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_6TO4, _TEREDO = ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """We do not send there; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`status_code` None: no answer came, `error` says why. `retry_after_s`: the endpoint's own wish."""

    status_code: int | None
    error: str
    took_ms: int
    retry_after_s: float | None = None

    @property
    def ok(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


def check(url: str) -> str:
    """The host of an address that has the right form. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(in_readers_language(reasons.NO_ADDRESS)) from error
    if not parts.hostname or parts.username or parts.password or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(in_readers_language(reasons.NO_ADDRESS))
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.WEBHOOKS_TO_LOOPBACK):
        raise AddressRefused(in_readers_language(reasons.ONLY_HTTPS))
    if port == 0:
        raise AddressRefused(in_readers_language(reasons.NO_ADDRESS))
    return parts.hostname


def resolve(url: str) -> str:
    """The IP address that a call to `url` goes to. Raises AddressRefused where the name has no address, or one that is not public."""
    host, parts = check(url), urlsplit(url)
    try:
        found = socket.getaddrinfo(host, parts.port or (443 if parts.scheme == "https" else 80), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(in_readers_language(reasons.NO_NAME).format(host=host)) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not _allowed(address) or (parts.scheme == "http" and not address.is_loopback):
            raise AddressRefused(in_readers_language(reasons.NOT_PUBLIC).format(host=host))
    return str(addresses[0])


def _allowed(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _allowed(address.ipv4_mapped)
        if address in _NAT64 or address in _6TO4 or address in _TEREDO:
            return False  # another address stands inside
    if address.is_loopback:
        return settings.WEBHOOKS_TO_LOOPBACK
    return address.is_global and not address.is_multicast


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send once. It takes TOTAL_S at the most, however slowly the other side reads and writes. Of the answer only the head is read."""
    began = time.monotonic()

    def answer(status: int | None, error: str, retry_after: float | None = None) -> Answer:
        return Answer(status, error[:300], round((time.monotonic() - began) * 1000), retry_after)

    try:
        address = resolve(url)
    except AddressRefused as error:
        return answer(None, str(error))
    try:
        status, wait = _exchange(url, address, body, headers)
    except httpcore.TimeoutException as error:
        return answer(None, reasons.TOO_LATE.format(what=type(error).__name__))
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        return answer(None, str(error) or type(error).__name__)
    if 200 <= status < 300:
        return answer(status, "")
    seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 8 else None
    return answer(status, f"HTTP {status}", seconds)


def _exchange(url: str, address: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """The answer's status and Retry-After. No proxy, no redirect, no connection that is kept: the pool would go by the address alone."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    target = httpcore.URL(
        scheme=parts.scheme,
        host=address,
        port=parts.port or (443 if secure else 80),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    sent = {"Host": parts.netloc, "User-Agent": "wms", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    timeouts = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": CONNECT_S}
    until = time.monotonic() + TOTAL_S
    network = TimedNetwork(lambda: until - time.monotonic())
    with (
        httpcore.ConnectionPool(ssl_context=_trusted() if secure else None, network_backend=network, max_keepalive_connections=0) as pool,
        pool.stream(
            "POST", target, headers=list(sent.items()), content=body, extensions={"timeout": timeouts, "sni_hostname": parts.hostname or ""}
        ) as response,
    ):
        wait = next((value.decode("latin-1") for name, value in response.headers if name.lower() == b"retry-after"), "")
        return response.status, wait
