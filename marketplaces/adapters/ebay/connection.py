"""Calls to eBay's REST interfaces for one seller."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from marketplaces.adapters import _http
from marketplaces.adapters.ebay import tokens
from marketplaces.adapters.ebay.tokens import Caller
from marketplaces.port import ChannelUnavailable, CredentialsRefused, NotOnChannel, NotUsable, reasons

INVENTORY = "/sell/inventory/v1"
FULFILMENT = "/sell/fulfillment/v1"
NOTIFICATION = "/commerce/notification/v1"
ANALYTICS = "/developer/analytics/v1_beta"
POST_ORDER = "/post-order/v2"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
PER_PAGE = 100

# Error ids by which eBay says that the order, item, offer, key, subscription or destination is not there.
NOT_THERE = {"25702", "25710", "25713", "32100", "195001", "195013", "195022"}

JsonObject = dict[str, Any]


class Connection:
    """`base_url` is what stands before /sell, /commerce, /post-order and /identity: https://api.ebay.com, or a proxy's path."""

    def __init__(
        self, *, base_url: str, client_id: str, client_secret: str, refresh_token: str, client: httpx.Client | None = None
    ) -> None:
        parts = urlsplit(base_url.strip())
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK  # else the keys would travel readably
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise NotUsable(reason=reasons.NO_ADDRESS_OF_EBAY.format(what=repr(base_url)), channel_code="bad_address")
        self.base_url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._client = client
        self._tokens = tokens.tokens_of(
            url=f"{self.base_url}{tokens.PATH}", client_id=client_id, client_secret=client_secret, refresh_token=refresh_token
        )

    def get(self, path: str, *, caller: Caller = Caller.SELLER, **params: str | int) -> JsonObject:
        return object_of(self.send("GET", path, params=params, caller=caller))

    def every(self, path: str, field: str, *, caller: Caller) -> Iterator[JsonObject]:
        """All rows of a small collection of the notification API, whose pages name a token for the next one."""
        token, seen = "", set[str]()
        while token not in seen:  # a cache may answer one page for ever
            seen.add(token)
            params: dict[str, str | int] = {"limit": PER_PAGE, **({"continuation_token": token} if token else {})}
            page = object_of(self.send("GET", path, params=params, caller=caller))
            yield from rows_of(page, field)
            token = parse_qs(urlsplit(str(page.get("next") or "")).query).get("continuation_token", [""])[0]

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        caller: Caller = Caller.SELLER,
        headers: Mapping[str, str] | None = None,
        scheme: str = "Bearer",
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        """One call, and a second one where the token turns out to have ended early. Raises the port's errors for all that is not 2xx."""
        client = self._client or _http.shared_client()
        patience = timeout or client.timeout
        for token_is_new in (False, True):
            token = self._tokens.get(caller, client, patience)
            request = client.build_request(
                method,
                f"{self.base_url}{path}",
                params=params or None,
                json=body,
                headers={**(headers or {}), "Authorization": f"{scheme} {token}"},
                timeout=patience,
            )
            response = _http.send(client, request)
            if response.status_code != 401 or token_is_new:
                break
            self._tokens.drop(caller, token)
        if not response.is_success:
            _raise_for(response)
        return response


def segment(value: str) -> str:
    """An id as one part of a path, whatever stands in it."""
    return quote(value, safe="")


def object_of(response: httpx.Response) -> JsonObject:
    return _http.object_of(response)


def rows_of(page: JsonObject, field: str) -> list[JsonObject]:
    """A list in an answer; eBay leaves out those that are empty."""
    rows = page.get(field) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ChannelUnavailable(reason=reasons.unreadable(field, type(rows).__name__), answered=True)
    return rows


def id_at_the_end(response: httpx.Response) -> str:
    """The id of what was made, which only the Location header tells."""
    made = urlsplit(response.headers.get("Location", "")).path.rstrip("/").rpartition("/")[2]
    if not made:
        raise ChannelUnavailable(reason=reasons.NAMELESS, answered=True)
    return str(made)


def error_of(body: Any) -> tuple[str, str]:
    """The first error's id and sentence, empty where there is none. The older interfaces write `error`, and the sentence within `content`."""
    errors = (body.get("errors") or body.get("error")) if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    text = first.get("longMessage") or first.get("message") or ""
    if isinstance(text, dict):
        text = text.get("content") or ""
    return str(first.get("errorId") or ""), str(text)[:500]


def _raise_for(response: httpx.Response) -> None:
    status = response.status_code
    try:
        code, reason = error_of(response.json())
    except ValueError:  # a proxy's page
        code, reason = "", ""
    reason = reason or f"HTTP {status} {response.reason_phrase}".strip()
    if response.has_redirect_location:
        reason = reasons.MOVED.format(what=response.headers["Location"].split("?")[0])
    if response.is_redirect or status == 405 or (status in {404, 410} and not code):
        # Not eBay's own word on one order or item: a wrong address, or a proxy in trouble. That passes, the work waits.
        raise ChannelUnavailable(reason=_http.with_status(status, reason), answered=True)
    if status == 400 and code in NOT_THERE:
        raise NotOnChannel(reason=reason, channel_code=code, http_status=status)
    if status == 401 and not code:
        raise CredentialsRefused(reason=reason, http_status=status)
    _http.raise_for_answer(response, code=code, reason=reason)
