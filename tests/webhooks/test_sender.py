"""Where a stranger's address may lead us, and where not."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.webhooks.receiver import Receiver
from webhooks import sender

PUBLIC = "93.184.215.14"
# Three seconds and more of dripping, less than a single read or write may take: whoever waits until then hears that the other side hung up.
PARTS = 60


@pytest.fixture
def names(monkeypatch):
    """What names mean, in place of the resolver: {host: [address, ...]}."""
    known: dict[str, list[str]] = {}

    def look_up(host, port, *_args, **_how):
        found = known.get(host)
        if found is None:
            try:
                found = [str(socket.inet_ntop(socket.AF_INET6 if ":" in host else socket.AF_INET, packed(host)))]
            except OSError:
                raise socket.gaierror(host) from None
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(sender.socket, "getaddrinfo", look_up)
    return known


def packed(host):
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks", "ftp://shop.example/", "https://", "https:///x", "https://user:password@shop.example/", "shop.example",
        "https://shop.example/#part", "https://shop.example:99999/", "https://shop.example:0/", "https://shöp.example/", "https://shop example/",
        "https://nowhere.example/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_an_address_of_another_form_is_refused(names, url):
    names["shop.example"] = [PUBLIC]
    with pytest.raises(sender.AddressRefused):
        sender.resolve(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_also_behind_a_name_and_as_one_of_several(names, settings, address):
    settings.WEBHOOKS_TO_LOOPBACK = False
    names["sly.example"], names["mixed.example"] = [address], [PUBLIC, address]
    for host in (f"[{address}]" if ":" in address else address, "sly.example", "mixed.example"):
        with pytest.raises(sender.AddressRefused):
            sender.resolve(f"https://{host}/hooks")


def test_a_public_address_is_where_the_connection_goes(names):
    names["shop.example"] = [PUBLIC]
    assert sender.resolve("https://shop.example/hooks?x=1") == PUBLIC
    assert sender.resolve("https://shop.example:8443/hooks") == PUBLIC
    assert sender.resolve("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/") == "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


def test_the_setting_lets_loopback_in_and_nothing_else(names, settings):
    settings.WEBHOOKS_TO_LOOPBACK = True
    assert sender.resolve("http://127.0.0.1:8000/hooks") == "127.0.0.1"
    names["shop.example"] = [PUBLIC]
    for url in ("http://shop.example/", "https://10.0.0.1/", "https://169.254.169.254/"):
        with pytest.raises(sender.AddressRefused):
            sender.resolve(url)


def test_a_name_that_means_another_address_a_moment_later_gains_nothing(names, settings, receiver, monkeypatch):
    """The connection goes to what was looked at, with the name in Host."""
    asked = []
    names["shop.example"] = ["127.0.0.1"]
    looking = sender.socket.getaddrinfo

    def once(host, port, *args, **how):
        asked.append(host)
        return looking(host, port, *args, **how)

    monkeypatch.setattr(sender.socket, "getaddrinfo", once)
    answer = sender.post(f"http://shop.example:{receiver.port}/hooks", body=b"{}", headers={})
    assert (answer.status_code, receiver.heard[0].headers["host"]) == (204, f"shop.example:{receiver.port}")
    assert [host for host in asked if host == "shop.example"] == ["shop.example"]


def test_what_is_refused_is_an_answer_without_a_status(names):
    names["inside.example"] = ["10.0.0.1"]
    answer = sender.post("https://inside.example/", body=b"{}", headers={})
    assert (answer.ok, answer.status_code, answer.error) == (False, None, "inside.example is not a public address.")


def test_the_certificate_is_that_of_the_name(names, settings, tmp_path):
    """TLS to the address is checked against the name, which a self-signed certificate cannot pass."""
    import ssl
    import threading
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    settings.WEBHOOKS_TO_LOOPBACK = True
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False).sign(
        key, hashes.SHA256()
    )
    path = tmp_path / "both.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    asked = []
    context.sni_callback = lambda _socket, host, _context: asked.append(host)
    names["shop.example"] = ["127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            peer, _address = server.accept()
            try:
                context.wrap_socket(peer, server_side=True)
            except OSError:
                peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        answer = sender.post(f"https://shop.example:{server.getsockname()[1]}/", body=b"{}", headers={})
        thread.join(5)
    assert answer.status_code is None
    assert "CERTIFICATE_VERIFY_FAILED" in answer.error
    assert asked == ["shop.example"]


class Dripping:
    """A server that takes what it is sent and then does `how` with the connection, a part every 50 ms, for as long as somebody listens."""

    def __init__(self, how):
        self.how, self.parts = how, 0

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/hooks"

    def __exit__(self, *_error):
        self._socket.close()

    def _serve(self):
        connection, _address = self._socket.accept()
        with connection:
            try:
                for part in islice(self.how(connection), PARTS):
                    connection.sendall(part)
                    self.parts += 1
                    time.sleep(0.05)
            except OSError:
                return


def head_byte_by_byte(connection):
    connection.recv(65536)
    yield b"HTTP/1.1 200 OK\r\nX: "
    while True:
        yield b"x"


def never_ending_interim_answers(connection):
    connection.recv(65536)
    while True:
        yield b"HTTP/1.1 102 Processing\r\n\r\n"


def body_byte_by_byte(connection):
    connection.recv(65536)
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    while True:
        yield b"x"


def reads_byte_by_byte(connection):
    while connection.recv(1):
        time.sleep(0.05)
        yield b""


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (head_byte_by_byte, "no answer in time (ReadTimeout)"),
        (never_ending_interim_answers, "no answer in time (ReadTimeout)"),
        (reads_byte_by_byte, "no answer in time (WriteTimeout)"),
    ],
)
def test_whoever_drips_is_hung_up_on(settings, monkeypatch, how, error):
    settings.WEBHOOKS_TO_LOOPBACK = True
    body = b"x" * (20_000_000 if how is reads_byte_by_byte else 2)
    # The limit of a single read alone would let it go on: each part comes well within it.
    monkeypatch.setattr(sender, "TOTAL_S", 1.0)
    with Dripping(how) as url:
        answer = sender.post(url, body=body, headers={})
    assert (answer.status_code, answer.error) == (None, error)


def test_a_body_that_drips_is_not_waited_for(settings):
    """The status is the whole answer."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    with Dripping(body_byte_by_byte) as url:
        answer = sender.post(url, body=b"{}", headers={})
    assert (answer.status_code, answer.ok) == (200, True)


