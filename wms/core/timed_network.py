"""Connections that know when time is up: every wait on them is cut to what is left."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import httpcore
from httpcore import SOCKET_OPTION

Left = Callable[[], float | None]
T = TypeVar("T")
# The longest record of TLS with its head and seal (RFC 8446, 5.2): more is not waited for at once.
RECORD_BYTES = 5 + (1 << 14) + 256


def _wait(left: Left, most: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    seconds = left()
    if seconds is None:
        return most
    if seconds <= 0:
        raise late("time is up")
    return seconds if most is None else min(seconds, most)


class TimedNetwork(httpcore.NetworkBackend):
    """Opens connections of which every wait ends in `left` seconds, as asked at each of them, at the latest; None: nobody hurries.

    A client's own time-outs begin anew with every byte: whoever sends one now and then would be waited for without end.
    """

    def __init__(self, left: Left) -> None:
        self._left = left
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        wait = _wait(self._left, timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, wait, local_address, socket_options), self._left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, left: Left) -> None:
        self._stream, self._left = stream, left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _wait(self._left, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # As much as goes at once, and then what is left again: the stream's own write would wait anew for every part.
        socket = self._stream.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            while rest:
                socket.settimeout(_wait(self._left, timeout, httpcore.WriteTimeout))
                rest = rest[socket.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if self._stream.get_extra_info("ssl_object") is not None:
            return _TlsWithinTls(self, ssl_context, server_hostname, timeout)
        wait = _wait(self._left, timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, wait), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TlsWithinTls(httpcore.NetworkStream):
    """The server's TLS within that of a proxy. Every part of a record is waited for by the timed stream: httpcore's own waits anew for each."""

    def __init__(self, stream: _Stream, ssl_context: ssl.SSLContext, server_hostname: str | None, timeout: float | None) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = ssl_context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        try:
            self._exchange(self._tls.do_handshake, timeout, httpcore.ConnectError)
        except BaseException:
            self.close()
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._exchange(lambda: self._tls.read(max_bytes), timeout, httpcore.ReadError)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            rest = rest[self._exchange(partial(self._tls.write, rest), timeout, httpcore.WriteError) :]

    def _exchange(self, step: Callable[[], T], timeout: float | None, failed: type[httpcore.NetworkError]) -> T:
        """What the step answers when the other side has said all that it needs."""
        while True:
            try:
                answer = step()
            except ssl.SSLWantReadError:
                self._send(timeout)
                part = self._stream.read(RECORD_BYTES, timeout)
                if part:
                    self._incoming.write(part)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError as error:
                raise failed(str(error)) from error
            else:
                self._send(timeout)
                return answer

    def _send(self, timeout: float | None) -> None:
        if sealed := self._outgoing.read():
            self._stream.write(sealed, timeout)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)
