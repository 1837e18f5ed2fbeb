"""A web process of its own thread, with an application that tells what it got, and a client that sends bytes as they are."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from wms.web.processes import Application, Server

SECONDS = 10.0
Head = Callable[..., Any]


@dataclass
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The error's code; asserts that it is one of ours."""
        assert self.headers["content-type"] == "application/json"
        content = json.loads(self.body)
        assert set(content) == {"code", "message", "details"}
        assert content["message"]
        code: str = content["code"]
        return code


@dataclass
class App:
    """Echoes what it was sent. `held` keeps its threads until it is set, `taken` counts the requests that reached it."""

    taken: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    working: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, environ: dict[str, Any], start_response: Head) -> Iterable[bytes]:
        self.taken += 1
        path = environ["PATH_INFO"]
        if path == "/held":
            self.working.release()
            self.held.wait(SECONDS)
        if path == "/broken":
            raise RuntimeError("boom")
        if path == "/rows":
            start_response("200 OK", [("Content-Type", "application/x-ndjson")])
            return (b'{"sku": "S-%d"}\n' % number for number in range(10_000))
        if path == "/much":
            start_response("200 OK", [("Content-Type", "application/octet-stream")])
            return self._much()
        if path == "/torn":
            start_response("200 OK", [("Content-Type", "application/x-ndjson")])
            return _torn()
        if path in ("/204", "/304"):
            start_response(f"{path[1:]} Nothing", [])
            return []
        body = environ["wsgi.input"].read()
        proxy = environ.get("HTTP_X_FORWARDED_FOR", "")
        content = f"{environ['REQUEST_METHOD']} {path} {len(body)} {environ.get('CONTENT_LENGTH', '')} {proxy}".encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
        return [content]

    def _much(self) -> Iterator[bytes]:
        """More than a connection and its buffers hold. `working` is released when nobody wants it any more."""
        try:
            for _piece in range(64):
                yield b"x" * 1024 * 1024
        finally:
            self.working.release()


def _torn() -> Iterator[bytes]:
    yield b'{"sku": "S-1"}\n'
    raise RuntimeError("boom")


@contextmanager
def serving(application: Application) -> Iterator[tuple[Server, int]]:
    """The server and its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    server = Server(application, listener, kept=memoryview(bytearray(4)).cast("I"), place=0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server, port
    finally:
        server.stop()
        thread.join(SECONDS * 2)
        listener.close()
        assert not thread.is_alive()


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def hear(self, *, head_only: bool = False) -> Told:
        line = self.file.readline()
        assert line.startswith(b"HTTP/1."), line
        headers: dict[str, str] = {}
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, value = field.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        if head_only:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self._chunk, b""))
        elif line.split()[1] in (b"204", b"304"):
            body = b""
        else:
            body = self.file.read(int(headers["content-length"]))
        return Told(int(line.split()[1]), headers, body)

    def _chunk(self) -> bytes:
        size = int(self.file.readline(), 16)
        content = self.file.read(size)
        self.file.readline()
        return content

    def ask(self, *parts: bytes) -> Told:
        self.send(*parts)
        return self.hear()

    def closed(self) -> bool:
        """The server has nothing more to say."""
        return self.file.read(1) == b""
