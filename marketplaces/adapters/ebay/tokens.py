"""Access tokens of one eBay account, shared by all that call it from this process and renewed shortly before they end.

OAuth 2.0 as https://developer.ebay.com/api-docs/static/oauth-tokens.html has it: the seller's token is made from the refresh token that
the seller granted, the application's own from the client's keys; the notification API wants the latter.
"""

import hashlib
import threading
import time
from enum import StrEnum
from typing import Any

import httpx

from marketplaces.adapters import _http
from marketplaces.port import ChannelUnavailable, CredentialsRefused, reasons

PATH = "/identity/v1/oauth2/token"
APPLICATION_SCOPE = "https://api.ebay.com/oauth/api_scope"
# A token that ends while a call is under way is no use.
MARGIN_S = 120.0


class Caller(StrEnum):
    SELLER = "seller"
    APPLICATION = "application"


class Tokens:
    def __init__(self, *, url: str, client_id: str, client_secret: str, refresh_token: str) -> None:
        self._url = url
        self._keys = httpx.BasicAuth(client_id, client_secret)
        self._grants = {
            Caller.SELLER: {"grant_type": "refresh_token", "refresh_token": refresh_token},
            Caller.APPLICATION: {"grant_type": "client_credentials", "scope": APPLICATION_SCOPE},
        }
        self._lock = threading.Lock()
        self._kept: dict[Caller, tuple[str, float]] = {}

    def get(self, caller: Caller, client: httpx.Client, timeout: httpx.Timeout) -> str:
        """Raises CredentialsRefused, ChannelUnavailable, ChannelThrottled."""
        with self._lock:  # whoever comes meanwhile gets the same token
            token, ends_at = self._kept.get(caller, ("", 0.0))
            if time.monotonic() >= ends_at:
                token, lasts_s = self._fetch(caller, client, timeout)
                self._kept[caller] = token, time.monotonic() + max(lasts_s - MARGIN_S, 0.0)
            return token

    def drop(self, caller: Caller, token: str) -> None:
        """It was refused, though its time is not over."""
        with self._lock:
            if self._kept.get(caller, ("", 0.0))[0] == token:
                del self._kept[caller]

    def _fetch(self, caller: Caller, client: httpx.Client, timeout: httpx.Timeout) -> tuple[str, float]:
        request = client.build_request("POST", self._url, data=self._grants[caller], timeout=timeout)
        response = _http.send(client, request, auth=self._keys)
        answer = _object(response)
        if response.status_code in {400, 401, 403} and isinstance(answer.get("error"), str):
            reason = str(answer.get("error_description") or answer["error"])
            raise CredentialsRefused(reason=reason[:500], channel_code=answer["error"], http_status=response.status_code)
        if not response.is_success:
            reason = reasons.STATUS_FOR_TOKEN.format(what=response.status_code)
            if response.status_code == 429:
                _http.raise_for_answer(response, code="", reason=reason)
            # A proxy's word says nothing of the keys.
            raise ChannelUnavailable(reason=reason, retry_after=_http.retry_after_s(response), answered=True)
        token, lasts_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lasts_s, int):
            raise ChannelUnavailable(reason=reasons.NO_TOKEN, answered=True)
        return token, float(lasts_s)


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


_tokens: dict[str, Tokens] = {}
_tokens_lock = threading.Lock()


def tokens_of(*, url: str, client_id: str, client_secret: str, refresh_token: str) -> Tokens:
    """The process's tokens of one account; other keys are another account."""
    key = hashlib.sha256(repr((url, client_id, client_secret, refresh_token)).encode()).hexdigest()
    with _tokens_lock:
        if key not in _tokens:
            _tokens[key] = Tokens(url=url, client_id=client_id, client_secret=client_secret, refresh_token=refresh_token)
        return _tokens[key]
