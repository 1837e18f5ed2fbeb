"""Access tokens of Login with Amazon: fetched with the seller's refresh token, kept in the process until shortly before they expire."""

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from marketplaces.adapters import _http
from marketplaces.port import ChannelRefused, ChannelUnavailable, CredentialsRefused, reasons

TOKEN_URL = "https://api.amazon.com/auth/o2/token"
# For calls about the app itself, which need no seller.
NOTIFICATIONS = "sellingpartnerapi::notifications"
EARLY_S = 60.0
REFUSED = {"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope", "access_denied"}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float


_tokens: dict[str, _Token] = {}
_locks: dict[str, threading.Lock] = {}
_guard = threading.Lock()


class Tokens:
    def __init__(self, *, url: str, client_id: str, client_secret: str, refresh_token: str, client: httpx.Client | None) -> None:
        self._url, self._client = url, client
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._refresh_token = refresh_token

    def get(self, scope: str = "") -> str:
        """Raises CredentialsRefused, ChannelUnavailable. One thread asks, the others wait for its answer."""
        key = self._key(scope)
        with _guard:
            lock = _locks.setdefault(key, threading.Lock())
        with lock:
            token = _tokens.get(key)
            if token is None or token.until <= time.monotonic():
                token = _tokens[key] = self._fetch(scope)
            return token.text

    def forget(self, text: str, scope: str = "") -> None:
        """It was refused. Another one that came meanwhile stays."""
        key = self._key(scope)
        with _guard:
            if (token := _tokens.get(key)) is not None and token.text == text:
                del _tokens[key]

    def _key(self, scope: str) -> str:
        parts = (self._url, *self._app.values(), scope or self._refresh_token)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _fetch(self, scope: str) -> _Token:
        grant = {"grant_type": "client_credentials", "scope": scope} if scope else _refresh(self._refresh_token)
        client = self._client or _http.shared_client()
        asked_at = time.monotonic()
        response = _http.send(client, client.build_request("POST", self._url, data={**grant, **self._app}))
        answer = _json(response)
        if not response.is_success:
            code, reason = str(answer.get("error") or ""), str(answer.get("error_description") or f"HTTP {response.status_code}")[:500]
            if code in REFUSED:
                raise CredentialsRefused(reason=reason, channel_code=code, http_status=response.status_code)
            try:
                _http.raise_for_answer(response, code=code, reason=reason)
            except CredentialsRefused:
                raise
            except ChannelRefused as error:  # says nothing of any order or listing
                raise ChannelUnavailable(reason=reason, answered=True) from error
        token, lifetime = answer.get("access_token"), answer.get("expires_in", 3600)
        if not isinstance(token, str) or not token or not isinstance(lifetime, int | float):
            raise ChannelUnavailable(reason=reasons.NO_TOKEN_OF_AMAZON, answered=True)
        return _Token(token, asked_at + max(0.0, lifetime - EARLY_S))


def _refresh(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token}


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:  # a proxy's page
        return {}
    return answer if isinstance(answer, dict) else {}
