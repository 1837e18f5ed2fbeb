"""Calls to the warehouse's server, over connections that stay open, repeated with patience as a good client does.

Plain http.client: the callers share two processors with the server that they measure, and a whole day is a hundred thousand calls.
"""

from __future__ import annotations

import html
import http.client
import json
import random
import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

# Servers that were killed are back within this time; what then still fails is an error.
PATIENCE_S = 75.0
LONGEST_PAUSE_S = 3.0
TIMEOUT_S = 60.0
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_ATTRIBUTE = re.compile(r'([a-zA-Z][\w-]*)="([^"]*)"')


@dataclass(slots=True)
class Reply:
    """`path` is where redirects led to."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


class Unanswered(Exception):
    """The server gave no usable answer for the whole of the patience."""


@dataclass(slots=True)
class Faults:
    """What went wrong, from all threads. `errors` are answers that were still wrong after all retries."""

    errors: list[str] = field(default_factory=list)
    retries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def error(self, text: str) -> None:
        with self._lock:
            self.errors.append(text)

    def retried(self) -> None:
        with self._lock:
            self.retries += 1


class Connection:
    """One open connection to the server; for one thread."""

    def __init__(self, base_url: str, faults: Faults) -> None:
        parts = urlsplit(base_url)
        self.secure = parts.scheme == "https"
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port
        self.root = parts.path.rstrip("/")
        self.faults = faults
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """The answer, of any status below 500 but 429; those and lost connections are tried again. Raises Unanswered."""
        until, pause = time.monotonic() + PATIENCE_S, 0.1
        while True:
            wait = None
            try:
                reply = self._once(method, path, body, headers or {})
                if reply.status < 500 and reply.status != 429:
                    return reply
                said = f"HTTP {reply.status}: {_told(reply)}"
                wait = reply.headers.get("retry-after", "")
            except (OSError, http.client.HTTPException) as error:
                self.close()
                said = f"{type(error).__name__}: {error}"
            if time.monotonic() > until:
                raise Unanswered(f"{method} {path}: {said}")
            self.faults.retried()
            time.sleep(min(float(wait), 10.0) if wait and wait.isdecimal() else pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
            self._connection = kind(self.host, self.port, timeout=TIMEOUT_S)
        self._connection.request(method, self.root + path, body=body, headers=dict(headers))
        answer = self._connection.getresponse()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            key = name.lower()
            found[key] = f"{found[key]}\n{value}" if key in found else value
        content = answer.read()
        if answer.will_close:
            self.close()
        return Reply(answer.status, found, content, path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Browser:
    """A person's browser: cookies, the forms' own tokens, redirects followed. For one thread."""

    def __init__(self, base_url: str, faults: Faults) -> None:
        self.line = Connection(base_url, faults)
        self.origin = base_url
        self.cookies: dict[str, str] = {}
        self.token = ""

    def sign_in(self, path: str, fields: Mapping[str, str]) -> Reply:
        """Fill in the form of a sign-in page. Raises Unanswered where that does not let us in."""
        self.get(path)
        reply = self.post(path, fields)
        if "sessionid" not in self.cookies:
            raise Unanswered(f"{path}: {fields.get('username', '')} could not sign in (HTTP {reply.status})")
        return reply

    def get(self, path: str) -> Reply:
        return self._go("GET", path, None)

    def post(self, path: str, fields: Mapping[str, str] | Iterable[tuple[str, str]], **headers: str) -> Reply:
        """Send a form with the token of the last page that had one."""
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
        return self._go("POST", path, urlencode([("csrfmiddlewaretoken", self.token), *pairs]).encode(), **headers)

    def _go(self, method: str, path: str, body: bytes | None, **more: str) -> Reply:
        for _hop in range(5):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **more}
            if body is not None:
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
            reply = self.line.send(method, path, body=body, headers=headers)
            self._keep_cookies(reply)
            if (found := _TOKEN.search(reply.text)) is not None:
                self.token = found[1]
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            parts = urlsplit(reply.headers.get("location", "/"))
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            if reply.status in (301, 302, 303):
                method, body = "GET", None
        raise Unanswered(f"{path}: redirects without end")

    def _keep_cookies(self, reply: Reply) -> None:
        for line in reply.headers.get("set-cookie", "").split("\n"):
            name, mark, value = line.partition(";")[0].strip().partition("=")
            if mark:
                self.cookies[name] = value.strip('"')
        self.cookies = {name: value for name, value in self.cookies.items() if value}


def tags(text: str, attribute: str) -> list[dict[str, str]]:
    """The attributes of every tag that has this one, in the order of the page."""
    return [attributes(found[0]) for found in re.finditer(rf'<[a-zA-Z][^<>]*\s{re.escape(attribute)}(?:="[^"]*")?[^<>]*>', text)]


def attributes(tag: str) -> dict[str, str]:
    return {name: html.unescape(value) if "&" in value else value for name, value in _ATTRIBUTE.findall(tag)}


def _told(reply: Reply) -> str:
    """The beginning of what an answer says, for a message."""
    return re.sub(r"\s+", " ", reply.text)[:200]
