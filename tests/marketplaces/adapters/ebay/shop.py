"""The loopback shop, strict and ill-mannered.

Every request is held against eBay's own contracts, the token against the scopes that they name, every answer that is not a scripted fault
against the contracts too; and the shop fails on purpose by a script.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.marketplaces.adapters.ebay.answers import KEY_ID, Answers, Breach, error
from tests.marketplaces.adapters.ebay.books import Books
from tests.marketplaces.adapters.ebay.contract import Contract, Operation, Request
from wms.simulation.shop import Answer

BASE_PATH = "/a-proxy/ebay"
KEYS: dict[str, Any] = {"client_id": "an-app", "client_secret": "its-secret", "refresh_token": "v^1.1#granted"}
# What the seller can grant (the contracts' authorizationCode flow), and what an application has of itself.
SCOPES = {
    "seller": {
        "https://api.ebay.com/oauth/api_scope/sell.inventory",
        "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
        "https://api.ebay.com/oauth/api_scope/commerce.notification.subscription",
    },
    "application": {"https://api.ebay.com/oauth/api_scope"},
}


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    ids: Mapping[str, str]
    params: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


Fault = Callable[[Call, Callable[[], Answer]], Answer]


@dataclass
class _Scripted:
    pattern: re.Pattern[str]
    fault: Fault
    left: int


class EBayShop:
    """`shop.misbehave(operation, fault, times)` scripts what goes wrong; `shop.calls` is what came; `shop.check()` raises on any breach."""

    def __init__(self, contract: Contract, *, clock: Callable[[], datetime] | None = None) -> None:
        self.contract = contract
        self.clock = clock or (lambda: datetime.now(UTC))
        self.books = Books(self.clock)
        self.answers = Answers(self.books)
        self.keys = dict(KEYS)
        self.tokens: dict[str, str] = {}
        self.expires_in = 7200
        self.calls: list[Call] = []
        self.breaches: list[str] = []
        self._script: list[_Scripted] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.answers.base_url = self.url

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASE_PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def misbehave(self, operation: str, fault: Fault, *, times: int = 1) -> None:
        """Calls of matching operations meet `fault`, `times` times, in the order of the script."""
        self._script.append(_Scripted(re.compile(operation), fault, times))

    def behave(self) -> None:
        """From now on nothing goes wrong any more."""
        self._script.clear()

    def made(self, operation: str) -> list[Call]:
        return [call for call in self.calls if re.fullmatch(operation, call.operation)]

    def check(self) -> None:
        assert not self.breaches, "\n".join(sorted(set(self.breaches)))
        unused = [scripted.pattern.pattern for scripted in self._script if scripted.left]
        assert not unused, f"never came to misbehave at {unused}"

    def message(self, topic: str, data: Any, *, key_id: str = KEY_ID, notification_id: str = "one") -> tuple[dict[str, str], bytes]:
        """What eBay would push: headers and body."""
        moment = self.clock().isoformat()
        notification = {
            "notificationId": notification_id,
            "eventDate": moment,
            "publishDate": moment,
            "publishAttemptCount": 1,
            "data": data,
        }
        metadata = {"topic": topic, "schemaVersion": "1.0", "deprecated": False}
        body = json.dumps({"metadata": metadata, "notification": notification}, separators=(",", ":"), ensure_ascii=False).encode()
        return {"X-EBAY-SIGNATURE": self.signature(body, key_id=key_id)}, body

    def signature(self, body: bytes, *, key_id: str = KEY_ID) -> str:
        signature = base64.b64encode(self.answers.sign(body)).decode()
        parts = {"alg": "ecdsa", "kid": key_id, "signature": signature, "digest": self.answers.digest}
        return base64.b64encode(json.dumps(parts).encode()).decode()

    def answer(self, request: Request) -> Answer:
        operation = self.contract.operation(request)
        ids = {name: unquote(value) for name, value in operation.ids.items()}
        call = Call(operation.name, ids, request.params, request.body, request.headers)
        with self.books.lock:
            self.calls.append(call)
            self.breaches += operation.problems
            scripted = next((fault for fault in self._script if fault.left and fault.pattern.fullmatch(call.operation)), None)
            if scripted:
                scripted.left -= 1

        def proper() -> Answer:
            with self.books.lock:
                return self._work(operation, call, request)

        return scripted.fault(call, proper) if scripted else proper()

    def _work(self, operation: Operation, call: Call, request: Request) -> Answer:
        if operation.problems:
            return error(400, 25709, operation.problems[0], domain="API")
        if operation.name == "token":
            return self._token(request)
        scheme = "IAF" if operation.name.endswith("Cancellation") else "Bearer"
        if scheme == "IAF" and not re.fullmatch(r"EBAY_[A-Z]{2}", request.headers.get("x-ebay-c-marketplace-id", "")):
            self.breaches.append(f"{operation.name}: without a site")
        kind = self.tokens.get(request.headers.get("authorization", "").removeprefix(f"{scheme} "))
        if kind is None:
            return error(401, 1001, "Invalid access token", domain="OAuth")
        if operation.scopes and not operation.scopes & SCOPES[kind]:
            self.breaches.append(f"{operation.name}: a token of the {kind} does not do")
            return error(403, 1100, "Access denied", domain="ACCESS")
        try:
            answer = self.answers.answer(operation.name, call.ids, request)
        except Breach as breach:
            self.breaches.append(f"{operation.name}: {breach}")
            return error(400, 25709, str(breach), domain="API")
        # What goes out must not change under the hands of the next call.
        answer.body = json.loads(json.dumps(answer.body))
        self.breaches += [
            f"the shop itself: {problem}" for problem in self.contract.answer_problems(operation.name, answer.status, answer.body)
        ]
        return answer

    def _token(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body))
        basic = base64.b64encode(f"{self.keys['client_id']}:{self.keys['client_secret']}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Answer(401, {"error": "invalid_client", "error_description": "client authentication failed"})
        kind = {"refresh_token": "seller", "client_credentials": "application"}[form["grant_type"]]
        if kind == "seller" and form.get("refresh_token") != self.keys["refresh_token"]:
            return Answer(400, {"error": "invalid_grant", "error_description": "the refresh token is invalid"})
        if kind == "application" and form.get("scope") != "https://api.ebay.com/oauth/api_scope":
            return Answer(400, {"error": "invalid_scope"})
        token = f"v^1.1#{kind}-{len(self.tokens)}"
        self.tokens[token] = kind
        return Answer(200, {"access_token": token, "expires_in": self.expires_in, "token_type": "User Access Token"})


def _handler_of(shop: EBayShop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 65536

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = headers.get("content-type") == "application/x-www-form-urlencoded"
            body = content.decode() if form else json.loads(content) if content else None
            here = parts.path.startswith(BASE_PATH)
            request = Request(self.command, parts.path.removeprefix(BASE_PATH), dict(parse_qsl(parts.query)), body, headers)
            answer = shop.answer(request) if here else Answer(404, "<html>Not here</html>")
            if answer.status == 0:  # hang up without a word
                self.close_connection = True
                return
            text = "" if answer.body is None else answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            kind = "text/html" if isinstance(answer.body, str) else "application/json"
            sizes = {} if answer.status == 204 else {"Content-Length": str(len(text.encode()))}
            for name, value in {"Content-Type": kind, **sizes, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_PUT = do_DELETE = do_GET

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(shop.clock(), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


# Faults


def throttle(retry_after: str | None = None) -> Fault:
    headers = {"Retry-After": retry_after} if retry_after else {}
    message = "Too many requests. The request limit has been reached for the resource."
    return lambda call, proper: Answer(429, {"errors": [{"errorId": 2001, "message": message}]}, dict(headers))


def fail(status: int, body: Any = "<html>Something went wrong</html>", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, body, dict(headers or {}))


def refuse(status: int, code: int, message: str) -> Fault:
    """eBay's own word: nothing is done."""
    return lambda call, proper: error(status, code, message, domain="API")


