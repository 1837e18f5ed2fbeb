"""Printers for tests: real sockets on loopback that keep what they got."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

READY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,6,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
PAPER_OUT = READY.replace(b"030,0,0", b"030,1,0")
HEAD_OPEN = READY.replace(b"000,0,0,0,0,2", b"000,0,1,0,0,2")
RIBBON_OUT = READY.replace(b"000,0,0,0,0,2", b"000,0,0,1,0,2")
PAUSED = READY.replace(b"030,0,0", b"030,0,1")


class Sink:
    """A raw TCP printer: `documents` are the bytes of each connection, `ended_at` when each was whole (time.monotonic).

    `health` answers ~HS; `resets_after`: so many bytes are read, then the line is cut with a reset.
    """

    def __init__(self, port: int = 0) -> None:
        self.documents: list[bytes] = []
        self.ended_at: list[float] = []
        self.health = READY
        self.resets_after: int | None = None
        self._server = socket.create_server(("127.0.0.1", port))
        self.port: int = self._server.getsockname()[1]
        self.address = f"raw://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _peer = self._server.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                self._take(line)

    def _take(self, line: socket.socket) -> None:
        document = b""
        while part := line.recv(65536):
            last = time.monotonic()
            if part == b"~HS" and not document:
                line.sendall(self.health)
                continue
            document += part
            if self.resets_after is not None and len(document) >= self.resets_after:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
        if document:
            self.ended_at.append(last)
            self.documents.append(document)

    def close(self) -> None:
        # A blocked accept ends with the shutdown, not with the close.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@contextlib.contextmanager
def sink(port: int = 0) -> Iterator[Sink]:
    machine = Sink(port)
    try:
        yield machine
    finally:
        machine.close()


def eventually(true: object, seconds: float = 10.0) -> bool:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
