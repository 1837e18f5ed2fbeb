"""The loopback Amazon, strict and ill-mannered.

Every request and every proper answer is held against Amazon's own contracts; calls cost their operation's bucket; and it fails on
purpose by a script.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.marketplaces.adapters.amazon.answers import Answers
from tests.marketplaces.adapters.amazon.books import HERE, SELLER, Books, Refusal
from tests.marketplaces.adapters.amazon.contracts import BURSTS, FEED, RATES, REPORT, Contracts, Operation
from wms.simulation.shop import Answer

BASE_PATH = "/a-proxy/spapi"
GRANTLESS = {"getDestinations", "createDestination", "deleteSubscriptionById"}
KEYS = {
    "client_id": "amzn1.application-oa2-client.1",
    "client_secret": "amzn1.oa2-cs.v1.secret",
    "refresh_token": "Atzr|refresh",
    "seller_id": SELLER,
    "marketplace_ids": HERE,
}


@dataclass(frozen=True, slots=True)
class Call:
    """`operation`: the contract's own name; "token", "upload" and "download" for what stands in none."""

    operation: str
    params: Mapping[str, str]
    body: Any
    path: Mapping[str, str]
    headers: Mapping[str, str]


Fault = Callable[[Call, Callable[[], Answer]], Answer]


@dataclass
class _Scripted:
    pattern: re.Pattern[str]
    fault: Fault
    left: int