def slow(seconds: float) -> Fault:
    """The work is done, the answer comes too late."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        time.sleep(seconds)
        return answer

    return fault


def hang_up(call: Call, proper: Callable[[], Answer]) -> Answer:
    return Answer(0, None)


def hang_up_after_work(call: Call, proper: Callable[[], Answer]) -> Answer:
    proper()
    return Answer(0, None)


def change_answer(change: Callable[[Any], Any]) -> Fault:
    """The work is done; `change` works on the answer's body."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        change(answer.body)
        return answer

    return fault


def before_work(act: Callable[[], Any]) -> Fault:
    """Something happens in the shop between the request and its work."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        act()
        return proper()

    return fault


def after_work(act: Callable[[], Any]) -> Fault:
    """Something happens in the shop before the next request."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        answer = proper()
        act()
        return answer

    return fault


def rows(statuses: Mapping[str, tuple[int, int, str]]) -> Fault:
    """HTTP 207, and for these skus (status, error id, message); the others are not done either."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        found = []
        for row in call.body["requests"]:
            status, code, message = statuses.get(row["sku"], (200, 0, ""))
            errors = {"errors": [{"errorId": code, "message": message}]} if code else {}
            found.append({"sku": row["sku"], "statusCode": status, **errors})
        return Answer(207, {"responses": found})

    return fault
