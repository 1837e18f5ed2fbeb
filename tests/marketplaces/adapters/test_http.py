"""What all adapters share about HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from marketplaces.adapters import _http
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, NotOnChannel


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
