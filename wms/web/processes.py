"""`wms web`: the web server. One process loads the application and binds the address; its children serve, each with a few threads."""

from __future__ import annotations

import argparse
import contextlib
import logging
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from wms.web.connections import BODY_BYTES, HEAD_BYTES, Connection
from wms.web.threads import Threads

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Kept = memoryview

PROCESSES = 2
THREADS = 4
BACKLOG = 1024
# Of one process: handhelds keep theirs open. Above that the one that has been silent for longest is closed for each new one.
CONNECTIONS = 1000
IDLE_SECONDS = 120
# So long a process that keeps more connections than another leaves it to take a new one. One with nothing to do is there in a hundredth of that; where
# a thread computes, Python lets the one that looks for connections run after 5 ms. It answers its own meanwhile.
YIELD_SECONDS = 0.01
STOP_SECONDS = 10.0
RESTART_SECONDS = 0.5
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_WATCHED = {*_STOPS, signal.SIGCHLD}


class Server(TcpWSGIServer):
    """Serves one process's share of the connections that come to `listener`, until it is told to stop or its parent is gone.

    `kept`: how many connections each process has, in memory that all of them see; its own number stands at `place`. Handhelds and shops keep
    theirs for hours: all at one process would leave the others, and their cores, with nothing to do.
    """

    channel_class = Connection
    active_channels: dict[int, Connection]  # type: ignore[assignment]  # the stubs know but one
    _map: dict[int, Any]

    def __init__(self, application: Application, listener: socket.socket, kept: Kept, place: int) -> None:
        self.stopping = False
        self._kept, self._place = kept, place
        self._yields_until: float | None = None
        settings = Adjustments(
            sockets=[listener],
            backlog=BACKLOG,
            connection_limit=2 * CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=IDLE_SECONDS // 10,
            max_request_header_size=HEAD_BYTES,
            max_request_body_size=BODY_BYTES,
            recv_bytes=64 * 1024,
            asyncore_use_poll=True,
            log_socket_errors=False,
            ident=None,
            # Which proxies are believed is a setting of the application.
            clear_untrusted_proxy_headers=False,
        )
        bound = (listener.family, listener.type, listener.proto, listener.getsockname())
        threads: Any = Threads(THREADS)  # all that waitress asks of a dispatcher; the stubs name its own
        super().__init__(application, {}, True, listener, dispatcher=threads, adj=settings, sockinfo=bound, bind_socket=False)
        self._count()

    def readable(self) -> bool:
        return bool(super().readable()) and (self._yields_until is None or time.monotonic() >= self._yields_until)

    def handle_accept(self) -> None:
        if self._yields_until is None and self._kept[self._place] > min(self._kept):
            self._yields_until = time.monotonic() + YIELD_SECONDS
            return
        super().handle_accept()
        self._count()
        if len(self.active_channels) > CONNECTIONS:
            # Without a request that is there whole.
            silent = [connection for connection in self.active_channels.values() if not connection.requests]
            min(silent, key=lambda connection: connection.last_activity).handle_close()

    def maintenance(self, now: int) -> None:
        """Every few seconds. Waitress spares whoever has a request: one that does not read its answer would keep a thread for ever."""
        super().maintenance(now)
        for connection in list(self.active_channels.values()):
            unread = connection.total_outbufs_len and connection.last_activity < now - IDLE_SECONDS
            if unread or (connection.closes_at is not None and connection.closes_at < time.monotonic()):
                connection.handle_close()

    def stop(self, *_signal: object) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):  # it has stopped already
            self.pull_trigger()

    def serve(self) -> None:
        parent = os.getppid()
        while not self.stopping and os.getppid() == parent:
            self._turn()
        # Requests that are there, or on their way, are answered. Nothing new is taken.
        self.stopping = True
        self.accepting = False
        self.del_channel()
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and any(connection.busy() for connection in list(self.active_channels.values())):
            self._turn()
        for connection in list(self.active_channels.values()):
            connection.handle_close()
        self.task_dispatcher.shutdown(timeout=1)
        self.close()

    def _turn(self) -> None:
        rest = 1.0 if self._yields_until is None else max(0.0, self._yields_until - time.monotonic())
        over = rest == 0.0
        self.asyncore.loop(timeout=rest, use_poll=True, map=self._map, count=1)
        if over:
            # It has been taken by now, by whichever process.
            self._yields_until = None
        self._count()

    def _count(self) -> None:
        self._kept[self._place] = len(self.active_channels)


def serve(application: Application, listener: socket.socket) -> int:
    """Keep PROCESSES children serving until a signal comes, then let them finish. Returns the exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    kept: Kept = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("I")[:PROCESSES]
    children = {_start(application, listener, kept, place): place for place in range(PROCESSES)}
    while signal.sigwait(_WATCHED) == signal.SIGCHLD:
        for child in _ended(children):
            log.warning("The web process %s ended; another one takes its place.", child)
            time.sleep(RESTART_SECONDS)
            place = children.pop(child)
            children[_start(application, listener, kept, place)] = place
    listener.close()
    for child in children:
        os.kill(child, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS + 2.0
    while children and time.monotonic() < until:
        signal.sigtimedwait({signal.SIGCHLD}, 0.2)
        for child in _ended(children):
            del children[child]
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return 0


def _ended(children: Iterable[int]) -> set[int]:
    return {child for child in children if os.waitpid(child, os.WNOHANG)[0]}


def _start(application: Application, listener: socket.socket, kept: Kept, place: int) -> int:
    """Returns the child's process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        server = Server(application, listener, kept, place)
        for number in _STOPS:
            signal.signal(number, server.stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        server.serve()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        # What the parent would do at its end is not the child's to do.
        os._exit(code)


def _allow_files(count: int) -> None:
    """Let a process have so many files open, connections and the large bodies beside them, or as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="wms web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    _allow_files(2 * CONNECTIONS + 100)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family, backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"wms web: port {options.port} on {options.host} cannot be used ({os.strerror(error.errno or 0)}).")
    # Loaded once: the children share its memory.
    from wms.wsgi import application

    return serve(application, listener)