def test_headers_without_end_are_no_answer(settings):
    settings.WEBHOOKS_TO_LOOPBACK = True

    def flood(connection):
        connection.recv(65536)
        yield b"HTTP/1.1 200 OK\r\n"
        for _part in range(100):
            yield b"X: " + b"x" * 1_000_000 + b"\r\n"

    with Dripping(flood) as url:
        answer = sender.post(url, body=b"{}", headers={})
    assert (answer.status_code, answer.ok) == (None, False)
    assert answer.took_ms < 2_000


@pytest.fixture
def secure(tmp_path):
    """A TLS server for the name shop.example: its port, and the file of its own certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "shop.pem"
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(plain + made.public_bytes(serialization.Encoding.PEM))
    server = Receiver()
    with server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        yield server, file


def test_over_tls_the_certificate_is_the_names_and_not_the_addresses(secure, settings, monkeypatch):
    settings.WEBHOOKS_TO_LOOPBACK = True
    server, file = secure
    monkeypatch.setattr(sender.socket, "getaddrinfo", lambda host, port, *_a, **_how: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
    url = f"https://shop.example:{server.port}/hooks?x=1"
    stranger = sender.post(url, body=b"{}", headers={})
    assert (stranger.status_code, "certificate verify failed" in stranger.error) == (None, True)
    monkeypatch.setattr(sender, "_trusted", lambda: ssl.create_default_context(cafile=str(file)))
    assert sender.post(url, body=b"{}", headers={"webhook-id": "msg_1"}).status_code == 204
    heard = server.heard[0]
    assert (heard.path, heard.body, heard.headers["host"]) == ("/hooks?x=1", b"{}", f"shop.example:{server.port}")
    assert heard.headers["webhook-id"] == "msg_1"
    other = sender.post(url.replace("shop.example", "other.example"), body=b"{}", headers={})
    assert (other.status_code, "Hostname mismatch" in other.error) == (None, True)
    assert len(server.heard) == 1
