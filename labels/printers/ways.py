"""From an address to the way of sending."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from labels.printers import ipp, local, raw_tcp
from labels.printers.errors import Refused


def deliver(
    address: str, content: bytes, *, format: str, name: str, copies: int = 1, asks_status: bool = False, begin: Callable[[], None]
) -> int | None:
    """Send one document. `begin` is called once, right before the first byte leaves; whatever it raises stops the sending.

    Returns its number where the printer has still to print it and can be asked, see ipp.follow(); else None. Raises NotPrinted, Refused, Uncertain.
    """
    scheme = urlsplit(address).scheme
    if scheme in ("ipp", "ipps"):
        return ipp.send(address, content, format=format, name=name, copies=copies, begin=begin)
    if scheme == "raw":
        raw_tcp.send(address, content, copies=copies, asks_status=asks_status, begin=begin)
    elif scheme == "lp":
        local.send_to_queue(address, content, name=name, copies=copies, raw=format == "zpl", begin=begin)
    elif scheme == "file":
        local.send_to_device(address, content, copies=copies, begin=begin)
    else:
        raise Refused(f"no way to {address}")
    return None


def status(address: str, *, asks_status: bool = False) -> str:
    """The printer's trouble, "" for none or where it cannot be asked. Raises Refused."""
    scheme = urlsplit(address).scheme
    if scheme in ("ipp", "ipps"):
        return ipp.status(address)
    return raw_tcp.status(address) if scheme == "raw" and asks_status else ""