class AmazonShop:
    """`shop.misbehave(operation, fault, times)` scripts what goes wrong; `shop.calls` is what came; `shop.check()` raises on any breach."""

    def __init__(self, contracts: Contracts, *, clock: Callable[[], datetime] | None = None) -> None:
        self.contracts = contracts
        self.clock = clock or (lambda: datetime.now(UTC))
        self.books = Books(self.clock)
        self.answers = Answers(self.books, lambda: self.root)
        self.calls: list[Call] = []
        self.breaches: list[str] = []
        self.token_life_s = 3600
        self.tokens: dict[str, str] = {}
        self.rates: dict[str, float] = {}
        self._left: dict[str, tuple[float, datetime]] = {}
        self._script: list[_Scripted] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.root}{BASE_PATH}"

    @property
    def keys(self) -> dict[str, str]:
        return {**KEYS, "token_url": f"{self.root}/auth/o2/token"}

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

    def made(self, operation: str) -> list[Call]:
        return [call for call in self.calls if re.fullmatch(operation, call.operation)]

    def check(self) -> None:
        assert not self.breaches, "\n".join(sorted(set(self.breaches)))
        unused = [scripted.pattern.pattern for scripted in self._script if scripted.left]
        assert not unused, f"never came to misbehave at {unused}"

    def answer(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        parts = urlsplit(target)
        if parts.path == "/auth/o2/token":
            call = Call("token", {}, dict(parse_qsl(content.decode())), {}, headers)
            return self._meet(call, lambda: self._token(call.body))
        if parts.path.startswith("/store/"):
            call = Call("upload" if method == "PUT" else "download", {}, content, {"key": parts.path[7:]}, headers)
            return self._meet(call, lambda: self._store(call))
        found = self.contracts.operation(method, parts.path.removeprefix(BASE_PATH)) if parts.path.startswith(BASE_PATH) else None
        if found is None:
            self.breaches.append(f"{method} {parts.path} stands in no contract")
            return Answer(404, "<html>Not here</html>")
        operation, path = found
        params = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = json.loads(content) if content else None
        call = Call(operation.name, params, body, {name: unquote(value) for name, value in path.items()}, headers)
        problems = self.contracts.request_problems(operation, params, body)
        if "x-amz-access-token" not in headers or not headers.get("user-agent"):
            problems.append("no token or no user agent")
        self.breaches += [f"{operation.name}: {problem}" for problem in problems]
        return self._meet(call, lambda: self._proper(operation, call))

    def _meet(self, call: Call, proper: Callable[[], Answer]) -> Answer:
        with self.books.lock:
            self.calls.append(call)
            scripted = next((fault for fault in self._script if fault.left and fault.pattern.fullmatch(call.operation)), None)
            if scripted:
                scripted.left -= 1
        return scripted.fault(call, proper) if scripted else proper()

    def _proper(self, operation: Operation, call: Call) -> Answer:
        with self.books.lock:
            rate = self.rates.get(operation.name, RATES[operation.name])
            headers = {"x-amzn-RateLimit-Limit": str(rate), "x-amzn-RequestId": f"r{len(self.calls)}"}
            try:
                self._admit(operation.name, call, rate)
                status, body = self.answers.answer(operation.name, call.path, call.params, call.body)
            except Refusal as refusal:
                status, body = refusal.status, {"errors": [{"code": refusal.code, "message": str(refusal)}]}
            problems = self.contracts.answer_problems(operation, status, body)
            self.breaches += [f"{operation.name}: the shop itself: {problem}" for problem in problems]
            # What goes out must not change under the hands of the next call.
            return Answer(status, json.loads(json.dumps(body)), headers)

    def _admit(self, name: str, call: Call, rate: float) -> None:
        scope = "sellingpartnerapi::notifications" if name in GRANTLESS else ""
        if self.tokens.get(call.headers["x-amz-access-token"]) != scope:
            raise Refusal(403, "Unauthorized", "Access to requested resource is denied.")
        now, burst = self.clock(), BURSTS[name]
        left, at = self._left.get(name, (burst, now))
        left = min(burst, left + (now - at).total_seconds() * rate)
        if left < 1:
            raise Refusal(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        self._left[name] = left - 1, now

    def drain(self, name: str) -> None:
        """Somebody else has used up the operation's bucket."""
        self._left[name] = 0.0, self.clock()

    def _token(self, form: Mapping[str, str]) -> Answer:
        if (form.get("client_id"), form.get("client_secret")) != (KEYS["client_id"], KEYS["client_secret"]):
            return Answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        by_seller = form.get("grant_type") == "refresh_token"
        if by_seller and form.get("refresh_token") != KEYS["refresh_token"]:
            return Answer(
                400, {"error": "invalid_grant", "error_description": "The request has an invalid grant parameter : refresh_token"}
            )
        token = f"Atza|{len(self.tokens)}"
        self.tokens[token] = "" if by_seller else form["scope"]
        answer = {"access_token": token, "token_type": "bearer", "expires_in": self.token_life_s}
        return Answer(200, {**answer, "refresh_token": KEYS["refresh_token"]} if by_seller else answer)

    def _store(self, call: Call) -> Answer:
        """The place where documents are kept: the address is the key, a token has no business here."""
        with self.books.lock:
            document = self.books.documents[call.path["key"]]
            if "x-amz-access-token" in call.headers:
                self.breaches.append("our token went to where documents are kept")
            if call.operation == "download":
                return Answer(200, document["content"])
            if call.headers.get("content-type") != document["type"]:
                return Answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>")
            document["content"] = json.loads(call.body)
            self.breaches += self.contracts.document_problems(FEED, document["content"])
            return Answer(200, "")

    def reports_are_right(self) -> list[str]:
        """What the contract objects to in the reports that the books wrote."""
        return [problem for feed in self.books.feeds.values() for problem in self.contracts.document_problems(REPORT, feed["report"])]


def _handler_of(shop: AmazonShop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True
        wbufsize = 65536

        def _any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = shop.answer(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, content)
            if answer.status == 0:  # hang up without a word
                self.close_connection = True
                return
            body = answer.body
            told = (
                body if isinstance(body, bytes) else b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
            )
            self.send_response(answer.status)
            kind = "text/html" if isinstance(body, str) else "application/json"
            for name, value in {"Content-Type": kind, "Content-Length": str(len(told)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


# Faults


def errors(status: int, code: str, message: str = "No.", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, {"errors": [{"code": code, "message": message}]}, dict(headers or {}))


def throttle(rate: str | None = None, *, retry_after: str | None = None) -> Fault:
    headers = {"x-amzn-RateLimit-Limit": rate} if rate else {}
    headers |= {"Retry-After": retry_after} if retry_after else {}
    return errors(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", headers=headers)


def fail(status: int, body: Any = "<html>Something went wrong</html>", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, body, dict(headers or {}))


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
    """Something happens at Amazon between the request and its work."""

    def fault(call: Call, proper: Callable[[], Answer]) -> Answer:
        act()
        return proper()

    return fault
