"""Signed messages to one shop: every call is a POST to its one address, signed by the Standard Webhooks specification.

One address, because a shop's router may be a query string, and one signature, because it then covers all that is asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from marketplaces.adapters import _http
from marketplaces.port import (
    Allowance,
    ChannelRefused,
    ChannelThrottled,
    ChannelUnavailable,
    CredentialsRefused,
    NotOnChannel,
    NotUsable,
    reasons,
)

JsonObject = dict[str, Any]

# The specification's own bounds, in bytes.
SECRET_BYTES = range(24, 65)
# `RateLimit: "name";r=8;t=3` and `RateLimit-Policy: "name";q=10;w=60` of the IETF draft; before it there were three headers.
_PART = re.compile(r";\s*([a-z]+)=(\d{1,9})(?!\d)")
_TROUBLE: dict[str, type[ChannelUnavailable]] = {"throttled": ChannelThrottled, "unavailable": ChannelUnavailable}
_REFUSALS: dict[str, type[ChannelRefused]] = {"not_found": NotOnChannel, "unauthorized": CredentialsRefused}


def message_id(kind: str, *parts: str) -> str:
    """The same for a repeat of what happens once."""
    return f"msg_{hashlib.sha256(repr((kind, *parts)).encode()).hexdigest()[:32]}"


def opened_secret(secret: str) -> Webhook:
    """Raises ChannelRefused for one that is not `whsec_` and 24 to 64 bytes in base64."""
    try:
        size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) if secret.startswith("whsec_") else 0
    except ValueError:
        size = 0
    if size not in SECRET_BYTES:
        raise NotUsable(reason=reasons.NO_SECRET, channel_code="bad_secret")
    return Webhook(secret)


class Connection:
    """One shop's address and secret. The address may have a query of its own: https://shop.example/index.php?route=wms."""

    def __init__(self, *, base_url: str, secret: str, client: httpx.Client | None = None) -> None:
        parts = urlsplit(base_url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or parts.username:
            raise NotUsable(reason=reasons.NO_ADDRESS.format(what=repr(base_url)), channel_code="bad_address")
        self.url = base_url.strip()
        self._signer = opened_secret(secret)
        self._client = client
        self.account = hashlib.sha256(repr((self.url, secret)).encode()).hexdigest()
        self.allowance: Allowance | None = None

    def call(self, kind: str, data: Mapping[str, Any], *, uid: str = "") -> JsonObject | None:
        """Send one message; answers the shop's object, None where it said 204. Raises the port's errors."""
        now = datetime.now(UTC)
        if self.allowance is not None and (wait := self.allowance.wait_s(1, now)):
            raise ChannelThrottled(reason=reasons.FULL, retry_after=wait)
        uid = uid or f"msg_{uuid4().hex}"
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": uid,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(uid, now, body),
        }
        client = self._client or _http.shared_client()
        response = _http.send(client, client.build_request("POST", self.url, content=body.encode(), headers=headers))
        self.allowance = _allowance(response, now)
        if response.status_code == 204:
            return None
        return self._read(response)

    def _read(self, response: httpx.Response) -> JsonObject:
        try:
            content = response.json()
        except ValueError:
            content = None
        code, reason = _error_of(content)
        if response.is_success:
            if not isinstance(content, dict):
                raise ChannelUnavailable(reason=reasons.NO_OBJECT, answered=True)
            if code or reason:  # a business error that came with HTTP 200
                self._refuse(code, reason)
            return content
        if response.has_redirect_location or response.status_code == 405 or (response.status_code == 404 and not code):
            # Every shop has our one address. One that answers otherwise is being moved or updated, or its address is wrong: the work waits.
            raise ChannelUnavailable(reason=_http.with_status(response.status_code, reason or reasons.NOTHING_THERE), answered=True)
        if response.status_code == 429 and _http.retry_after_s(response) is None and self.allowance is not None:
            raise ChannelThrottled(
                reason=reason or "HTTP 429", retry_after=self.allowance.wait_s(1, self.allowance.at) or None, answered=True
            )
        _http.raise_for_answer(response, code=code, reason=reason or f"HTTP {response.status_code} {response.reason_phrase}".strip())
        raise AssertionError("unreachable")

    @staticmethod
    def _refuse(code: str, reason: str) -> None:
        if (trouble := _TROUBLE.get(code)) is not None:
            raise trouble(reason=reason, answered=True)
        raise _REFUSALS.get(code, ChannelRefused)(reason=reason, channel_code=code)


def _error_of(content: Any) -> tuple[str, str]:
    """(code, reason) of {"error": {"code", "message"}}, or of the first of `errors`, as GraphQL has it; empty where there is none."""
    if not isinstance(content, dict):
        return "", ""
    errors = content.get("errors")
    error = content.get("error") or (errors[0] if isinstance(errors, list) and errors else None)
    if not error:
        return "", ""
    if not isinstance(error, dict):
        return "", str(error)[:500]
    code = str(error.get("code") or "")
    return code, str(error.get("message") or code or "refused")[:500]


def _allowance(response: httpx.Response, now: datetime) -> Allowance | None:
    """What the shop says that it still takes; None where it says nothing that can be read."""
    state = _parts(response.headers.get("RateLimit", ""))
    policy = _parts(response.headers.get("RateLimit-Policy", ""))
    for name, old in (("q", "Limit"), ("r", "Remaining"), ("t", "Reset")):
        value = response.headers.get(f"RateLimit-{old}", "")
        if name not in state and value.isascii() and value.isdecimal():
            state[name] = float(value)
    if "r" not in state:
        return None
    maximum = policy.get("q", state.get("q", max(state["r"], 1.0)))
    # All of it is there again when the window ends, and where nothing is left, nothing before.
    back = max(maximum - state["r"], 0.0) if state["r"] >= 1 else 1.0
    return Allowance(available=state["r"], maximum=maximum, per_second=back / max(state.get("t", policy.get("w", 1.0)), 1.0), at=now)


def _parts(header: str) -> dict[str, float]:
    """Of the first policy, where there are several."""
    return {name: float(value) for name, value in _PART.findall(header.partition(",")[0])}
