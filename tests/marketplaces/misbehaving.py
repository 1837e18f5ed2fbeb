"""What the loopback shops of all platforms share: a server, a script of what goes wrong, and the faults that every network knows."""

import json
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any, Self

from django.db import connections

from wms.simulation.shop_server import Answer, send_pieces

# A platform's own call, whose text names it, and what would properly be answered.
Fault = Callable[[Any, Callable[[], Answer]], Answer]


@dataclass
class _Scripted:
    pattern: re.Pattern[str]
    fault: Fault
    left: int


class Misbehaving:
    """`shop.misbehave(name, fault, times)` scripts what goes wrong; `shop.calls` is what came; `shop.check()` raises on any breach."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.breaches: list[str] = []
        self._script: list[_Scripted] = []
        self._script_lock = threading.Lock()

    def misbehave(self, pattern: str, fault: Fault, *, times: int = 1) -> None:
        """Calls whose name matches meet `fault`, `times` times, in the order of the script."""
        self._script.append(_Scripted(re.compile(pattern), fault, times))

    def behave(self) -> None:
        """From now on nothing goes wrong any more."""
        self._script.clear()

    def made(self, pattern: str) -> list[Any]:
        return [call for call in self.calls if re.fullmatch(pattern, str(call))]

    def check(self) -> None:
        assert not self.breaches, "\n".join(sorted(set(self.breaches)))
        unused = [scripted.pattern.pattern for scripted in self._script if scripted.left]
        assert not unused, f"never came to misbehave at {unused}"

    def meet(self, call: Any, proper: Callable[[], Answer]) -> Answer:
        """Remember the call, and answer it properly or as the script says."""
        with self._script_lock:
            self.calls.append(call)
            scripted = next((fault for fault in self._script if fault.left and fault.pattern.fullmatch(str(call))), None)
            if scripted:
                scripted.left -= 1
        if scripted is None:
            return proper()
        try:
            return scripted.fault(call, proper)
        finally:
            connections.close_all()  # a fault may have worked with our database, and this thread lives as long as its client's connection


class LoopbackShop(Misbehaving, ABC):
    """A misbehaving shop with a server of its own. `clock` is the time that its answers' Date tells."""

    def __init__(self, *, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self, clock))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @abstractmethod
    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """One request; `headers` have small names."""

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


def _handler_of(shop: LoopbackShop, clock: Callable[[], datetime] | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 65536

        def _any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = shop.respond(self.command, self.path, headers, content)
            if answer.status == 0:
                self.close_connection = True
                return
            if isinstance(answer.body, Iterator):
                send_pieces(self, answer)
                return
            told = _told(answer.body)
            self.send_response(answer.status)
            kind = "text/html" if isinstance(answer.body, str) else "application/json"
            size = {} if answer.status == 204 else {"Content-Length": str(len(told))}
            for name, value in {"Content-Type": kind, **size, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(clock(), usegmt=True) if clock else super().date_time_string(timestamp)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


def _told(body: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return (body if isinstance(body, str) else json.dumps(body)).encode()


# Faults


def fail(status: int, body: Any = "<html>Something went wrong</html>", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, body, dict(headers or {}))


def where(holds: Callable[[Any], bool], fault: Fault) -> Fault:
    """Only calls of which that holds meet the fault."""
    return lambda call, proper: fault(call, proper) if holds(call) else proper()


def slow(seconds: float) -> Fault:
    """The work is done, the answer comes too late."""
    return _around(after=lambda _answer: time.sleep(seconds))


def hang_up(call: Any, proper: Callable[[], Answer]) -> Answer:
    return Answer(0, None)


def hang_up_after_work(call: Any, proper: Callable[[], Answer]) -> Answer:
    """The work is done, the connection is cut before the answer."""
    proper()
    return Answer(0, None)


def drip(every_s: float = 1.0) -> Fault:
    """The work is done, and the answer comes byte by byte: each time-out that begins anew with every byte is without end."""

    def dripping(content: bytes) -> Iterator[bytes]:
        for byte in content:
            time.sleep(every_s)
            yield bytes([byte])

    return _in_pieces(dripping)


def without_end(call: Any, proper: Callable[[], Answer]) -> Answer:
    """The work is done, and what follows the answer never ends. It would even be good JSON."""
    return _in_pieces(lambda content: chain([content], repeat(b" " * 65536)))(call, proper)


def _in_pieces(cut: Callable[[bytes], Iterator[bytes]]) -> Fault:
    def fault(call: Any, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        return replace(answer, body=cut(_told(answer.body)))

    return fault


def change_answer(change: Callable[[Any], Any]) -> Fault:
    """The work is done; `change` works on the answer's body."""
    return _around(after=lambda answer: change(answer.body))


def before_work(act: Callable[[], Any]) -> Fault:
    """Something happens in the shop between the request and its work."""
    return _around(before=act)


def after_work(act: Callable[[], Any]) -> Fault:
    """Something happens in the shop before the next request."""
    return _around(after=lambda _answer: act())


def _around(*, before: Callable[[], Any] | None = None, after: Callable[[Answer], Any] | None = None) -> Fault:
    def fault(call: Any, proper: Callable[[], Answer]) -> Answer:
        if before:
            before()
        answer = proper()
        if after:
            after(answer)
        return answer

    return fault
