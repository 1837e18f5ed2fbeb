"""Connections that know when time is up: every wait on them is cut to what is left."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION

Left = Callable[[], float | None]


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
        if isinstance(self._stream.get_extra_info("ssl_object"), ssl.SSLObject):
            # TLS within that of a proxy. Its socket is the proxy's: what goes there past the stream would be read by the proxy.
            self._stream.write(buffer, _wait(self._left, timeout, httpcore.WriteTimeout))
            return
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
        wait = _wait(self._left, timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, wait), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
