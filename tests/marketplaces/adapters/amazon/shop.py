"""The loopback Amazon, strict and ill-mannered.

Every request and every proper answer is held against Amazon's own contracts; calls cost their operation's bucket; and it fails on
purpose by a script.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.marketplaces.adapters.amazon.answers import Answers
from tests.marketplaces.adapters.amazon.books import HERE, SELLER, Books, Refusal
from tests.marketplaces.adapters.amazon.contracts import BURSTS, FEED, RATES, REPORT, Contracts, Operation
from tests.marketplaces.misbehaving import Fault, LoopbackShop
from wms.simulation.shop_server import Answer

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

    def __str__(self) -> str:
        return self.operation


class AmazonShop(LoopbackShop):
    """Faults are scripted by the operation's name."""

    def __init__(self, contracts: Contracts, *, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.contracts = contracts
        self.clock = clock or (lambda: datetime.now(UTC))
        self.books = Books(self.clock)
        self.answers = Answers(self.books, lambda: self.root)
        self.token_life_s = 3600
        self.tokens: dict[str, str] = {}
        self.rates: dict[str, float] = {}
        self._left: dict[str, tuple[float, datetime]] = {}

    @property
    def url(self) -> str:
        return f"{self.root}{BASE_PATH}"

    @property
    def keys(self) -> dict[str, str]:
        return {**KEYS, "token_url": f"{self.root}/auth/o2/token"}

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        parts = urlsplit(target)
        if parts.path == "/auth/o2/token":
            call = Call("token", {}, dict(parse_qsl(content.decode())), {}, headers)
            return self.meet(call, lambda: self._token(call.body))
        if parts.path.startswith("/store/"):
            call = Call("upload" if method == "PUT" else "download", {}, content, {"key": parts.path[7:]}, headers)
            return self.meet(call, lambda: self._store(call))
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
        return self.meet(call, lambda: self._proper(operation, call))

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


# Faults


def errors(status: int, code: str, message: str = "No.", *, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda call, proper: Answer(status, {"errors": [{"code": code, "message": message}]}, dict(headers or {}))


def throttle(rate: str | None = None, *, retry_after: str | None = None) -> Fault:
    headers = {"x-amzn-RateLimit-Limit": rate} if rate else {}
    headers |= {"Retry-After": retry_after} if retry_after else {}
    return errors(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", headers=headers)
