"""Patience on a lossy line, against a real server on loopback that fails as it is told."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from wms.simulation import calls
from wms.simulation.calls import Browser, Connection, Faults, Unanswered, tags
from wms.simulation.handheld import Screen


class Moody(BaseHTTPRequestHandler):
    """Answers with the next of `moods`: a status, or 0 for a lost connection."""

    protocol_version = "HTTP/1.1"
    moods: ClassVar[list[int]] = []
    heard: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.heard.append((self.path, body))
        mood = self.moods.pop(0) if self.moods else 200
        if mood == 0:
            self.close_connection = True
            return
        self.send_response(mood)
        if mood == 303:
            self.send_header("Location", "/there")
            self.send_header("Set-Cookie", "one=1; Path=/")
            self.send_header("Set-Cookie", "two=2; Path=/")
        content = b'<input type="hidden" name="csrfmiddlewaretoken" value="abc">' if self.command == "GET" else b"done"
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Moody.moods, Moody.heard = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_failed_is_sent_again_as_it_was(address: str) -> None:
    faults = Faults()
    Moody.moods = [503, 0, 500, 429]
    reply = Connection(address, faults).send("POST", "/orders", body=b"same")
    assert (reply.status, reply.text) == (200, "done")
    assert Moody.heard == [("/orders", b"same")] * 5
    assert (faults.retries, faults.errors) == (4, [])


def test_a_refusal_is_an_answer(address: str) -> None:
    Moody.moods = [409]
    assert Connection(address, Faults()).send("POST", "/orders").status == 409
    assert len(Moody.heard) == 1


def test_patience_ends(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PATIENCE_S", 0.3)
    Moody.moods = [500] * 100
    with pytest.raises(Unanswered, match="POST /orders: HTTP 500"):
        Connection(address, Faults()).send("POST", "/orders")


def test_a_browser_follows_redirects_and_keeps_cookies_and_the_token(address: str) -> None:
    browser = Browser(address, Faults())
    Moody.moods = [303]
    reply = browser.post("/here", {"a": "1"})
    assert (reply.status, reply.path) == (200, "/there")
    assert browser.cookies == {"one": "1", "two": "2"}
    browser.post("/next", {"b": "ä &"})
    assert Moody.heard[-1] == ("/next", b"csrfmiddlewaretoken=abc&b=%C3%A4+%26")


def test_tags_are_read_by_their_attributes() -> None:
    page = '<tr class="x" data-bin="7" data-code="A&amp;B"><td><p data-other="1">'
    assert tags(page, "data-bin") == [{"class": "x", "data-bin": "7", "data-code": "A&B"}]


def test_a_screen_says_what_it_expects() -> None:
    screen = Screen(
        '<main data-screen="pick-sku" data-expects="sku" data-outcome="error" data-error="wrong_item" data-sku="A&amp;B" data-quantity="3">'
        '<form><input type="hidden" name="csrfmiddlewaretoken" value="t"><input type="hidden" name="scan_id" value="old">'
        '<input type="hidden" name="bin" value="7"><button name="choice" value="9" class="main">M · A&amp;B</button>'
        '<button name="action" value="short" disabled>Short</button><button name="action" value="skip">Skip</button>'
        '<ul class="list"><li class="done"><span>✓ A&amp;B<br><span class="soft">order 1</span></span><b>2</b></li>'
        "<li><span>C</span><b></b></li></ul>"
    )
    assert (screen.name, screen.expects, screen.outcome, screen.error) == ("pick-sku", "sku", "error", "wrong_item")
    assert (screen.data["sku"], screen.number("quantity"), screen.number("missing")) == ("A&B", 3, 0)
    assert screen.hidden == [("bin", "7")]
    assert screen.rows == [("A&B", "2"), ("C", "")]
