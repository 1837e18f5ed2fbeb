"""GraphQL calls to one shop. Almost every failure comes with HTTP 200: the body says what it is."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import httpx

from marketplaces.adapters import _http
from marketplaces.adapters.shopify.bucket import bucket_of
from marketplaces.port import ChannelRefused, ChannelThrottled, ChannelUnavailable, CredentialsRefused, NotOnChannel, NotUsable, reasons

API_PATH = "/admin/api/2026-10"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Longer than this nobody sleeps here: the whole channel is left alone instead.
LONGEST_WAIT_S = 5.0
MOST_TRIES = 3
# Shops that are frozen for unpaid bills, locked, being moved, or at another address: that passes, the work waits.
ASTRAY = {301, 302, 303, 307, 308, 402, 404, 405, 410, 423}
# Codes in the body's errors (https://shopify.dev/docs/api/admin-graphql#status-and-error-codes).
THROTTLED = "THROTTLED"
DENIED = {"ACCESS_DENIED", "UNAUTHORIZED", "FORBIDDEN"}
BROKE_DOWN = "INTERNAL_SERVER_ERROR"
PASSING = {BROKE_DOWN, "TIMEOUT", "SHOP_INACTIVE", "SERVICE_UNAVAILABLE"}

JsonObject = dict[str, Any]

_OPERATION = re.compile(r"\s*(?:query|mutation) (\w+)")
_ID = re.compile(r"(?:gid://shopify/(?P<kind>\w+)/)?(?P<number>[0-9]{1,20})")


def gid(kind: str, number: str) -> str:
    """The global id of a thing: from its number, or as it is. Raises ChannelRefused for what is no id of this kind."""
    match = _ID.fullmatch(number.strip())
    if match is None or match["kind"] not in (None, kind):
        raise NotUsable(reason=reasons.NO_ID.format(what=repr(number)), channel_code="bad_id")
    return f"gid://shopify/{kind}/{match['number']}"


def number_of(global_id: str) -> str:
    """The number at the end of a global id. Raises ValueError where there is none."""
    match = _ID.fullmatch(global_id.partition("?")[0])
    if match is None:
        raise ValueError(reasons.NOT_AN_ID.format(what=repr(global_id)))
    return match["number"]


class Connection:
    """One shop's address and token. `base_url` includes its path: https://example.myshopify.com/admin/api/2026-10."""

    def __init__(self, *, base_url: str, access_token: str, client: httpx.Client | None = None) -> None:
        parts = urlsplit(base_url.strip())
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK  # else the token would travel readably
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise NotUsable(reason=reasons.NO_ADDRESS.format(what=repr(base_url)), channel_code="bad_address")
        path = parts.path.rstrip("/").removesuffix("/graphql.json") or API_PATH
        self.url = f"{parts.scheme}://{parts.netloc}{path}/graphql.json"
        self._token = access_token
        self._client = client
        self.bucket = bucket_of(hashlib.sha256(f"{self.url} {access_token}".encode()).hexdigest())

    def call(self, document: str, **variables: Any) -> JsonObject:
        """The answer's `data`. Waits a little for the points that the call needs; raises ChannelThrottled where that takes longer."""
        match = _OPERATION.match(document)
        assert match is not None, "every document begins with its operation's name"
        operation, waited = match[1], 0.0
        for tries in range(1, MOST_TRIES + 1):
            waited = self._wait(waited, self.bucket.wait_s(operation))
            try:
                return self._once(operation, document, variables)
            except ChannelThrottled as error:
                if error.retry_after is not None or tries == MOST_TRIES:
                    raise
                # It was not done. Where the shop does not say for how long, or says that there are points enough, a second will do.
                waited = self._wait(waited, 0.0 if self.bucket.wait_s(operation) else 1.0)
        raise AssertionError("the last try answers or raises")

    def _wait(self, waited: float, seconds: float) -> float:
        if waited + seconds > LONGEST_WAIT_S:
            raise ChannelThrottled(reason=reasons.TOO_FEW_POINTS, retry_after=seconds, answered=True)
        if seconds:
            sleep(seconds)
        return waited + seconds

    def _once(self, operation: str, document: str, variables: Mapping[str, Any]) -> JsonObject:
        client = self._client or _http.shared_client()
        body = {"query": document, "operationName": operation, "variables": variables}
        request = client.build_request("POST", self.url, json=body, headers={"X-Shopify-Access-Token": self._token})
        response = _http.send(client, request)
        if not response.is_success:
            _raise_for(response)
        answer = _http.object_of(response)
        extensions = answer.get("extensions")
        self.bucket.heard(operation, extensions.get("cost") if isinstance(extensions, dict) else None)
        if answer.get("errors"):
            _raise_errors(answer["errors"])
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ChannelUnavailable(reason=reasons.NO_ANSWER.format(what=operation), answered=True)
        return data

    def write(self, document: str, field: str, *, errors: str = "userErrors", **variables: Any) -> JsonObject:
        """A mutation's payload. Raises ChannelRefused with the first of its user errors, NotOnChannel where that says so."""
        payload = self.call(document, **variables).get(field)
        if not isinstance(payload, dict):
            raise ChannelUnavailable(reason=reasons.NO_ANSWER.format(what=field), answered=True)
        for error in payload.get(errors) or []:
            code, message = str(error.get("code") or ""), str(error.get("message") or "")[:500]
            refused = NotOnChannel if code == "NOT_FOUND" else ChannelRefused
            raise refused(reason=message or code, channel_code=code or "user_error", http_status=200)
        return payload

    def pages(self, first: JsonObject, more: Callable[[str], JsonObject]) -> Iterator[JsonObject]:
        """All nodes of a connection, of which `first` is the first page and `more(cursor)` asks for the one after."""
        page, seen = first, set[str]()
        while True:
            yield from page["nodes"]
            cursor = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"] or not cursor or cursor in seen:  # a cache may answer one page for ever
                return
            seen.add(cursor)
            page = more(cursor)


def _raise_for(response: httpx.Response) -> None:
    status = response.status_code
    reason = f"HTTP {status} {response.reason_phrase}".strip()
    try:
        errors = _http.object_of(response).get("errors")
    except ChannelUnavailable:  # a proxy's page
        errors = None
    if isinstance(errors, str):
        reason = errors[:500]
    if status in ASTRAY:
        if response.has_redirect_location:
            reason = _http.with_status(status, reasons.MOVED.format(what=response.headers["Location"].split("?")[0]))
        raise ChannelUnavailable(reason=reason, answered=True)
    _http.raise_for_answer(response, code="", reason=reason)


def _raise_errors(errors: Any) -> None:
    """Any error spoils the whole answer: what is missing from it would pass for nothing being there."""
    rows = errors if isinstance(errors, list) else [{"message": str(errors)}]
    rows = [row if isinstance(row, dict) else {"message": str(row)} for row in rows]
    codes = {str(extensions.get("code", "")) for row in rows if isinstance(extensions := row.get("extensions"), dict)}
    reason = "; ".join(str(row.get("message", "")) for row in rows)[:500]
    if THROTTLED in codes or reason == "Throttled":
        raise ChannelThrottled(reason=reason, answered=True)
    if codes & PASSING:
        raise ChannelUnavailable(reason=reason, answered=True, broke_down=BROKE_DOWN in codes)
    if codes & DENIED:
        raise CredentialsRefused(reason=reason, channel_code=min(codes & DENIED), http_status=200)
    raise ChannelRefused(reason=reason, channel_code=min(codes, default=""), http_status=200)
