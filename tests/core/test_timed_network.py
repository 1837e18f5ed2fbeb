"""Connections that know when time is up, through a proxy that is itself spoken to in TLS: what is within it is read by the server alone."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
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
    """Serves one connection with `serve`, in TLS."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls, self._listener = tls, socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
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
                connection.sendall(part)
        return True


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


def test_a_proxy_reads_nothing_of_what_goes_through_it(server: Listening, proxy: Proxy, certificate: Path) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    through = httpx.Proxy(f"https://127.0.0.1:{proxy.port}", ssl_context=trusted)
    with httpx.HTTPTransport(verify=trusted, proxy=through) as transport:
        transport._pool._network_backend = TimedNetwork(lambda: 10.0)
        with httpx.Client(transport=transport) as client:
            content = b"x" * 300_000 + b"END"
            answer = client.post(f"https://127.0.0.1:{server.port}/", content=content, headers={"Authorization": SECRET})
    assert (answer.status_code, answer.text) == (200, "OK")
    assert (SECRET.encode() in server.heard, server.heard.endswith(content)) == (True, True)
    assert SECRET.encode() not in proxy.heard
