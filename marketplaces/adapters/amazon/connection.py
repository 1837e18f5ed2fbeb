"""Calls to the Selling Partner API for one seller: tokens, waiting for the operation's bucket, answers turned into the port's errors."""

import hashlib
import platform
from collections.abc import Mapping
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import httpx

from marketplaces.adapters import _http
from marketplaces.adapters.amazon.limits import limits_of
from marketplaces.adapters.amazon.tokens import TOKEN_URL, Tokens
from marketplaces.port import CallThrottled, ChannelThrottled, ChannelUnavailable, CredentialsRefused, NotUsable, reasons

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Longer than this nobody sleeps here.
LONGEST_WAIT_S = 5.0
MOST_TRIES = 3
# Amazon asks for this form (https://developer-docs.amazon.com/sp-api/docs/include-a-user-agent-header-in-all-requests).
USER_AGENT = f"wms/1.0 (Language=Python/{platform.python_version()})"

JsonObject = dict[str, Any]


def checked_address(url: str, what: str) -> str:
    """The address without the slash at its end. Raises ChannelRefused for what is none, or would show our keys on the way."""
    parts = urlsplit(url.strip())
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise NotUsable(reason=reasons.NO_ADDRESS_OF.format(what=repr(url), other=what), channel_code="bad_address")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


class Connection:
    """`base_url` is the region's endpoint with its path: https://sellingpartnerapi-eu.amazon.com."""

    def __init__(
        self,
        *,
        base_url: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        client: httpx.Client | None = None,
    ) -> None:
        self.url = checked_address(base_url, "Selling Partner API")
        self.client = client
        self._tokens = Tokens(
            url=checked_address(token_url or TOKEN_URL, "Login with Amazon"),
            client_id=client_id,
            client_secret=client_secret,
            refresh_token=refresh_token,
            client=client,
        )
        self.limits = limits_of(hashlib.sha256(repr((self.url, client_id, refresh_token)).encode()).hexdigest())

    def call(
        self, operation: str, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None, scope: str = ""
    ) -> JsonObject:
        """The answer, {} where it has no content. Waits a little for the operation's turn; raises CallThrottled where that takes longer.

        `path` is quoted already. `scope`: the call is the app's own, not the seller's.
        """
        waited, refused = 0.0, False
        for tries in range(1, MOST_TRIES + 1):
            waited = self._wait_for_turn(operation, waited)
            token = self._tokens.get(scope)
            try:
                return self._once(operation, method, path, params, body, token)
            except ChannelThrottled as error:
                self.limits.empty(operation)
                if error.retry_after is not None or tries == MOST_TRIES:
                    wait = error.retry_after or self.limits.wait_s(operation)
                    raise CallThrottled(reason=error.details["reason"], retry_after=wait, answered=True) from error
            except CredentialsRefused:
                # Amazon says the same of a token that has just expired.
                if refused:
                    raise
                refused = True
                self._tokens.forget(token, scope)
        raise ChannelUnavailable(reason=reasons.THROTTLED_AND_REFUSED.format(what=operation), answered=True)

    def _wait_for_turn(self, operation: str, waited: float) -> float:
        while wait := self.limits.take(operation):
            if waited + wait > LONGEST_WAIT_S:
                raise CallThrottled(reason=reasons.TOO_FEW_CALLS.format(what=operation), retry_after=wait, answered=True)
            sleep(wait)
            waited += wait
        return waited

    def _once(self, operation: str, method: str, path: str, params: Mapping[str, str] | None, body: Any, token: str) -> JsonObject:
        client = self.client or _http.shared_client()
        headers = {"x-amz-access-token": token, "User-Agent": USER_AGENT}
        request = client.build_request(method, f"{self.url}{path}", params=params, json=body, headers=headers)
        response = _http.send(client, request)
        self.limits.heard(operation, response.headers.get("x-amzn-RateLimit-Limit"))
        if not response.is_success:
            _raise_for(response)
        if response.status_code == 204:
            return {}
        return _http.object_of(response)


def _raise_for(response: httpx.Response) -> None:
    code, reason = "", f"HTTP {response.status_code} {response.reason_phrase}".strip()
    try:
        errors = _http.object_of(response).get("errors")
    except ChannelUnavailable:  # a proxy's page
        errors = None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        code = str(errors[0].get("code") or "")
        told = [f"{error.get('message') or ''} {error.get('details') or ''}".strip() for error in errors if isinstance(error, dict)]
        reason = "; ".join(dict.fromkeys(text for text in told if text))[:500] or code or reason
    elif response.status_code in {404, 410} or response.is_redirect:
        # Not Amazon's own word on an order or a listing: the address is wrong, or something stands in between.
        raise ChannelUnavailable(reason=reason, answered=True)
    _http.raise_for_answer(response, code=code, reason=reason)
