from __future__ import annotations

import contextlib
import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from tests.live import eventually
from tests.web.serving import App, Client, serving
from wms.web import connections, processes

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
K = 1024
PIECES = (
    *(b"GET ", b"POST / HTTP/1.1", b" HTTP/1.1\r\n", b"\r\n", b"\r\n\r\n", b"http://[", b"//", b"?", b"#", b"%zz", b":", b";", b"\x00"),
    *(b"Content-Length: ", b"3", b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"3\r\nabc\r\n", b"0\r\n"),
)


@pytest.fixture
def app():
    app = App()
    yield app
    app.held.set()


@pytest.fixture
def port(app):
    with serving(app) as (_server, port):
        yield port


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad name: 1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400, "bad_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
        (b"CONNECT shop.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "bad_request"),
        (b"GET http://[x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 5000, 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"x" * 5000, 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "not_implemented"),
        (b"GET /" + b"x" * 70 * K + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (b"GET /?" + b"x" * 500 * K + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 100 * K + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: 1\r\n" * 101 + b"\r\n", 431, "headers_too_large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413, "too_large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n", 413, "too_large"),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_is_refused_with_json_and_never_reaches_the_application(app, port, sent, status, code):
    with Client(port) as client:
        told = client.ask(sent)
        assert (told.status, told.error, told.headers["connection"]) == (status, code, "close")
        assert client.closed()
    assert app.taken == 0
    with Client(port) as other:
        assert other.ask(GET).status == 200


@settings(max_examples=500, deadline=None, database=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(PIECES)), max_size=12))
def test_whatever_comes_is_a_request_or_a_refusal(parts):
    request = connections.Request(Adjustments())
    for part in parts:
        rest = part
        while rest and not request.completed:
            rest = rest[request.received(rest) :]
    assert request.error is None or (request.completed and request.error.code in (400, 413, 431, 501))


def test_a_client_that_goes_on_sending_hears_the_refusal(app, port):
    with Client(port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 80000000\r\n\r\n")
        for _ in range(80):
            client.send(b"x" * 1_000_000)
        assert (told := client.hear()).status == 413
        assert told.error == "too_large"
    assert app.taken == 0


def test_a_refused_client_that_never_ends_is_hung_up_on(app, port, monkeypatch):
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.3)
    with Client(port) as client:
        assert client.ask(b"nonsense\r\n\r\n").status == 400
        with pytest.raises(ConnectionError):
            for _byte in range(600):
                client.send(b"x")
                time.sleep(0.05)


def test_an_application_that_raises_is_json_too(app, port, caplog):
    with Client(port) as client:
        told = client.ask(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (told.status, told.error) == (500, "server_error")
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["boom"]


def test_thirty_unfinished_requests_hold_no_thread(app, port):
    unfinished = [Client(port) for _ in range(30)]
    for number, client in enumerate(unfinished):
        body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"
        chunk = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx"
        client.send((body, chunk, b"GET / HT")[number % 3])
    with Client(port) as client:
        assert client.ask(GET).status == 200
    assert app.taken == 1
    # None of them was forgotten either.
    assert unfinished[0].ask(b"x" * 999).body == b"POST / 1000 1000 "
    for client in unfinished:
        client.__exit__()


def test_a_client_that_stops_sending_is_hung_up_on(app, monkeypatch):
    monkeypatch.setattr(processes, "IDLE_SECONDS", 1)
    with serving(app) as (_server, port), Client(port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
        assert client.closed()
    assert app.taken == 0


def test_with_all_places_taken_the_one_that_is_silent_for_longest_goes(app, monkeypatch):
    monkeypatch.setattr(processes, "CONNECTIONS", 20)
    with serving(app) as (server, port):
        unfinished = [Client(port) for _ in range(40)]
        for client in unfinished:
            with contextlib.suppress(ConnectionError):
                client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        with Client(port) as client:
            assert client.ask(GET).status == 200
            assert len(server.active_channels) == 20
            assert client.ask(GET).status == 200
        for client in unfinished:
            client.__exit__()


def test_clients_that_wait_for_nothing_keep_their_connection_and_others_are_served(app, port):
    idle = [Client(port) for _ in range(200)]
    assert [client.ask(GET).status for client in idle] == [200] * 200
    with Client(port) as client:
        assert client.ask(GET).status == 200
    assert [client.ask(GET).status for client in idle] == [200] * 200
    for client in idle:
        client.__exit__()


def test_requests_may_follow_each_other_before_their_answers(app, port):
    with Client(port) as client:
        client.send(GET, b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"\r\n", GET)
        assert [client.hear().body for _ in range(3)] == [b"GET / 0  ", b"POST /b 3 3 ", b"GET / 0  "]


def test_a_chunked_body_has_its_length_when_it_is_there(app, port):
    with Client(port) as client:
        told = client.ask(b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"4\r\ndefg\r\n0\r\n\r\n")
    assert told.body == b"POST /c 7 7 "


def test_a_client_that_asks_first_is_told_to_go_on(app, port):
    with Client(port) as client:
        client.send(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.file.readline() + client.file.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.ask(b"abc").body == b"POST /e 3 3 "


def test_a_head_gets_the_headers_of_its_get_and_the_connection_stays(app, port):
    with Client(port) as client:
        client.send(b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.hear(head_only=True).headers["content-length"] == str(len(b"HEAD /h 0  "))
        client.send(b"HEAD /rows HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.hear(head_only=True).headers["transfer-encoding"] == "chunked"
        assert client.ask(GET).status == 200


def test_many_rows_are_streamed(app, port):
    with Client(port) as client:
        told = client.ask(b"GET /rows HTTP/1.1\r\nHost: x\r\n\r\n")
    assert told.body.count(b"\n") == 10_000


@pytest.mark.parametrize(("path", "status"), [(b"/rows", 200), (b"/204", 204), (b"/304", 304)])
def test_the_connection_stays_after_an_answer_that_says_no_length(app, port, path, status):
    with Client(port) as client:
        told = client.ask(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (told.status, "connection" in told.headers) == (status, False)
        assert client.ask(GET).status == 200
        told = client.ask(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (told.status, told.headers["connection"]) == (status, "close")
        assert client.closed()


def test_rows_that_break_off_have_no_end_and_the_connection_is_closed(app, port):
    with Client(port) as client:
        client.send(b"GET /torn HTTP/1.1\r\nHost: x\r\n\r\n", GET)
        assert client.file.read().endswith(b'\r\n{"sku": "S-1"}\n\r\n')


def test_what_a_proxy_says_reaches_the_application_and_no_header_can_pretend_to_be_another(app, port):
    with Client(port) as client:
        told = client.ask(b"GET /p HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.9\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n")
    assert told.body == b"GET /p 0  10.0.0.9"


def test_clients_that_leave_in_the_middle_leave_nothing_behind(app):
    with serving(app) as (server, port):
        for sent in (b"", b"GET", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx", GET, b"nonsense\r\n\r\n"):
            client = Client(port)
            client.send(sent)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.__exit__()
        with Client(port) as client:
            client.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.working.acquire(timeout=5)
        app.held.set()
        with Client(port) as client:
            assert client.ask(GET).status == 200
        assert eventually(lambda: not server.active_channels, 5)


def test_who_does_not_read_the_answer_keeps_no_thread(app):
    with serving(app) as (server, port), Client(port) as client:
        client.send(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not app.working.acquire(timeout=1)
        server.maintenance(int(time.time()) + processes.IDLE_SECONDS - 5)
        assert not app.working.acquire(timeout=0.5)
        server.maintenance(int(time.time()) + processes.IDLE_SECONDS + 5)
        assert app.working.acquire(timeout=5)


def test_a_stop_answers_what_was_asked_and_takes_nothing_new(app):
    with serving(app) as (server, port), Client(port) as asking, Client(port) as sending, Client(port) as idle:
        assert idle.ask(GET).status == 200
        sending.send(b"POST /s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        asking.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.working.acquire(timeout=5)
        server.stop()
        assert eventually(lambda: not server.accepting, 5)
        told = sending.ask(b"cde")
        assert (told.body, told.headers["connection"]) == (b"POST /s 5 5 ", "close")
        app.held.set()
        told = asking.hear()
        assert (told.status, told.headers["connection"]) == (200, "close")
