"""Connections that know when time is up, through a proxy that is itself spoken to in TLS: what is within it is read by the server alone."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wms.core.timed_network import TimedNetwork

SECRET = "the-shops-key"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, with its key, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = (
        builder.not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "loopback.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class Listening:
    """Serves one connection with `serve`, in TLS. `stop` ends what it is in the middle of."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls, self._listener = tls, socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            raw, _address = self._listener.accept()
            raw.settimeout(10)
            with self._tls.wrap_socket(raw, server_side=True) as connection:
                self.serve(connection)

    def serve(self, connection: ssl.SSLSocket) -> None:
        """The server: hears one request of so many bytes in all, and answers."""
        while not self.heard.endswith(b"END"):
            self.heard += connection.recv(65536)
        connection.sendall(ANSWER)

    def stop(self) -> None:
        self._stopped.set()
        self._listener.close()
        self._thread.join(timeout=10)


class Proxy(Listening):
    """Passes on what comes, to where it is told, and remembers it."""

    def serve(self, connection: ssl.SSLSocket) -> None:
        asked = connection.recv(65536).split()[1].decode()
        host, _colon, port = asked.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError):
                while self._passed_on(connection, onward):
                    pass

    def _passed_on(self, connection: ssl.SSLSocket, onward: socket.socket) -> bool:
        """What one side says next; False when it has gone."""
        for side in [connection] if connection.pending() else select.select([connection, onward], [], [], 10)[0]:
            part = side.recv(65536)
            if not part:
                return False
            if side is connection:
                self.heard += part
                onward.sendall(part)
            else:
                self.answer(connection, part)
        return True

    def answer(self, connection: ssl.SSLSocket, part: bytes) -> None:
        connection.sendall(part)


class DrippingProxy(Proxy):
    """What the server says from when it `drips` comes byte by byte, each within the patience of whoever waits for a byte."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self.drips: Callable[[], bool] = lambda: True
        self.dripping = threading.Event()

    def answer(self, connection: ssl.SSLSocket, part: bytes) -> None:
        if not self.drips():
            super().answer(connection, part)
            return
        for byte in part:
            connection.sendall(bytes([byte]))
            self.dripping.set()
            if self._stopped.wait(0.05):
                return


@pytest.fixture
def server(tls: ssl.SSLContext) -> Iterator[Listening]:
    made = Listening(tls)
    yield made
    made.stop()


@pytest.fixture
def proxy(tls: ssl.SSLContext) -> Iterator[Proxy]:
    made = Proxy(tls)
    yield made
    made.stop()


@pytest.fixture
def dripping(tls: ssl.SSLContext) -> Iterator[DrippingProxy]:
    made = DrippingProxy(tls)
    yield made
    made.stop()


def through(proxy: Proxy, certificate: Path, left: Callable[[], float | None]) -> httpx.Client:
    trusted = ssl.create_default_context(cafile=str(certificate))
    way = httpx.Proxy(f"https://127.0.0.1:{proxy.port}", ssl_context=trusted)
    transport = httpx.HTTPTransport(verify=trusted, proxy=way)
    transport._pool._network_backend = TimedNetwork(left)
    return httpx.Client(transport=transport, timeout=10.0)


def test_a_proxy_reads_nothing_of_what_goes_through_it(server: Listening, proxy: Proxy, certificate: Path) -> None:
    content = b"x" * 300_000 + b"END"
    with through(proxy, certificate, lambda: 10.0) as client:
        answer = client.post(f"https://127.0.0.1:{server.port}/", content=content, headers={"Authorization": SECRET})
    assert (answer.status_code, answer.text) == (200, "OK")
    assert (SECRET.encode() in server.heard, server.heard.endswith(content)) == (True, True)
    assert SECRET.encode() not in proxy.heard


@pytest.mark.parametrize("which", ["handshake", "answer"])
def test_a_proxy_that_drips_is_waited_for_no_longer_than_is_left(
    server: Listening, dripping: DrippingProxy, certificate: Path, which: str
) -> None:
    """From its first drop on half a second is left, and every byte comes within the client's own time-out."""
    until: list[float] = []

    def left() -> float | None:
        if dripping.dripping.is_set() and not until:
            until.append(time.monotonic() + 0.5)
        return max(0.0, until[0] - time.monotonic()) if until else None

    if which == "answer":
        dripping.drips = lambda: server.heard.endswith(b"END")
    with through(dripping, certificate, left) as client, pytest.raises(httpx.TimeoutException):
        client.post(f"https://127.0.0.1:{server.port}/", content=b"END")
    assert server.heard.endswith(b"END") is (which == "answer")


def test_a_server_behind_a_proxy_that_is_not_who_it_says_is_not_spoken_to(server: Listening, proxy: Proxy, certificate: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    with httpx.HTTPTransport(proxy=httpx.Proxy(f"https://127.0.0.1:{proxy.port}", ssl_context=trusted)) as transport:
        transport._pool._network_backend = TimedNetwork(lambda: 10.0)
        with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.post(f"https://127.0.0.1:{server.port}/", content=b"END", headers={"Authorization": SECRET})
    assert server.heard == b""
