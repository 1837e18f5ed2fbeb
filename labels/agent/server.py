"""The agent's side of its API: JSON over one kept HTTPS connection, always outbound."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any, Optional
from urllib.parse import urlsplit

CONNECT_SECONDS = 10.0
WAIT_SECONDS = 10.0
ANSWER_SECONDS = 15.0
PATH = "/api/print-agent/v1/"


class Unreachable(Exception):
    """No answer, or none that makes sense: try again later."""


class Refused(Exception):
    """The server said no: `status` and its error's `code`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


class Server:
    """`url` as people type it into a browser; plain HTTP is for this very PC only, unless `insecure`."""

    def __init__(self, url: str, token: str, *, ca_file: Optional[str] = None, insecure: bool = False) -> None:
        parts = urlsplit(url)
        self._host, self._base = parts.hostname or "", parts.path.rstrip("/")
        self._tls = parts.scheme == "https"
        if not self._host or parts.scheme not in ("http", "https"):
            raise ValueError(f"{url} is no address of a server")
        if not self._tls and not insecure and self._host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("labels hold buyers' addresses: use https, or --insecure on a network of your own")
        self._port = parts.port or (443 if self._tls else 80)
        self._context = ssl.create_default_context(cafile=ca_file) if self._tls else None
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        self._line: Optional[http.client.HTTPConnection] = None

    def claim(self, wait: float = WAIT_SECONDS) -> dict[str, Any]:
        """{"job": {...} or None, "again_after": seconds}. Waits up to `wait` seconds for a job."""
        return self._post("claim", {"wait": wait}, wait + ANSWER_SECONDS)

    def begin(self, job: int, attempt: int) -> None:
        """Raises Refused where the job is somebody else's by now."""
        self._post(f"jobs/{job}/begin", {"attempt": attempt})

    def tell(self, job: int, attempt: int, **result: str) -> None:
        self._post(f"jobs/{job}/result", {"attempt": attempt, **result})

    def _post(self, path: str, body: dict[str, Any], seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        try:
            line = self._line or self._connect()
            self._line = line
            line.sock.settimeout(seconds)
            line.request("POST", f"{self._base}{PATH}{path}", json.dumps(body), self._headers)
            answer = line.getresponse()
            content = answer.read()
            if answer.getheader("Connection", "").lower() == "close":
                self.close()
            found = json.loads(content)
            if not isinstance(found, dict):
                raise ValueError("not an object")
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            self.close()
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"HTTP {answer.status}")
        if answer.status != 200:
            raise Refused(answer.status, str(found.get("code", "")), str(found.get("message", "")))
        return found

    def _connect(self) -> http.client.HTTPConnection:
        line: http.client.HTTPConnection
        if self._context is not None:
            line = http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS, context=self._context)
        else:
            line = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        line.connect()
        return line

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
