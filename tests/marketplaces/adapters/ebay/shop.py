"""The loopback shop, strict and ill-mannered.

Every request is held against eBay's own contracts, the token against the scopes that they name, every answer that is not a scripted fault
against the contracts too; and the shop fails on purpose by a script.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.marketplaces.adapters.ebay.answers import KEY_ID, Answers, Breach, error
from tests.marketplaces.adapters.ebay.books import Books
from tests.marketplaces.adapters.ebay.contract import Contract, Operation, Request
from tests.marketplaces.misbehaving import Fault, LoopbackShop
from wms.simulation.shop_server import Answer

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

    def __str__(self) -> str:
        return self.operation


class EBayShop(LoopbackShop):
    """Faults are scripted by the operation's name."""

    def __init__(self, contract: Contract, *, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or (lambda: datetime.now(UTC))
        super().__init__(clock=self.clock)
        self.contract = contract
        self.books = Books(self.clock)
        self.answers = Answers(self.books)
        self.keys = dict(KEYS)
        self.tokens: dict[str, str] = {}
        self.expires_in = 7200
        self.answers.base_url = self.url

    @property
    def url(self) -> str:
        return f"{self.root}{BASE_PATH}"

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

    def respond(self, method: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        parts = urlsplit(target)
        if not parts.path.startswith(BASE_PATH):
            return Answer(404, "<html>Not here</html>")
        form = headers.get("content-type") == "application/x-www-form-urlencoded"
        body = content.decode() if form else json.loads(content) if content else None
        request = Request(method, parts.path.removeprefix(BASE_PATH), dict(parse_qsl(parts.query)), body, headers)
        operation = self.contract.operation(request)
        ids = {name: unquote(value) for name, value in operation.ids.items()}
        call = Call(operation.name, ids, request.params, request.body, request.headers)
        self.breaches += operation.problems

        def proper() -> Answer:
            with self.books.lock:
                return self._work(operation, call, request)

        return self.meet(call, proper)

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


# Faults


def throttle(retry_after: str | None = None) -> Fault:
    headers = {"Retry-After": retry_after} if retry_after else {}
    message = "Too many requests. The request limit has been reached for the resource."
    return lambda call, proper: Answer(429, {"errors": [{"errorId": 2001, "message": message}]}, dict(headers))


def refuse(status: int, code: int, message: str) -> Fault:
    """eBay's own word: nothing is done."""
    return lambda call, proper: error(status, code, message, domain="API")


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
