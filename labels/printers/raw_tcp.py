"""Raw TCP, port 9100 by custom: the bytes, and the end of the connection. For ZPL, and for printers that take PDF directly.

A Zebra printer answers `~HS` (host status) with its paper, ribbon, head and pause: ZPL II Programming Guide, "~HS Host Status Return".
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from labels.printers.errors import NotPrinted, Uncertain, words

CONNECT_SECONDS = 2.0
# A printer whose buffer is full reads on when paper comes out.
SEND_SECONDS = 20.0
# How long the printer may take to close after us; many wait some time.
CLOSE_SECONDS = 1.0
STATUS_SECONDS = 1.0
PORT = 9100


def send(address: str, content: bytes, *, copies: int = 1, asks_status: bool = False, begin: Callable[[], None]) -> None:
    """Connect, call `begin`, and send `content` `copies` times over. Raises NotPrinted before the first byte, Uncertain after it."""
    line = _connect(address)
    with contextlib.closing(line):
        if asks_status:
            _require_ready(line)
        begin()
        try:
            line.settimeout(SEND_SECONDS)
            for _copy in range(copies):
                line.sendall(content)
            line.shutdown(socket.SHUT_WR)
            _wait_for_the_end(line)
        except OSError as error:
            raise Uncertain("gone", words(error)) from error


def status(address: str) -> str:
    """The printer's trouble, "" for none, where it answers ~HS."""
    try:
        with contextlib.closing(_connect(address)) as line:
            _require_ready(line)
    except NotPrinted as error:
        return error.trouble
    return ""


def _connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    try:
        line = socket.create_connection((parts.hostname or "", parts.port or PORT), CONNECT_SECONDS)
    except OSError as error:
        raise NotPrinted("gone", words(error)) from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _wait_for_the_end(line: socket.socket) -> None:
    """A printer that has read all closes too; one that is reset meanwhile raises. One that says nothing has it in its buffer."""
    until = time.monotonic() + CLOSE_SECONDS
    while (left := until - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            if not line.recv(4096):
                return
        except socket.timeout:  # noqa: UP041  (Python 3.9 knows no other name for it)
            return


def _require_ready(line: socket.socket) -> None:
    """Raises NotPrinted with what ~HS says is wrong."""
    try:
        line.settimeout(STATUS_SECONDS)
        line.sendall(b"~HS")
        answer = b""
        while answer.count(b"\x03") < 3:
            part = line.recv(1024)
            if not part:
                raise NotPrinted("gone", "no answer to ~HS")
            answer += part
    except OSError as error:
        raise NotPrinted("gone", words(error)) from error
    trouble = trouble_of(answer)
    if trouble:
        raise NotPrinted(trouble)


def trouble_of(answer: bytes) -> str:
    """Reads the three strings of a ~HS answer, each between STX and ETX; "" for a printer that is ready.

    First string: paper out is its 2nd value, pause its 3rd, buffer full its 6th. Second string: head up is its 3rd value, ribbon out its 4th.
    """
    strings = [part.partition(b"\x02")[2].decode("ascii", "replace").split(",") for part in answer.split(b"\x03")[:2]]
    if len(strings) < 2 or len(strings[0]) < 6 or len(strings[1]) < 4:
        return "stopped"
    if strings[1][2] == "1":
        return "open"
    if strings[0][1] == "1":
        return "out_of_paper"
    if strings[1][3] == "1":
        return "out_of_ribbon"
    if strings[0][2] == "1":
        return "stopped"
    return "busy" if strings[0][5] == "1" else ""
