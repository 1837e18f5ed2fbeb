"""Sends one signed request to an address that somebody outside gave us: only https, only to public addresses, no redirect, no waiting without end.

The name is resolved here, every address that it has is looked at, and the connection goes to one of those: a name that means another
address a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

TIMEOUT = httpx.Timeout(connect=5, read=10, write=10, pool=5)
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
        raise AddressRefused(_("This is not an address.")) from error
    if not parts.hostname or parts.username or parts.password or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(_("This is not an address."))
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.WEBHOOKS_TO_LOOPBACK):
        raise AddressRefused(_("Webhooks go to https addresses only."))
    if port == 0:
        raise AddressRefused(_("This is not an address."))
    return parts.hostname


def resolve(url: str) -> str:
    """The IP address that a call to `url` goes to. Raises AddressRefused where the name has no address, or one that is not public."""
    host, parts = check(url), urlsplit(url)
    try:
        found = socket.getaddrinfo(host, parts.port or (443 if parts.scheme == "https" else 80), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(_("The name {host} has no address.").format(host=host)) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not _allowed(address) or (parts.scheme == "http" and not address.is_loopback):
            raise AddressRefused(_("{host} is not a public address.").format(host=host))
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
def _client() -> httpx.Client:
    # No proxy of the environment: it would resolve the name anew. No connection is kept: the pool would go by the address alone.
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send once. What the answer says besides its status is not read."""
    began = time.monotonic()

    def answer(status: int | None, error: str, retry_after: float | None = None) -> Answer:
        return Answer(status, error[:300], round((time.monotonic() - began) * 1000), retry_after)

    try:
        address = resolve(url)
    except AddressRefused as error:
        return answer(None, str(error))
    parts = urlsplit(url)
    host = parts.hostname or ""
    target = httpx.URL(url).copy_with(host=address)
    request = _client().build_request(
        "POST",
        target,
        content=body,
        headers={"Host": parts.netloc, "User-Agent": "wms", "Content-Type": "application/json", **headers},
        extensions={"sni_hostname": host},
    )
    try:
        response = _client().send(request, stream=True)
        response.close()
    except httpx.TimeoutException as error:
        return answer(None, f"no answer in time ({type(error).__name__})")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return answer(None, str(error) or type(error).__name__)
    if response.is_success:
        return answer(response.status_code, "")
    wait = response.headers.get("Retry-After", "")
    seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 8 else None
    return answer(response.status_code, f"HTTP {response.status_code}", seconds)
