"""Signed calls to one WooCommerce shop (wc/v3).

Over https the keys go as HTTP Basic. Over plain http WooCommerce takes only OAuth 1.0a without a token (RFC 5849, 3.4:
HMAC-SHA256 over method, address and sorted parameters, the key is "secret&"), in the query string.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pydantic_core

from marketplaces.adapters import _http
from marketplaces.port import Allowance, ChannelRefused, ChannelUnavailable, NotUsable, reasons
from wms.core.json_text import as_json

NO_ROUTE = "rest_no_route"
PER_PAGE = 100

JsonObject = dict[str, Any]


def oauth_query(*, method: str, url: str, params: Mapping[str, str], key: str, secret: str, timestamp: int, nonce: str) -> str:
    """The query string of a signed request: `params`, the OAuth parameters and their signature, all percent-encoded (RFC 3986)."""
    signed = {
        **params,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(timestamp),
    }
    query = _encode(signed)
    base = "&".join(quote(part, safe="") for part in (method.upper(), url, query))
    digest = hmac.new(f"{quote(secret, safe='')}&".encode(), base.encode(), hashlib.sha256).digest()
    return f"{query}&oauth_signature={quote(base64.b64encode(digest), safe='')}"


def _encode(params: Mapping[str, str]) -> str:
    """Sorted by encoded name, as the signature wants it."""
    return "&".join(f"{name}={value}" for name, value in sorted((quote(k, safe=""), quote(v, safe="")) for k, v in params.items()))


def _text(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Connection:
    """One shop's address and keys. `base_url` includes its path: https://example.com/wp-json/wc/v3."""

    def __init__(self, *, base_url: str, consumer_key: str, consumer_secret: str, client: httpx.Client | None = None) -> None:
        parts = urlsplit(base_url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise NotUsable(reason=reasons.NO_ADDRESS.format(what=repr(base_url)), channel_code="bad_address")
        default_port = {"http": 80, "https": 443}[parts.scheme]
        netloc = parts.hostname if parts.port in {None, default_port} else f"{parts.hostname}:{parts.port}"
        self.base_url = f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"
        self.secure = parts.scheme == "https"
        self._key, self._secret = consumer_key, consumer_secret
        self._client = client
        self.allowance: Allowance | None = None

    def get_object(self, path: str) -> JsonObject:
        return _object(self._json(self.send("GET", path)))

    def get_list(self, path: str, *, optional: bool = False, **params: bool | int | str) -> list[JsonObject]:
        """A collection that WooCommerce does not cut into pages. `optional`: not every shop has this route."""
        return _list(self._json(self.send("GET", path, params=params, optional=optional)))

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> JsonObject:
        return _object(self._json(self.send(method, path, body=body)))

    def delete(self, path: str, **params: bool | int | str) -> None:
        self.send("DELETE", path, params=params)

    def page(self, path: str, *, page: int, **params: bool | int | str) -> tuple[list[JsonObject], bool]:
        """One page of a collection, and whether there are more."""
        response = self.send("GET", path, params={**params, "page": page, "per_page": PER_PAGE})
        rows = _list(self._json(response))
        pages = response.headers.get("X-WP-TotalPages", "")
        # Some proxies drop the header; a full page then means that there may be another one.
        return rows, (page < int(pages)) if pages.isdecimal() else len(rows) >= PER_PAGE

    def every(self, path: str, **params: bool | int | str) -> Iterator[JsonObject]:
        """All rows of a small collection, page after page, each id once. A page that brings nothing new is the last one."""
        page, more, seen = 1, True, set[Any]()
        while more:
            rows, more = self.page(path, page=page, **params)
            news = {row.get("id"): row for row in rows if row.get("id") not in seen}
            yield from news.values()
            seen |= news.keys()
            more, page = more and bool(news), page + 1

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, bool | int | str] | None = None,
        body: Mapping[str, Any] | None = None,
        optional: bool = False,
    ) -> httpx.Response:
        """One call. Raises the port's errors for every answer that is not 2xx, ChannelRefused(NO_ROUTE) for an `optional` route not there."""
        url = f"{self.base_url}/{path}" if path else self.base_url
        texts = {name: _text(value) for name, value in (params or {}).items()}
        client = self._client or _http.shared_client()
        if self.secure:
            query, auth = _encode(texts), httpx.BasicAuth(self._key, self._secret)
        else:
            auth = None
            query = oauth_query(
                method=method,
                url=url,
                params=texts,
                key=self._key,
                secret=self._secret,
                timestamp=int(time.time()),
                nonce=secrets.token_hex(16),
            )
        content = None if body is None else as_json(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        request = client.build_request(method, f"{url}?{query}" if query else url, content=content, headers=headers)
        response = _http.send(client, request, auth=auth)
        self.allowance = _http.allowance_of(response) or self.allowance
        if not response.is_success:
            self._raise(response, optional=optional)
        return response

    def _raise(self, response: httpx.Response, *, optional: bool) -> None:
        code, reason = _error_of(response)
        if response.has_redirect_location:
            reason = reasons.MOVED.format(what=response.headers["Location"].split("?")[0])
        if response.status_code == 404 and not code.startswith("woocommerce_"):
            # The route itself is missing: a wrong address or a feature that is switched off, not a missing order or product.
            if optional:
                raise ChannelRefused(reason=reason, channel_code=code or NO_ROUTE, http_status=404)
            raise _astray(response, reason)
        if response.is_redirect or response.status_code == 405:
            raise _astray(response, reason)
        _http.raise_for_answer(response, code=code, reason=reason)

    @staticmethod
    def _json(response: httpx.Response) -> Any:
        try:
            return pydantic_core.from_json(response.content)
        except ValueError:
            pass  # what some plugin put before it, or another encoding, the slower reader may bear
        try:
            return response.json()
        except ValueError as error:
            raise ChannelUnavailable(reason=reasons.NO_JSON, answered=True) from error


def _astray(response: httpx.Response, reason: str) -> ChannelUnavailable:
    """Every shop has our routes. One that answers otherwise is being moved or updated, or its address is wrong: that passes, the work waits."""
    return ChannelUnavailable(reason=_http.with_status(response.status_code, reason), answered=True)


def _object(value: Any) -> JsonObject:
    if not isinstance(value, dict):
        raise ChannelUnavailable(reason=reasons.NO_OBJECT, answered=True)
    return value


def _list(value: Any) -> list[JsonObject]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ChannelUnavailable(reason=reasons.NO_LIST, answered=True)
    return value


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """WordPress's own error code and sentence, or the status line where a proxy answered."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("code"), str):
        return body["code"], plain(str(body.get("message") or body["code"]))[:500]
    return "", f"HTTP {response.status_code} {response.reason_phrase}".strip()


def plain(html: str) -> str:
    """The text of the little HTML that WooCommerce puts into titles, notes and errors."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
