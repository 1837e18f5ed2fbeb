"""What all adapters share about HTTP."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from marketplaces.adapters import _http
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, NotOnChannel, within


def response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), (" 12 ", 12.0), ("0", 0.0), ("999999", 3600.0), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("²", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert _http.retry_after_s(httpx.Response(429, headers=[(b"Retry-After", value.encode("latin-1"))])) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = _http.retry_after_s(response(503, Retry_After=later))
    assert seconds is not None
    assert 85 < seconds <= 90
    assert _http.retry_after_s(response(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) == 0.0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, ChannelRefused),
        (400, ChannelRefused),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, NotOnChannel),
        (408, ChannelUnavailable),
        (410, NotOnChannel),
        (413, ChannelRefused),
        (429, ChannelThrottled),
        (500, ChannelUnavailable),
        (503, ChannelUnavailable),
        (599, ChannelUnavailable),
    ],
)
def test_each_status_has_its_error(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        _http.raise_for_answer(response(status), code="", reason="no")
    assert type(caught.value) is error


def test_a_good_answer_is_no_error() -> None:
    _http.raise_for_answer(response(200), code="", reason="")


def test_one_process_has_one_client_that_keeps_no_cookies() -> None:
    client = _http.shared_client()
    assert _http.shared_client() is client
    assert not client.follow_redirects
    answer = httpx.Response(200, headers={"Set-Cookie": "session=1; Path=/"}, request=httpx.Request("GET", "http://127.0.0.1/"))
    client.cookies.extract_cookies(answer)
    assert not list(client.cookies.jar)


def test_a_forked_worker_makes_its_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = _http.shared_client()
    monkeypatch.setattr("marketplaces.adapters._http.os.getpid", lambda: -1)
    childs = _http.shared_client()
    assert childs is not parents
    assert not parents.is_closed, "the parent's connections are not the child's to close"
    monkeypatch.undo()
    assert _http.shared_client() is not childs
    childs.close()


@pytest.mark.parametrize(
    ("headers", "left", "most", "wait_s"),
    [
        ({"RateLimit_Limit": "100", "RateLimit_Remaining": "0", "RateLimit_Reset": "30"}, 0, 100, 30),
        ({"RateLimit_Limit": "100, 100;w=60", "RateLimit_Remaining": "40", "RateLimit_Reset": "30"}, 40, 100, 0),
        ({"RateLimit": "limit=10, remaining=0, reset=5"}, 0, 10, 5),
        ({"RateLimit": '"default";r=0;t=7'}, 0, 1, 7),
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "in-a-minute"}, 0, 10, 60),
    ],
)
def test_what_an_answer_says_is_left(headers: dict[str, str], left: float, most: float, wait_s: float) -> None:
    """Nothing comes back before the window opens again, whichever draft of the header it is; some say when, not in how many seconds."""
    moment = str(int(datetime.now(UTC).timestamp()) + 60)
    answer = response(200, **{name: value.replace("in-a-minute", moment) for name, value in headers.items()})
    allowance = _http.allowance_of(answer)
    assert allowance is not None
    assert (allowance.available, allowance.maximum) == (left, most)
    assert allowance.wait_s(1, allowance.at) == pytest.approx(wait_s, abs=1)


@pytest.mark.parametrize("headers", [{}, {"RateLimit_Remaining": "many"}, {"RateLimit_Remaining": "5"}, {"RateLimit": "r=5;t=99999999"}])
def test_what_makes_no_sense_says_nothing(headers: dict[str, str]) -> None:
    assert _http.allowance_of(response(200, **headers)) is None


def _server(answer: Callable[[socket.socket], None]) -> socket.socket:
    """Reads each request and lets `answer` speak."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65536)
                answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listener


def _drip(first: bytes) -> Callable[[socket.socket], None]:
    """For ten seconds; whoever waits for the end of it hears that the shop has hung up."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        for _byte in range(200):
            time.sleep(0.05)
            connection.sendall(b"x")

    return answer


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_shop_that_drips_is_waited_for_once_and_not_at_every_byte(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(_http, "CALL_S", 0.5)
    with _server(_drip(first)) as shop, _http.new_client() as client, pytest.raises(ChannelUnavailable, match="no answer in time"):
        _http.send(client, client.build_request("GET", f"http://127.0.0.1:{shop.getsockname()[1]}/"))


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "LONGEST_ANSWER_BYTES", 1024 * 1024)
    packed = gzip.compress(b" " * 4 * 1024 * 1024)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with (
        _server(lambda connection: connection.sendall(head + packed)) as shop,
        _http.new_client() as client,
        pytest.raises(ChannelUnavailable, match="more than 1 MB"),
    ):
        _http.send(client, client.build_request("GET", f"http://127.0.0.1:{shop.getsockname()[1]}/"))


def test_a_packed_answer_is_unpacked_and_keeps_its_headers() -> None:
    packed = gzip.compress('{"a": "ä"}'.encode())
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nX-Left: 7\r\nContent-Length: %d\r\n\r\n" % len(
        packed
    )
    with _server(lambda connection: connection.sendall(head + packed)) as shop, _http.new_client() as client:
        answer = _http.send(client, client.build_request("GET", f"http://127.0.0.1:{shop.getsockname()[1]}/"))
    assert (answer.status_code, answer.json(), answer.headers["X-Left"]) == (200, {"a": "ä"}, "7")


def test_whoever_hurries_waits_no_longer_than_he_has_left() -> None:
    with (
        _server(_drip(b"")) as shop,
        _http.new_client() as client,
        within(0.3),
        pytest.raises(ChannelUnavailable, match="no answer in time"),
    ):
        _http.send(client, client.build_request("GET", f"http://127.0.0.1:{shop.getsockname()[1]}/"))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9/x", "nobody answers at 127.0.0.1:9"),
        ("http://nowhere.invalid/x", "no server is known by the name nowhere.invalid"),
    ],
)
def test_who_was_asked_is_said_in_words(address: str, said: str) -> None:
    """Where keys are granted that is another server than the shop's; "[Errno -2]" says nothing to people."""
    client = _http.new_client()
    with pytest.raises(ChannelUnavailable) as caught:
        _http.send(client, client.build_request("GET", address))
    assert caught.value.details["reason"] == said
