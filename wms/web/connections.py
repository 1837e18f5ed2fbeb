"""What lies between a socket and the application: waitress, which has a whole request before a thread is asked, with our refusals.

Its main loop reads all connections of a process. A client that sends slowly, or never ends, keeps a connection and no thread.
"""

from __future__ import annotations

import socket
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest

from wms.core.api import errors
from wms.core.json_text import as_json

if TYPE_CHECKING:
    from wms.web.processes import Server

ADDRESS_BYTES = 64 * 1024
HEADERS = 100
HEAD_BYTES = 96 * 1024
# The largest file that a page takes. What the API takes is smaller, and its own affair.
BODY_BYTES = 64 * 1024 * 1024
CHUNK_HEAD_BYTES = 4096
LINGER_SECONDS = 10.0


class Request(HTTPRequestParser):
    """Reads one request. `refused` is the status of one that is refused, where it is another than waitress's own."""

    refused: int | None = None
    command: str  # type: ignore[assignment]  # the stubs have bytes
    path: str

    def received(self, data: bytes) -> int:
        head = b"" if self.headers_finished else self.header_plus + data[:ADDRESS_BYTES]
        taken = super().received(data)
        if isinstance(self.body_rcv, ChunkedReceiver) and len(self.body_rcv.control_line + self.body_rcv.trailer) > CHUNK_HEAD_BYTES:
            self.error, self.completed = BadRequest("A chunk has too long a head."), True
        if self.error is not None:
            # Nobody is asked to go on sending what will not be taken.
            self.expect_continue = False
            if self.error.code == 431 and b"\r\n" not in head[:ADDRESS_BYTES]:
                self.refused = 414
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        line, _, rest = header_plus.partition(b"\r\n")
        if len(line) > ADDRESS_BYTES:
            self.refused = 414
            raise ParsingError("The address is too long.")
        if rest.count(b"\r\n") > HEADERS:
            self.refused = 431
            raise ParsingError("There are too many headers.")
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # A length of thousands of digits, half an IPv6 address: what int() and urlsplit() make of them.
            raise ParsingError(str(error)) from None
        if self.path and not self.path.startswith("/"):  # CONNECT, OPTIONS *, PRI *
            raise ParsingError("The address is not a path.")
        if "," in self.headers.get("HOST", ""):  # as waitress joins what was said twice
            raise ParsingError("There are two hosts.")


class Answer(WSGITask):
    """The application's answer."""

    channel: Connection
    request: Request  # type: ignore[assignment]  # the stubs take it for an error

    def write(self, data: bytes) -> None:
        if not self.wrote_header and self.channel.server.stopping:
            self.set_close_on_finish()
        if self.request.command != "HEAD":
            super().write(data)
            return
        super().write(b"")
        self.chunked_response = False

    def build_response_header(self) -> bytes:
        """As waitress has it, which hangs up after every answer that says no length; one in chunks, or without a body, shows its end by itself."""
        stays = self.version == "1.1" and not self.close_on_finish and self.request.headers.get("CONNECTION", "").lower() != "close"
        head: bytes = super().build_response_header()
        if not stays:
            return head
        self.close_on_finish = False
        return head.replace(b"\r\nConnection: close\r\n", b"\r\n", 1)

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        if self.request.command == "HEAD":
            del environ["wsgi.file_wrapper"]
        return environ


class Refusal(ErrorTask):
    """The answer to what never became a request, and to one whose application raised something. JSON, as every error."""

    channel: Connection
    request: Request  # type: ignore[assignment]  # as above

    def execute(self) -> None:
        assert self.request.error is not None
        status = self.request.refused or self.request.error.code
        # Not in the language of whoever this thread served before.
        with translation.override(settings.LANGUAGE_CODE):
            body = as_json(errors.plain_body(status))
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers = [("Content-Type", errors.JSON)]
        self.content_length = len(body)
        self.set_close_on_finish()
        self.channel.lingers = True
        self.write(body)


class Connection(HTTPChannel):
    """A client's connection. After a refusal it stays open for reading: a client that is still sending would not hear it else."""

    parser_class = Request
    task_class = Answer
    error_task_class = Refusal
    server: Server
    lingers = False
    closes_at: float | None = None

    def busy(self) -> bool:
        """A request is under way."""
        return self.connected and self.closes_at is None and bool(self.requests or self.request or self.total_outbufs_len)

    def readable(self) -> bool:
        return self.closes_at is not None or super().readable()

    def handle_read(self) -> None:
        if self.closes_at is None:
            super().handle_read()
        elif self.recv(self.adj.recv_bytes) and time.monotonic() > self.closes_at:
            self.handle_close()

    def handle_close(self) -> None:
        if not self.lingers or self.closes_at is not None or not self.connected or self.total_outbufs_len:
            super().handle_close()
            return
        self.closes_at = time.monotonic() + LINGER_SECONDS
        self.will_close = False
        try:
            assert self.socket is not None
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            super().handle_close()
