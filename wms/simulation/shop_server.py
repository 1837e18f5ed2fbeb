"""How calls reach a shop on loopback, and answers go back, over HTTP. Standard library only."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` below the API's base path, `body` the JSON sent (None without), `client` the other end."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    url: str
    client: tuple[str, int] = ("", 0)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Answer:
    """The status 0 hangs up without a word. A `body` that is an iterator of bytes is sent piece by piece, and ends with the connection."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Answering(Protocol):
    """The shop. Calls beside its `base_path` are no calls to its API."""

    secure: bool
    base_path: str

    def answer(self, call: Call) -> Answer: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def handler_of(shop: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 65536

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            scheme = "https" if shop.secure else "http"
            call = Call(
                method=self.command,
                path=parts.path.removeprefix(shop.base_path).strip("/"),
                params=dict(parse_qsl(parts.query, keep_blank_values=True)),
                body=json.loads(raw) if raw else None,
                headers={name.lower(): value for name, value in self.headers.items()},
                url=f"{scheme}://{self.headers.get('Host', '')}{parts.path}",
                client=self.client_address,
            )
            ours = parts.path.startswith(f"{shop.base_path}/")
            self._send(shop.answer(call) if ours else Answer(404, "<html>Not here</html>"))

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def _send(self, answer: Answer) -> None:
            if answer.status == 0:  # hang up without a word
                self.close_connection = True
                return
            if isinstance(answer.body, Iterator):
                send_pieces(self, answer)
                return
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            content = text.encode()
            self.send_response(answer.status)
            kind = "text/html" if isinstance(answer.body, str) else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: thousands of calls come in a simulated day."""

    return Handler


def send_pieces(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Until there is none left, or nobody listens any more."""
    handler.close_connection = True
    handler.send_response(answer.status)
    for name, value in {"Content-Type": "application/json", **answer.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.flush()
    with suppress(OSError):
        for piece in answer.body:
            handler.connection.sendall(piece)
