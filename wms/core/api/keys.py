"""Who is calling: a merchant's key, what it may do, and how often it may call."""

from __future__ import annotations

import hashlib
import time

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja.security.http import HttpAuthBase

from wms.core import access
from wms.core.api import limits
from wms.core.api.errors import LONGEST_PATH_PART, NotSignedIn, TooManyRequests
from wms.core.errors import InvalidInput, NotAllowed
from wms.core.models import Merchant, User
from wms.core.scopes import SCOPES

# A key is looked up once a second, not once a request: one that is revoked works for so much longer.
REMEMBERED_SECONDS = 1.0
_MOST_REMEMBERED = 5_000
_remembered: dict[str, tuple[float, User]] = {}


def forget() -> None:
    """Look up every key anew."""
    _remembered.clear()


def _user_of(raw: str, digest: str) -> User | None:
    now = time.monotonic()
    known = _remembered.get(digest)
    if known is not None and known[0] > now:
        return known[1]
    user = access.authenticate_key(raw)
    if user is None:
        _remembered.pop(digest, None)
        return None
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered[digest] = (now + REMEMBERED_SECONDS, user)
    return user


class ScopeMissing(NotAllowed):
    message = _("This key may not do that: it lacks the scope {scope}.")


class ApiKeyAuth(HttpAuthBase):
    """`Authorization: Bearer KEY` of a key with this scope (wms.core.scopes), for an operation whose query has these `parameters`.

    Raises NotSignedIn, TooManyRequests, ScopeMissing, and InvalidInput for parameters that the operation does not know.
    """

    openapi_scheme = "bearer"
    openapi_description = "A merchant's key, as `wms apikey CODE` prints it."

    def __init__(self, scope: str) -> None:
        super().__init__()
        assert scope in SCOPES
        self.scope = scope
        self.parameters: frozenset[str] = frozenset()

    def __call__(self, request: HttpRequest) -> User:
        scheme, _blank, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        raw = raw.strip()
        if scheme.lower() != "bearer" or not raw:
            raise NotSignedIn
        digest = hashlib.sha256(raw.encode()).hexdigest()
        user = _user_of(raw, digest)
        if user is None or user.merchant_id is None:
            raise NotSignedIn
        budget = limits.take(digest)
        limits.note(request, budget)
        if budget.wait_s:
            raise TooManyRequests(retry_after=budget.wait_s)
        if self.scope not in user.scopes:
            raise ScopeMissing(scope=self.scope)
        if request.META.get("QUERY_STRING") and (unknown := sorted(request.GET.keys() - self.parameters)):
            raise InvalidInput([{"path": [name[:LONGEST_PATH_PART]], "message": str(_("This parameter is unknown."))} for name in unknown])
        request.user = user
        return user


def caller(request: HttpRequest) -> tuple[User, Merchant]:
    """The key's user and its merchant, after ApiKeyAuth let it in."""
    user = request.user
    assert isinstance(user, User)
    assert user.merchant is not None
    return user, user.merchant
